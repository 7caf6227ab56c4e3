//! What happened, as facts. Fields and variants are only added (see the decision on journal events).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    input::{Choice, HookId},
    model::{
        Answer, Drained, FleetId, FleetSpec, Hold, Incident, Instance, InstanceId, Kind, Outcome, Past,
        Pause, PauseOwner, Principal, Problem, Reason, RolloutId, Route, Size, Split, StartRequest, State,
        Step, StepEnd, TargetSpec, ValidationItem, Verdict,
    },
};

/// One event of a target's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "events are few and short-lived")]
pub enum Event {
    /// The target was created or changed.
    Applied {
        /// What it is now.
        spec: TargetSpec,
        /// Who.
        by: Principal,
    },
    /// The target was deleted.
    Deleted {
        /// Who.
        by: Principal,
    },
    /// A fleet is wanted, in this size.
    FleetAdded {
        /// Its id.
        fleet: FleetId,
        /// What its instances run.
        spec: FleetSpec,
        /// How many.
        size: Size,
    },
    /// Another size of a fleet is wanted.
    FleetSized {
        /// Its id.
        fleet: FleetId,
        /// How many.
        size: Size,
    },
    /// The last connections of a fleet end, or are ended at `until`.
    FleetDraining {
        /// Its id.
        fleet: FleetId,
        /// Until when.
        until: Timestamp,
    },
    /// A fleet should not exist any more.
    FleetRemoved {
        /// Its id.
        fleet: FleetId,
    },
    /// Another split is wanted.
    Routed {
        /// All of it.
        split: Split,
        /// Its number.
        revision: u64,
        /// Why, where it is not what a Route step asks for.
        #[serde(default)]
        reason: Option<Reason>,
    },
    /// Something on the platform is not as it was last seen.
    Observed(Observation),
    /// What a person had changed on the platform is corrected.
    DriftCorrected {
        /// What was changed.
        reason: Reason,
    },
    /// A person has changed again what was corrected: nothing converges until somebody decides.
    DriftContested {
        /// What was changed.
        reason: Reason,
    },
    /// An old fleet is on its way out.
    Aftercare {
        /// The rollout that replaced it.
        rollout: RolloutId,
        /// What happens.
        what: AftercareEvent,
    },
    /// A person is needed, and no rollout runs that could say so.
    Troubled {
        /// Why.
        reason: Reason,
        /// The rollout whose aftercare it is.
        #[serde(default)]
        aftercare: Option<RolloutId>,
    },
    /// A person has decided about it.
    TroubleResolved {
        /// Who.
        by: Principal,
        /// How.
        choice: Choice,
    },
    /// Nothing converges any more.
    TakenOver {
        /// Why.
        reason: Reason,
    },
    /// This target and others lost something together.
    Incident(Incident),
    /// It converges again.
    HandedBack {
        /// Who.
        by: Principal,
    },
    /// Something about a rollout.
    Rollout {
        /// Its id.
        id: RolloutId,
        /// What.
        what: RolloutEvent,
    },
}

/// Differences to what was last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observation {
    /// The generation that platform and router have applied.
    pub generation: u64,
    /// Instances that are new or changed.
    pub changed: Vec<Instance>,
    /// Instances that are gone.
    pub gone: Vec<InstanceId>,
    /// The split as read back, when it is another.
    pub split: Option<Split>,
    /// Fleets whose last connection has ended, when they are others.
    pub drained: Option<BTreeMap<FleetId, Drained>>,
    /// The reason of a take-over on the platform itself; empty: it is over.
    pub taken_over: Option<String>,
    /// What stands in the way, when it is something else.
    pub problems: Option<Vec<Problem>>,
}

/// What happens to an old fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AftercareEvent {
    /// It is kept, ready to take the traffic back.
    Kept {
        /// Which fleet; none: nothing is left of it.
        fleet: Option<FleetId>,
        /// Until when.
        until: Timestamp,
    },
    /// Its last connections end.
    Draining {
        /// Until when.
        until: Timestamp,
    },
    /// Its instances stop.
    Removing,
    /// It is tried again.
    Retried,
    /// A contract migration is called (intent).
    ContractStarted {
        /// Which one of the policies' `contract`.
        index: usize,
        /// Which attempt.
        attempt: u32,
    },
    /// A contract migration has ended.
    ContractEnded {
        /// Which one.
        index: usize,
        /// How.
        outcome: Outcome,
    },
    /// Nothing is left to do.
    Ended,
    /// It serves again: a rollback has taken it out of aftercare.
    Reclaimed,
}

/// What happens to a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "events are few and short-lived")]
pub enum RolloutEvent {
    /// It is accepted: PENDING.
    Accepted {
        /// What was asked for.
        request: Box<StartRequest>,
        /// Its number in the target.
        number: u64,
        /// What kind it is.
        kind: Kind,
        /// The fleet that it brings.
        fleet: FleetId,
        /// Why it waits.
        reason: Reason,
        /// Who.
        by: Principal,
    },
    /// It waits for another reason than before.
    Waiting {
        /// Why.
        reason: Reason,
    },
    /// It begins: RUNNING.
    Started {
        /// Its steps.
        steps: Vec<Step>,
        /// What is stable.
        stable: Option<FleetId>,
        /// Stable's ready instances, where it starts although stable is unhealthy.
        #[serde(default)]
        stable_floor: Option<u32>,
    },
    /// A step starts.
    StepStarted {
        /// Its index.
        index: usize,
        /// Which attempt.
        attempt: u32,
    },
    /// What the step wants is in the desired state.
    StepIssued,
    /// A Route or Replace begins a segment.
    SegmentStarted {
        /// Its number.
        segment: u32,
        /// What traffic is asked for.
        route: Route,
        /// How much of n has been swapped at the end of it.
        replaced: crate::model::Percent,
    },
    /// A step is over.
    StepEnded {
        /// How.
        end: StepEnd,
    },
    /// Somebody holds it back.
    Paused(Pause),
    /// An owner has lifted its pause.
    Resumed {
        /// Whose pause.
        owner: PauseOwner,
        /// Who lifted it.
        by: Principal,
    },
    /// Somebody goes on without waiting.
    Advanced {
        /// Who.
        by: Principal,
        /// Why.
        reason: String,
        /// With all that follow.
        all: bool,
    },
    /// The permit has another end.
    PermitRenewed {
        /// Until when; none: no limit.
        until: Option<Timestamp>,
    },
    /// A verdict that counts.
    Judged(Verdict),
    /// The verdict stream is up or down.
    Monitored {
        /// Whether it is up.
        up: bool,
        /// When that began.
        since: Timestamp,
    },
    /// Something holds it; none: no longer.
    Held(Option<Hold>),
    /// A call is decided (intent).
    HookStarted {
        /// Which.
        hook: HookId,
        /// Which attempt.
        attempt: u32,
    },
    /// A call has ended.
    HookEnded {
        /// Which.
        hook: HookId,
        /// How.
        outcome: Outcome,
    },
    /// A gate or handoff is answered.
    Answered {
        /// How.
        answer: Answer,
        /// Who.
        by: Principal,
        /// Why.
        reason: String,
    },
    /// Platform or router have refused what is wanted.
    RouteRefused {
        /// What it said.
        error: String,
    },
    /// A person is needed: NEEDS_OPERATOR.
    Interrupted {
        /// Why.
        reason: Reason,
        /// Nothing converges until HandBack.
        taken_over: bool,
    },
    /// A person has decided; what follows is in the next events.
    Resolved {
        /// How.
        choice: Choice,
        /// Who.
        by: Principal,
        /// Why.
        reason: String,
    },
    /// Undoing begins: ROLLING_BACK.
    RollbackStarted {
        /// Why.
        reason: Reason,
        /// Its steps.
        undo: Vec<Step>,
        /// The rollout that supersedes it.
        #[serde(default)]
        superseded_by: Option<RolloutId>,
    },
    /// The stuck undoing goes on.
    RollbackResumed {
        /// Why.
        reason: Reason,
    },
    /// The candidate is stable.
    Promoted {
        /// What served.
        past: Past,
    },
    /// Stable is again what it was.
    PromoteReversed,
    /// Undone; is stable well? RECOVERING.
    RecoveryStarted {
        /// The items; those that nobody checks are NOT_CHECKED.
        items: Vec<ValidationItem>,
    },
    /// An item was looked at.
    Validated(ValidationItem),
    /// It is over.
    Ended {
        /// SUCCEEDED, ROLLED_BACK, SUPERSEDED or CANCELLED.
        state: State,
        /// Why.
        reason: Reason,
    },
}

// === impl Event ===

impl Event {
    /// About a rollout.
    pub const fn of(id: RolloutId, what: RolloutEvent) -> Self {
        Self::Rollout { id, what }
    }

    /// The rollout that it is about.
    pub const fn rollout(&self) -> Option<RolloutId> {
        if let Self::Rollout { id, .. } | Self::Aftercare { rollout: id, .. } = self {
            Some(*id)
        } else {
            None
        }
    }
}
