//! Keeps the analysis of a target's rollout as the state wants it, and tells the core whether it is watched.
//!
//! Level-triggered: what the state wants is compared with what the monitor was last told, whatever happened between.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1 as pb;
use bellwether_rollout::{Decision, Input, Reason, RolloutId, Verdict};
use tonic::{Code, Status};
use tracing::{Instrument as _, info_span};

use super::{link::SILENCE, source::MonitorSource};
use crate::{
    convert::{self, Which},
    record::Note,
    shell::{Executor, State},
    targets::TargetEntry,
};

/// Between two attempts to tell the monitor.
const AGAIN: Duration = Duration::from_millis(500);
/// A process that has just found a rollout under observation says that it observes it only once it has for this long:
/// one that ends before has added nothing.
const FIRST: Duration = Duration::from_secs(1);

/// What the monitor was last told.
#[derive(Default)]
struct Told {
    /// The analysis that it was told of.
    analysis: Option<pb::Analysis>,
    /// Another one is still to be stopped.
    stop: Option<String>,
    /// It may have forgotten since.
    stale: bool,
    /// Since when it has not taken what it was told; none: it knows everything.
    failing_since: Option<Timestamp>,
    /// Since when it watches what is wanted, and is heard; none: it does not.
    watching_since: Option<Timestamp>,
}

/// Follows the state until the process ends.
pub(crate) async fn run(executor: &Executor, mut state: State) {
    let (mut told, mut link) = (Told::default(), executor.link().watch());
    loop {
        let entry = state.borrow_and_update().clone();
        let heard = *link.borrow_and_update();
        let wanted = convert::analysis(&entry);
        told.stale |= !heard.up;
        let synced = match executor.monitor() {
            Some(source) => told.sync(executor, &**source, &entry, wanted.as_ref()).await,
            None => wanted.is_none(),
        };
        told.failing_since = (!synced).then(|| told.failing_since.unwrap_or_else(|| executor.env().now()));
        let watching = synced && heard.up && wanted.is_some();
        told.watching_since = watching.then(|| told.watching_since.unwrap_or_else(|| executor.env().now()));
        let told_all = match wanted.as_ref().and_then(|it| convert::analysis_of(&it.name)) {
            Some((rollout, Which::Candidate(_))) => {
                let lost_since = told.failing_since.filter(|_| heard.up).or((!heard.up).then_some(heard.at));
                let watch = told.watching_since.ok_or(lost_since.unwrap_or(heard.at));
                tell(executor, &state, &entry, rollout, watch).await
            }
            Some((rollout, Which::Recovery(recovery))) if executor.monitor().is_none() => {
                nobody_looks(executor, &state, rollout, recovery).await;
                true
            }
            Some((_, Which::Recovery(_))) | None => true,
        };
        let settled = synced && told_all && (heard.up || wanted.is_none());
        let again = async {
            match settled {
                true => std::future::pending().await,
                false => tokio::time::sleep(executor.env().jitter(AGAIN, 20)).await,
            }
        };
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            changed = link.changed() => if changed.is_err() { return },
            () = again => {}
        }
    }
}

/// Where there is no monitor, what only a monitor could tell is not checked.
async fn nobody_looks(executor: &Executor, state: &State, rollout: RolloutId, recovery: u32) {
    let verdict = Verdict {
        rollout,
        analysis: recovery,
        segment: 1,
        sequence: 0,
        // it has seen all that it will ever see: nothing
        decision: Decision::Pass,
        reason: Reason::new("NO_MONITOR", "no monitor is configured"),
        checks: Vec::new(),
        hard_limit: false,
        decided_at: executor.env().now(),
    };
    executor.deliver(state, Input::Recovery(Box::new(verdict)), Note::default()).await;
}

/// Says that the rollout is watched, or that it is not, once either is sure and news; whether there is nothing more to say.
/// `watch`: since when it is watched, or when it last was.
async fn tell(
    executor: &Executor,
    state: &State,
    entry: &TargetEntry,
    rollout: RolloutId,
    watch: Result<Timestamp, Timestamp>,
) -> bool {
    let Some(known) = entry.state.core.rollouts.get(&rollout) else { return true };
    let lost_since = match watch {
        Ok(since) => {
            let inherited = executor.inherited().unobserved(entry).is_some();
            if inherited && executor.env().since(since) < FIRST {
                return false;
            }
            if inherited || !known.monitor.up {
                executor.deliver(state, Input::MonitorUp { rollout, since }, Note::default()).await;
            }
            return true;
        }
        Err(lost_since) => lost_since,
    };
    // an analysis that has just been asked for is not lost yet
    let last_heard = if known.monitor.up { lost_since } else { lost_since.max(known.step.since) };
    let told = !known.monitor.up && known.hold.is_some();
    if !told && known.is_running() && executor.env().since(last_heard) >= SILENCE {
        executor.deliver(state, Input::MonitorLost { rollout, last_heard }, Note::default()).await;
    }
    true
}

// === impl Told ===

impl Told {
    /// Tells the monitor what has changed; whether it knows everything now.
    async fn sync(
        &mut self,
        executor: &Executor,
        source: &dyn MonitorSource,
        entry: &TargetEntry,
        wanted: Option<&pb::Analysis>,
    ) -> bool {
        if let Some(old) = self.analysis.take_if(|old| wanted.is_none_or(|new| new.name != old.name)) {
            if let Some((rollout, _)) = convert::analysis_of(&old.name) {
                executor.refreshes().forget(rollout);
            }
            self.stop = Some(old.name);
        }
        let stopped = self.stop(source).await;
        let Some(wanted) = wanted else { return stopped };
        if !self.stale && self.analysis.as_ref() == Some(wanted) {
            return stopped;
        }
        let span = info_span!("analysis", analysis = %wanted.name);
        executor.continue_trace(&span, entry);
        match enter(source, wanted).instrument(span).await {
            Ok(()) => (self.analysis, self.stale) = (Some(wanted.clone()), false),
            Err(status) => {
                tracing::info!(analysis = %wanted.name, %status, "the monitor did not take an analysis");
                return false;
            }
        }
        stopped
    }

    async fn stop(&mut self, source: &dyn MonitorSource) -> bool {
        let Some(name) = &self.stop else { return true };
        match source.stop(name).await {
            Ok(()) => self.stop = None,
            Err(status) => tracing::info!(analysis = %name, %status, "an analysis could not be stopped"),
        }
        self.stop.is_none()
    }
}

/// Enters the segment; where there is no such analysis yet, with a new one. One that has expired cannot be entered: the
/// rollout is not watched then, and holds.
async fn enter(source: &dyn MonitorSource, wanted: &pb::Analysis) -> Result<(), Status> {
    let segment = wanted.segment.unwrap_or_default();
    match source.update(&wanted.name, segment).await {
        Err(status) if status.code() == Code::NotFound => source.start(wanted.clone()).await,
        told => told,
    }
}
