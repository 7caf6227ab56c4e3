//! Keeps the analysis of a target's rollout as the state wants it, and tells the core whether it is watched.
//!
//! Level-triggered: what the state wants is compared with what the monitor was last told, whatever happened between.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1 as pb;
use bellwether_rollout::{Input, RolloutId};
use tonic::{Code, Status};
use tracing::{Instrument as _, info_span};

use super::{link::SILENCE, source::MonitorSource};
use crate::{
    convert,
    record::Note,
    shell::{Executor, State},
    targets::TargetEntry,
};

/// Between two attempts to tell the monitor.
const AGAIN: Duration = Duration::from_millis(500);

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
        if let Some((rollout, _)) = wanted.as_ref().and_then(|it| convert::analysis_of(&it.name)) {
            let lost_since = told.failing_since.filter(|_| heard.up).or((!heard.up).then_some(heard.at));
            tell(executor, &state, &entry, rollout, lost_since).await;
        }
        let settled = synced && (heard.up || wanted.is_none());
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

/// What the process before this one had under observation was not observed since its last event. Said before anything
/// else: time that nobody watched counts for nothing.
pub(crate) async fn report_gap(executor: &Executor, state: &State) {
    let entry = state.borrow().clone();
    let watched = entry.state.core.begun().filter(|it| it.monitor.up);
    if let Some(rollout) = watched.map(bellwether_rollout::Rollout::id) {
        let lost = Input::MonitorLost { rollout, last_heard: entry.update_time };
        executor.deliver(state, lost, Note::default()).await;
    }
}

/// Says that the rollout is watched, or that it is not, once either is sure and news. `lost_since`: when the monitor was
/// last known to watch it; none: it does.
async fn tell(
    executor: &Executor,
    state: &State,
    entry: &TargetEntry,
    rollout: RolloutId,
    lost_since: Option<Timestamp>,
) {
    let Some(known) = entry.state.core.rollouts.get(&rollout) else { return };
    let Some(lost_since) = lost_since else {
        if !known.monitor.up {
            executor.deliver(state, Input::MonitorUp { rollout }, Note::default()).await;
        }
        return;
    };
    // an analysis that has just been asked for is not lost yet
    let last_heard = if known.monitor.up { lost_since } else { lost_since.max(known.step.since) };
    let told = !known.monitor.up && known.hold.is_some();
    if !told && known.is_running() && executor.env().since(last_heard) >= SILENCE {
        let incident = executor.common_mode().lost(&entry.stream, executor.env());
        let note = Note { incident, ..Note::default() };
        executor.deliver(state, Input::MonitorLost { rollout, last_heard }, note).await;
    }
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
