//! The steps: all that the engine knows.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{MatchRule, Mirror, Percent, Size};

/// One step of a rollout or of its undoing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Step {
    /// Reserves capacity or prepares the environment; done when answered.
    Prepare(Prepare),
    /// Wants instances; done when that many are ready.
    Scale(Scale),
    /// Moves traffic; done when the router confirms it (read back).
    Route(Route),
    /// Swaps a batch of instances in place; done when the batch is ready and has its share of traffic.
    Replace(Replace),
    /// Watches verdicts; done on PASS after `min`, else by policy at `max`.
    Bake(Bake),
    /// Waits for a person or an agent; done when resolved.
    Gate(Gate),
    /// Calls something; done when the outcome is committed.
    Hook(Hook),
    /// Waits.
    Wait(Wait),
    /// Makes the candidate the stable fleet. Changes nothing on the platform.
    Promote,
    /// Undoing: stable gets its instances back; done when they are ready.
    RestoreCapacity,
    /// Undoing: traffic back to stable (or to none, without a stable).
    RouteBack(RouteBack),
    /// Undoing: the route is read back and is right.
    VerifyRoute,
    /// Undoing and aftercare: open connections of the candidate end, or are ended.
    Drain,
    /// Undoing and aftercare: the candidate's instances are gone.
    Remove,
    /// Undoing: a finished hook's `on_undo`.
    UndoHook {
        /// Index of the step whose hook is undone.
        step: usize,
    },
}

/// Who prepares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Prepare {
    /// An agent, through a handoff; the answer is a command.
    Handoff {
        /// The role that may claim it (`infrastructure`).
        role: String,
        /// What is asked for.
        text: String,
    },
    /// A call.
    Hook(Hook),
}

/// Wants instances of the candidate or of stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// Which fleet.
    #[serde(default)]
    pub fleet: Role,
    /// How many.
    pub size: Size,
}

/// A fleet by what it is in this rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// The new one.
    #[default]
    Candidate,
    /// The one that served when the rollout began.
    Stable,
}

/// Moves traffic. Complete: what an earlier Route asked for and this one does not is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Route {
    /// The candidate's share; none: nobody gets traffic (recreate).
    pub percent: Option<Percent>,
    /// Requests that go to the candidate in any case.
    pub matches: Vec<MatchRule>,
    /// Copies of requests to the candidate.
    pub mirror: Option<Mirror>,
    /// Whether the preview ingress leads to the candidate.
    pub preview: bool,
}

/// Swaps a batch of instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replace {
    /// How many of n, in addition to what earlier Replace steps swapped.
    pub batch: Size,
    /// Instances above n at any time.
    pub max_surge: Size,
    /// Instances below n at any time.
    pub max_unavailable: Size,
}

/// Watches verdicts of its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bake {
    /// Least time under observation (the verdict stream is up).
    pub min: Duration,
    /// At this time without a decision the policy decides. Does not run while paused or held.
    pub max: Duration,
    /// Whether verdicts decide; false: only `min` counts, and a FAIL still acts.
    #[serde(default = "Bake::yes")]
    pub checks: bool,
}

/// Waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// What opens it.
    pub kind: GateKind,
    /// Its name, unique in the rollout, as far as the user gave one.
    #[serde(default)]
    pub id: String,
    /// The permission or role that may resolve it; empty: whoever may resolve gates.
    #[serde(default)]
    pub who: String,
    /// What is asked, for people.
    #[serde(default)]
    pub text: String,
}

/// What a gate waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GateKind {
    /// APPROVE or REJECT.
    Approval,
    /// A value.
    Input,
    /// An agent's answer.
    Handoff,
}

/// A call with effects outside of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Its name, for people.
    pub name: String,
    /// What is called.
    pub call: Call,
    /// When it is cancelled and has failed.
    pub timeout: Duration,
    /// What undoes it.
    #[serde(default)]
    pub on_undo: Option<Call>,
    /// What an unknown outcome means; none: RETRY for HTTP and gRPC, ASK for commands.
    #[serde(default)]
    pub on_unknown: Option<OnUnknown>,
}

/// How a hook is called. All carry the idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Call {
    /// POST of a JSON document; 2xx is success.
    Http {
        /// Where.
        url: String,
    },
    /// `bellwether.hook.v1.HookService/Run`; OK is success.
    Grpc {
        /// The address.
        address: String,
    },
    /// A program; exit code 0 is success.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
    },
}

/// What happens when nobody knows whether a call took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnUnknown {
    /// It is called again with the same key.
    Retry,
    /// A person is asked.
    Ask,
}

/// Waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// How long.
    pub duration: Duration,
}

/// Traffic back to stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteBack {
    /// Whether first nobody gets traffic (recreate, first deployment).
    pub to_none: bool,
}

/// The kind of a step, for metrics, history and allowed transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "each is the step of the same name")]
pub enum StepKind {
    Prepare,
    Scale,
    Route,
    Replace,
    Bake,
    Gate,
    Hook,
    Wait,
    Promote,
    RestoreCapacity,
    RouteBack,
    VerifyRoute,
    Drain,
    Remove,
    UndoHook,
}

// === impl Step ===

impl Step {
    /// Its kind.
    pub const fn kind(&self) -> StepKind {
        match self {
            Self::Prepare(_) => StepKind::Prepare,
            Self::Scale(_) => StepKind::Scale,
            Self::Route(_) => StepKind::Route,
            Self::Replace(_) => StepKind::Replace,
            Self::Bake(_) => StepKind::Bake,
            Self::Gate(_) => StepKind::Gate,
            Self::Hook(_) => StepKind::Hook,
            Self::Wait(_) => StepKind::Wait,
            Self::Promote => StepKind::Promote,
            Self::RestoreCapacity => StepKind::RestoreCapacity,
            Self::RouteBack(_) => StepKind::RouteBack,
            Self::VerifyRoute => StepKind::VerifyRoute,
            Self::Drain => StepKind::Drain,
            Self::Remove => StepKind::Remove,
            Self::UndoHook { .. } => StepKind::UndoHook,
        }
    }

    /// The call that this step makes, with its timeout.
    pub const fn hook(&self) -> Option<&Hook> {
        if let Self::Hook(hook) | Self::Prepare(Prepare::Hook(hook)) = self { Some(hook) } else { None }
    }
}

// === impl Scale ===

impl Scale {
    /// Candidate instances.
    pub const fn candidate(size: Size) -> Step {
        Step::Scale(Self { fleet: Role::Candidate, size })
    }
}

// === impl Route ===

impl Route {
    /// A plain share for the candidate.
    pub fn share(percent: Percent) -> Self {
        Self { percent: Some(percent), ..Self::default() }
    }

    /// Whether the candidate gets requests or copies of them.
    pub fn reaches_candidate(&self) -> bool {
        self.percent.is_some_and(|percent| !percent.is_zero())
            || !self.matches.is_empty()
            || self.mirror.is_some()
            || self.preview
    }

    /// Whether requests of users go elsewhere than to stable. Answers to copies are ignored, and previews are no users'.
    pub fn moves_traffic(&self) -> bool {
        self.percent.is_none_or(|percent| !percent.is_zero()) || !self.matches.is_empty()
    }
}

// === impl Bake ===

impl Bake {
    const fn yes() -> bool {
        true
    }
}

// === impl Hook ===

impl Hook {
    /// What an unknown outcome means.
    pub fn unknown(&self) -> OnUnknown {
        self.on_unknown.unwrap_or_else(|| self.call.unknown())
    }
}

// === impl Call ===

impl Call {
    /// What an unknown outcome means where the hook does not say.
    pub const fn unknown(&self) -> OnUnknown {
        match self {
            Self::Http { .. } | Self::Grpc { .. } => OnUnknown::Retry,
            Self::Command { .. } => OnUnknown::Ask,
        }
    }
}
