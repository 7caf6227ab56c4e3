//! What a target is, as it is told.

use std::{collections::BTreeMap, net::SocketAddr};

use bellwether_clock::Timestamp;
use uuid::Uuid;

use super::{State, Target};
use crate::{
    control::TargetStatus,
    supervisor::instance::{LastExit, Problem, ProblemCode},
};

/// What a target is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Its name.
    pub target: String,
    /// The newest generation that was applied as a whole.
    pub generation: i64,
    /// The newest generation whose route was applied.
    pub route_generation: i64,
    /// The highest epoch that was obeyed.
    pub epoch: i64,
    /// Every instance.
    pub instances: Vec<InstanceView>,
    /// The route, as the gateway has read it back; none: it could not be read.
    pub route: Option<TargetStatus>,
    /// Fleets whose drain is over, and how many requests were cut.
    pub drained: BTreeMap<String, u64>,
    /// Why the traffic was taken over, where it was.
    pub taken_over: Option<String>,
    /// What stands in the way.
    pub problems: Vec<Problem>,
}

/// One instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceView {
    /// Its id.
    pub id: Uuid,
    /// Its fleet.
    pub fleet: String,
    /// It may get traffic.
    pub ready: bool,
    /// It gets no new request, and ends when it has finished.
    pub draining: bool,
    /// How often it ended by itself and was started again.
    pub restarts: u32,
    /// How it last ended by itself.
    pub last_exit: Option<LastExit>,
    /// Where it listens.
    pub address: Option<SocketAddr>,
    /// When it was started last.
    pub started: Option<Timestamp>,
}

// === impl Target ===

impl Target {
    /// Tells what the target is, to whom it is news.
    pub(super) fn publish(&self, state: &mut State) {
        state.date_problems(self.context.env.now());
        let next = state.observed(&self.name);
        self.observed.send_if_modified(|observed| {
            let changed = *observed != next;
            *observed = next;
            changed
        });
    }
}

// === impl State ===

impl State {
    fn observed(&self, name: &str) -> Observed {
        let drained = self.drained.iter().map(|fleet| (fleet.clone(), self.cut_of(fleet)));
        Observed {
            target: name.to_owned(),
            generation: self.applied,
            route_generation: self.route_applied,
            epoch: self.file.fence.epoch,
            instances: self.instances.keys().filter_map(|id| self.instance(*id)).collect(),
            route: self.pushed.as_ref().and(self.confirmed.clone()),
            drained: drained.collect(),
            taken_over: self.taken_over().map(|taken| taken.reason.clone()),
            problems: self.problems.clone(),
        }
    }

    fn instance(&self, id: Uuid) -> Option<InstanceView> {
        let handle = self.instances.get(&id)?;
        let (view, fleet) = (handle.view(), handle.record.fleet.clone());
        Some(InstanceView {
            id,
            // one that the gateway does not know yet gets no traffic, whatever it says itself
            ready: view.ready && self.known.contains(&id),
            draining: self.retiring.contains_key(&id),
            fleet,
            restarts: view.restarts,
            last_exit: view.last_exit,
            address: view.address,
            started: view.started,
        })
    }

    fn cut_of(&self, fleet: &str) -> u64 {
        let of_fleet = self.instances.values().filter(|handle| handle.record.fleet == fleet);
        of_fleet.filter_map(|handle| self.cut.get(&handle.record.id)).sum()
    }

    /// Notes since when each problem is there.
    fn date_problems(&mut self, now: Timestamp) {
        let before = std::mem::take(&mut self.problems);
        let since = |problem: &Problem| {
            let same = before.iter().find(|before| before.key() == problem.key());
            same.and_then(|before| before.since).unwrap_or(now)
        };
        let present = self.present_problems().into_iter();
        self.problems = present.map(|it| Problem { since: Some(since(&it)), ..it }).collect();
    }

    fn present_problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.problem.iter().cloned().collect();
        let unreadable = self.unreadable.iter().map(|error| {
            let text = format!("{error}: instances and traffic stay as they are until the next wish");
            Problem::new(ProblemCode::Disk, "", text)
        });
        problems.extend(unreadable);
        for (id, handle) in &self.instances {
            let view = handle.view();
            problems.extend(view.problem.map(|problem| problem.of(*id)));
            if view.crash_looping {
                let text = "it ended three times within a minute".to_owned();
                problems.push(Problem::new(ProblemCode::CrashLoop, &handle.record.fleet, text).of(*id));
            }
        }
        problems
    }
}
