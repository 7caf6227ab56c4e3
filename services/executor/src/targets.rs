//! The streams of the executor's journal: one per target.

use bellwether_resource::{Aggregate, Entry, Meta};
use bellwether_rollout::{AftercareEvent, Event, Illegal, Rollout, RolloutEvent, RolloutId};

use crate::record::{Fact, TargetRecord};

/// Targets as a kind of stream.
#[derive(Clone, Copy, Debug)]
pub struct Targets;

/// A target at one version.
pub type TargetEntry = Entry<Targets>;

// === impl Targets ===

impl Targets {
    /// The name of a target without its collection.
    pub fn name(stream: &str) -> &str {
        stream.strip_prefix(Self::PREFIX).unwrap_or(stream)
    }

    /// The stream of the target of this name, which is its full name.
    pub fn stream(name: &str) -> String {
        format!("{}{name}", Self::PREFIX)
    }

    /// A rollout of a target, when the target still knows it.
    pub fn rollout(entry: &TargetEntry, id: RolloutId) -> Option<&Rollout> {
        entry.state.core.rollouts.get(&id)
    }
}

impl Aggregate for Targets {
    type State = TargetRecord;
    type Event = Fact;
    type Illegal = Illegal;

    const PREFIX: &'static str = "targets/";

    fn evolve(state: TargetRecord, fact: &Fact, meta: &Meta) -> Result<TargetRecord, Illegal> {
        state.evolve(fact, meta.time)
    }

    fn kind(fact: &Fact) -> &'static str {
        kind(&fact.event)
    }

    fn ended(state: &TargetRecord) -> bool {
        let core = &state.core;
        core.queue.is_empty() && core.aftercare.is_empty() && core.trouble.is_none()
    }
}

const fn kind(event: &Event) -> &'static str {
    match event {
        Event::Applied { .. } => "TARGET_APPLIED",
        Event::Deleted { .. } => "TARGET_DELETED",
        Event::FleetAdded { .. } => "FLEET_ADDED",
        Event::FleetSized { .. } => "FLEET_SIZED",
        Event::FleetDraining { .. } => "FLEET_DRAINING",
        Event::FleetRemoved { .. } => "FLEET_REMOVED",
        Event::Routed { .. } => "TRAFFIC_ROUTED",
        Event::Observed(_) => "TARGET_OBSERVED",
        Event::DriftCorrected { .. } => "DRIFT_CORRECTED",
        Event::DriftContested { .. } => "DRIFT_CONTESTED",
        Event::Troubled { .. } => "TARGET_NEEDS_OPERATOR",
        Event::TroubleResolved { .. } => "TARGET_RESOLVED",
        Event::TakenOver { .. } => "TARGET_TAKEN_OVER",
        Event::Incident(_) => "MONITOR_INCIDENT",
        Event::HandedBack { .. } => "TARGET_HANDED_BACK",
        Event::Aftercare { what, .. } => aftercare(what),
        Event::Rollout { what, .. } => rollout(what),
    }
}

const fn aftercare(what: &AftercareEvent) -> &'static str {
    match what {
        AftercareEvent::Kept { .. } => "OLD_FLEET_KEPT",
        AftercareEvent::Draining { .. } => "OLD_FLEET_DRAINING",
        AftercareEvent::Removing => "OLD_FLEET_REMOVING",
        AftercareEvent::Retried => "AFTERCARE_RETRIED",
        AftercareEvent::ContractStarted { .. } => "CONTRACT_STARTED",
        AftercareEvent::ContractEnded { .. } => "CONTRACT_ENDED",
        AftercareEvent::Ended => "AFTERCARE_ENDED",
        AftercareEvent::Reclaimed => "OLD_FLEET_RECLAIMED",
    }
}

const fn rollout(what: &RolloutEvent) -> &'static str {
    match what {
        RolloutEvent::Accepted { .. } => "ROLLOUT_ACCEPTED",
        RolloutEvent::Waiting { .. } => "ROLLOUT_WAITING",
        RolloutEvent::Started { .. } => "ROLLOUT_STARTED",
        RolloutEvent::StepStarted { .. } => "ROLLOUT_STEP_STARTED",
        RolloutEvent::StepIssued => "ROLLOUT_STEP_ISSUED",
        RolloutEvent::SegmentStarted { .. } => "ROLLOUT_SEGMENT_STARTED",
        RolloutEvent::StepEnded { .. } => "ROLLOUT_STEP_ENDED",
        RolloutEvent::Paused(_) => "ROLLOUT_PAUSED",
        RolloutEvent::Resumed { .. } => "ROLLOUT_RESUMED",
        RolloutEvent::Advanced { .. } => "ROLLOUT_ADVANCED",
        RolloutEvent::PermitRenewed { .. } => "ROLLOUT_PERMIT_RENEWED",
        RolloutEvent::Judged(_) => "ROLLOUT_JUDGED",
        RolloutEvent::Monitored { .. } => "ROLLOUT_MONITORED",
        RolloutEvent::Held(_) => "ROLLOUT_HELD",
        RolloutEvent::HookStarted { .. } => "ROLLOUT_HOOK_STARTED",
        RolloutEvent::HookEnded { .. } => "ROLLOUT_HOOK_ENDED",
        RolloutEvent::Answered { .. } => "ROLLOUT_GATE_ANSWERED",
        RolloutEvent::RouteRefused { .. } => "ROLLOUT_ROUTE_REFUSED",
        RolloutEvent::Interrupted { .. } => "ROLLOUT_NEEDS_OPERATOR",
        RolloutEvent::Resolved { .. } => "ROLLOUT_RESOLVED",
        RolloutEvent::RollbackStarted { .. } => "ROLLOUT_ROLLBACK_STARTED",
        RolloutEvent::RollbackResumed { .. } => "ROLLOUT_ROLLBACK_RESUMED",
        RolloutEvent::Promoted { .. } => "ROLLOUT_PROMOTED",
        RolloutEvent::PromoteReversed => "ROLLOUT_PROMOTE_REVERSED",
        RolloutEvent::RecoveryStarted { .. } => "ROLLOUT_RECOVERY_STARTED",
        RolloutEvent::Validated(_) => "ROLLOUT_VALIDATED",
        RolloutEvent::Ended { state, .. } => ended(*state),
    }
}

const fn ended(state: bellwether_rollout::State) -> &'static str {
    use bellwether_rollout::State;
    match state {
        State::Succeeded => "ROLLOUT_SUCCEEDED",
        State::RolledBack => "ROLLOUT_ROLLED_BACK",
        State::Superseded => "ROLLOUT_SUPERSEDED",
        State::Cancelled => "ROLLOUT_CANCELLED",
        // never the state of an end
        State::Pending
        | State::Running
        | State::RollingBack
        | State::Recovering
        | State::NeedsOperator { .. } => "ROLLOUT_ENDED",
    }
}
