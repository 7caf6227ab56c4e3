//! What the engine is told: commands, verdicts, observations, outcomes, time.

use jiff::Timestamp;

use crate::model::{
    Answer, Incident, ItemKind, ItemStatus, Observed, Occasion, Outcome, PauseOwner, Principal, Reason,
    RolloutId, StartRequest, TargetSpec, Verdict,
};

/// One input. Only commands can be refused; everything else at worst changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Somebody asks for something.
    Command(Box<Command>),
    /// The monitor has decided.
    Verdict(Box<Verdict>),
    /// The verdict stream of a rollout is up.
    MonitorUp {
        /// Which rollout.
        rollout: RolloutId,
        /// Since when it is watched; time before that does not count as observed.
        since: Timestamp,
    },
    /// The verdict stream was silent for 5 s, or is down.
    MonitorLost {
        /// Which rollout.
        rollout: RolloutId,
        /// When it was last heard; time after that does not count as observed.
        last_heard: Timestamp,
    },
    /// Others lost the same within a minute: it holds, whatever the policy says.
    CommonMode {
        /// Which rollout.
        rollout: RolloutId,
        /// What was lost, and by how many.
        reason: Reason,
    },
    /// Several targets lost something together: told once, by one of them.
    Incident(Box<Incident>),
    /// What the monitor says of stable after a rollback. `analysis` counts the rollout's recoveries.
    Recovery(Box<Verdict>),
    /// What is on the platform and in the router.
    Observed(Box<Observed>),
    /// Platform or router have refused what this generation wants. The shell repeats with backoff and says so each
    /// time.
    RouteRefused {
        /// The generation that was refused.
        generation: u64,
        /// What it said.
        error: String,
    },
    /// A call has ended.
    HookOutcome {
        /// Which call.
        hook: HookId,
        /// Which attempt.
        attempt: u32,
        /// How.
        outcome: Outcome,
    },
    /// A handoff was answered (Prepare).
    HandoffOutcome {
        /// Which rollout.
        rollout: RolloutId,
        /// The index of its step.
        step: usize,
        /// How.
        outcome: Outcome,
    },
    /// An item of a validation was looked at.
    Validation {
        /// Which rollout.
        rollout: RolloutId,
        /// Which validation.
        occasion: Occasion,
        /// The item.
        item: ItemKind,
        /// What was found; OPEN and NOT_CHECKED are ignored.
        status: ItemStatus,
        /// The value with unit.
        value: String,
        /// What it was compared with.
        baseline: String,
    },
    /// Time has passed. Due at `wake_at`; harmless at any other time.
    Tick,
}

/// A command: durable before it is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Who asks, as the transport authenticated them.
    pub by: Principal,
    /// Why; may be empty.
    pub reason: String,
    /// What.
    pub action: Action,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Creates or changes the target. The instance count may change at any time, the rest between rollouts.
    Apply(Box<TargetSpec>),
    /// Forgets the target: traffic to none, all fleets removed. Refused while a rollout has not ended.
    Delete,
    /// Starts a rollout, or lets it wait for its turn.
    Start(Box<StartRequest>),
    /// Extends the permit; none: no limit.
    RenewPermit {
        /// Which rollout.
        rollout: RolloutId,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// Adds a pause; replaces the one of the same owner, with its reason. Since when it holds stays.
    Pause {
        /// Which rollout.
        rollout: RolloutId,
        /// Whose pause it is.
        owner: PauseOwner,
        /// Let the running step end first.
        after_step: bool,
    },
    /// Lifts the owner's own pause.
    Resume {
        /// Which rollout.
        rollout: RolloutId,
        /// Whose pause.
        owner: PauseOwner,
    },
    /// Goes on without waiting: ends a Bake or Wait, lets one step start over a person's pause.
    Advance {
        /// Which rollout.
        rollout: RolloutId,
        /// The step index that the caller saw; another one: STEP_CHANGED.
        step: usize,
        /// All Bakes and Waits that follow too, and persons' pauses are lifted.
        all: bool,
    },
    /// Back to stable; before the start: CANCELLED. Repeated: the outcome of the first.
    Abort {
        /// Which rollout.
        rollout: RolloutId,
    },
    /// Takes a rollout back that has succeeded: a new rollout to what served before it.
    Rollback {
        /// The rollout that is taken back.
        rollout: RolloutId,
        /// The id of the new rollout.
        new: RolloutId,
    },
    /// Answers a gate.
    ResolveGate {
        /// Which rollout.
        rollout: RolloutId,
        /// The index of the gate's step.
        step: usize,
        /// How.
        answer: Answer,
    },
    /// Decides where a person is needed.
    ResolveInterruption {
        /// Which rollout; none: the target (aftercare, drift).
        rollout: Option<RolloutId>,
        /// How.
        choice: Choice,
    },
    /// Ends a take-over.
    HandBack,
}

/// What a person may decide in NEEDS_OPERATOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Choice {
    /// The same step again.
    Retry,
    /// The next step.
    Ignore,
    /// Back to stable.
    RollBack,
    /// Nothing converges until HandBack.
    TakenOver,
}

/// A call with effects, by the rollout and the place that decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct HookId {
    /// The rollout.
    pub rollout: RolloutId,
    /// The place.
    pub place: HookPlace,
}

/// Where a call belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HookPlace {
    /// A step.
    Step(usize),
    /// The `on_undo` of a step.
    Undo(usize),
    /// A contract migration in aftercare.
    Contract(usize),
}

// === impl HookId ===

impl HookId {
    /// The same on every attempt.
    pub fn idempotency_key(&self) -> String {
        match self.place {
            HookPlace::Step(step) => format!("{}/{step}", self.rollout),
            HookPlace::Undo(step) => format!("{}/{step}/undo", self.rollout),
            HookPlace::Contract(index) => format!("{}/contract/{index}", self.rollout),
        }
    }
}
