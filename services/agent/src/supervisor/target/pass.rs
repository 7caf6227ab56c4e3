//! One look at everything, and what follows from it.

use std::{sync::Arc, time::Duration};

use bellwether_clock::{Timestamp, spawn};
use tokio::time::{sleep, timeout};

use super::{State, Target, plan};
use crate::{
    control::ClientError,
    supervisor::{
        instance::{Handle, Problem, ProblemCode, Record},
        routing::RouteError,
        wish::FleetWish,
    },
};

/// Instances that nobody asked to drain may finish their requests for this long.
const DRAIN: Duration = Duration::from_secs(30);
/// Looks while something is under way.
const BUSY: Duration = Duration::from_millis(100);
/// Looks while nothing is.
const CALM: Duration = Duration::from_secs(1);

// === impl Target ===

impl Target {
    /// Looks after the target for as long as this process runs.
    pub(super) fn look_after(self: &Arc<Self>) {
        let target = self.clone();
        spawn("target", async move {
            let wake = target.context.wake.of(&target.name);
            loop {
                let busy = {
                    let mut state = target.state.lock().await;
                    target.pass(&mut state).await;
                    state.is_busy()
                };
                // the time is over or it was woken: either way it looks again
                let _ = timeout(if busy { BUSY } else { CALM }, wake.notified()).await;
                // many changes at once are one look
                sleep(Duration::from_millis(2)).await;
            }
        });
    }

    /// One look at everything, and what follows from it. Takes milliseconds: what takes longer goes on by itself.
    pub(super) async fn pass(&self, state: &mut State) {
        if state.ending {
            return;
        }
        if state.unreadable.is_some() {
            return self.publish(state);
        }
        state.instances.retain(|_, handle| !handle.view().gone);
        let gone = |id: &uuid::Uuid| !state.instances.contains_key(id);
        let forgotten: Vec<_> = state.retiring.keys().filter(|id| gone(id)).copied().collect();
        for id in forgotten {
            state.retiring.remove(&id);
        }
        self.start_and_retire(state);
        state.problem = match self.push(state).await {
            Ok(()) => {
                state.applied = state.file.converged;
                state.route_applied = state.file.fence.generation;
                None
            }
            Err(error) => Some(problem(&error)),
        };
        self.follow_drains(state).await;
        self.publish(state);
    }

    /// Tells the gateway what has changed. Where nothing has, it asks: a gateway that routes something else, because
    /// it was started anew or somebody else told it to, is told again.
    pub(super) async fn push(&self, state: &mut State) -> Result<(), RouteError> {
        let table = state.table();
        let status = match &state.pushed {
            Some(pushed) if *pushed == table => self.gateway.status().await?,
            _ => return self.push_table(state, table).await,
        };
        match status.targets.get(&self.name) {
            Some(now) if Some(now) == state.confirmed.as_ref() => Ok(()),
            _ => self.push_table(state, table).await,
        }
    }

    async fn push_table(&self, state: &mut State, table: crate::gateway::Target) -> Result<(), RouteError> {
        state.pushed = None;
        let routed = self.gateway.route(&self.name, Some(&table)).await;
        if matches!(routed, Ok(_) | Err(RouteError::Listen(_))) {
            let instances = table.fleets.values().flat_map(|fleet| &fleet.instances);
            state.known = instances.filter_map(|instance| instance.id.parse().ok()).collect();
        }
        let status = routed?;
        state.confirmed = status.targets.get(&self.name).cloned();
        state.pushed = Some(table);
        Ok(())
    }

    fn start_and_retire(&self, state: &mut State) {
        let views: Vec<_> = state.instances.iter().map(|(id, handle)| (*id, handle, handle.view())).collect();
        let staying = views.iter().filter(|(id, ..)| !state.retiring.contains_key(id));
        let wish = &state.file.wish;
        let present = staying.map(|(id, handle, view)| plan::Present {
            id: *id,
            fleet: &handle.record.fleet,
            ready: view.ready,
            as_wished: wish.fleet(&handle.record.fleet).is_some_and(|fleet| fleet.spec == handle.record.spec),
        });
        let plan = plan::plan(wish, &present.collect::<Vec<_>>());
        let start: Vec<Handle> = plan.start.into_iter().map(|fleet| self.start(fleet)).collect();
        let until = self.context.env.now().checked_add(DRAIN).unwrap_or(Timestamp::MAX);
        state.retiring.extend(plan.retire.into_iter().map(|id| (id, until)));
        state.instances.extend(start.into_iter().map(|handle| (handle.record.id, handle)));
    }

    fn start(&self, fleet: &FleetWish) -> Handle {
        let record = Record {
            id: self.context.env.uuid(),
            target: self.name.clone(),
            fleet: fleet.id.clone(),
            spec: fleet.spec.clone(),
            port: 0,
            process: None,
            started: None,
            restarts: 0,
            last_exit: None,
        };
        Handle::start(record, None, self.context.clone())
    }
}

// === impl State ===

impl State {
    fn is_busy(&self) -> bool {
        self.unreadable.is_none() && self.pushed.is_none()
            || !self.retiring.is_empty()
            || self.drained.len() < self.file.wish.drains.len()
    }
}

fn problem(error: &RouteError) -> Problem {
    let code = match error {
        RouteError::Listen(_) => ProblemCode::PortInUse,
        RouteError::Gateway(ClientError::Refused(_)) => ProblemCode::RouteRefused,
        RouteError::Gateway(_) | RouteError::Down => ProblemCode::GatewayDown,
    };
    Problem::new(code, "", error.to_string())
}
