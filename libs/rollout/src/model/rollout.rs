//! A rollout and everything that is known about it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Evidence, FleetId, FleetSpec, Hold, InstanceId, Monitor, Pause, Policies, Principal, Reason, RolloutId,
    Route, Step, StepEnd, StepRecord, StepRun, Strategy, ValidationItem, Verdict,
};

/// What StartRollout asks for. Immutable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartRequest {
    /// The id of the new rollout, and of the fleet that it creates.
    pub rollout: RolloutId,
    /// The name of the release (`releases/<uuid>`).
    #[serde(default)]
    pub release: String,
    /// Who owns it.
    #[serde(default)]
    pub team: String,
    /// Free key-value pairs.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What the candidate's instances run.
    pub fleet: FleetSpec,
    /// How it takes over.
    pub strategy: Strategy,
    /// What is done when things go otherwise.
    #[serde(default)]
    pub policies: Policies,
    /// No forward step starts from this moment on, until it is renewed; none: no limit.
    #[serde(default)]
    pub permit_until: Option<Timestamp>,
    /// The digest of the plan that it carries out.
    #[serde(default)]
    pub plan_digest: String,
    /// Whether its migration cannot be undone: failures are answered with STAY.
    #[serde(default)]
    pub irreversible: bool,
    /// What differs in configuration from the release before, for people.
    #[serde(default)]
    pub configuration_diff: String,
}

/// One candidate's way through a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// What was asked for.
    pub request: StartRequest,
    /// Counts the rollouts of the target from 1 (`shop@production-17`).
    pub number: u64,
    /// Whether it is a release or takes one back.
    pub kind: Kind,
    /// The fleet that it brings: its own, or a kept one when it takes a release back.
    pub fleet: FleetId,
    /// Where it is.
    pub state: State,
    /// Why it is there.
    pub reason: Reason,
    /// When it got there.
    pub since: Timestamp,
    /// Its steps; empty until it starts.
    pub steps: Vec<Step>,
    /// The steps of its undoing; empty until it is undone.
    pub undo: Vec<Step>,
    /// The step that runs or ran last.
    pub step: StepRun,
    /// Steps that are over, with times.
    pub history: Vec<StepRecord>,
    /// Who holds it back.
    pub pauses: Vec<Pause>,
    /// No forward step starts from this moment on.
    pub permit_until: Option<Timestamp>,
    /// What was stable when it started.
    pub stable_before: Option<FleetId>,
    /// Stable's ready instances when it started although stable was unhealthy; none: stable was well.
    pub stable_floor: Option<u32>,
    /// Whether the candidate has become stable.
    pub promoted: bool,
    /// The traffic that the last Route asked for; the split may lie below while instances are missing.
    pub route: Route,
    /// How much of n has been swapped by Replace steps.
    pub replaced: super::Percent,
    /// Rises with each Route and Replace; 0: no traffic was asked for yet.
    pub segment: u32,
    /// Rises when a failed analysis is started afresh.
    pub analysis: u32,
    /// The last verdict that counted.
    pub verdict: Option<Verdict>,
    /// The last segment that passed; PASS is final for its segment.
    pub passed: Option<u32>,
    /// The verdict stream.
    pub monitor: Monitor,
    /// What holds it without failing.
    pub hold: Option<Hold>,
    /// A FAIL was ignored: the Bakes that follow are overridden.
    pub ignoring: Option<Override>,
    /// All Bakes and Waits that follow are overridden.
    pub advancing: Option<Override>,
    /// One step may start although a person has paused.
    pub advance_once: bool,
    /// Steps whose hook has succeeded.
    pub hooks_done: Vec<usize>,
    /// Values that gates were given, by step.
    pub inputs: BTreeMap<usize, String>,
    /// Post-deployment or recovery validation, the latest.
    pub validation: Vec<ValidationItem>,
    /// How often a recovery was begun: each has an analysis of its own.
    #[serde(default)]
    pub recoveries: u32,
    /// Instances of the candidate that have ever been ready.
    pub ever_ready: BTreeSet<InstanceId>,
    /// When instances of the candidate last ended by themselves (at most 3).
    pub crashes: Vec<Timestamp>,
    /// Since when the candidate's readiness has been below its share.
    pub below_since: Option<Timestamp>,
    /// Since when the platform has named a problem that keeps the candidate from running and does not go away by
    /// itself.
    #[serde(default)]
    pub blocked_since: Option<Timestamp>,
    /// What failed instances left behind.
    pub evidence: Vec<Evidence>,
    /// Connections that a drain had to close.
    pub cut_by_drain: u64,
    /// The rollout that supersedes it.
    pub superseded_by: Option<RolloutId>,
    /// Who asked for it.
    pub by: Principal,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its first step started.
    pub started_at: Option<Timestamp>,
    /// When undoing began.
    pub undo_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Whether a rollout is a release or takes one back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// A release.
    Release,
    /// Back to what served before `of`. Never rolled back automatically.
    Rollback {
        /// The rollout that is taken back.
        of: RolloutId,
    },
}

/// Where a rollout is. What may come next is in the table of `docs/concepts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Accepted; next: RUNNING, SUCCEEDED (unchanged), CANCELLED, SUPERSEDED.
    Pending,
    /// Step `step.index` of `steps`; next: SUCCEEDED, ROLLING_BACK, NEEDS_OPERATOR.
    Running,
    /// Step `step.index` of `undo`; next: RECOVERING, NEEDS_OPERATOR.
    RollingBack,
    /// Traffic is back; is stable well? Next: ROLLED_BACK, SUPERSEDED, NEEDS_OPERATOR.
    Recovering,
    /// A person decides; next: RUNNING, ROLLING_BACK, and the ends of RECOVERING.
    NeedsOperator {
        /// Where it came from.
        from: Origin,
        /// Nothing converges on the target until HandBack.
        taken_over: bool,
    },
    /// The candidate is stable. Terminal.
    Succeeded,
    /// Stable is as before. Terminal.
    RolledBack,
    /// A newer release came. Terminal.
    Superseded,
    /// Aborted before anything was changed. Terminal.
    Cancelled,
}

/// Where NEEDS_OPERATOR came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Origin {
    /// From a step.
    Running,
    /// From undoing.
    RollingBack,
    /// From recovery validation.
    Recovering,
}

/// Somebody's decision to go on all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Who.
    pub by: Principal,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

// === impl Rollout ===

impl Rollout {
    /// Its id.
    pub const fn id(&self) -> RolloutId {
        self.request.rollout
    }

    /// Its policies.
    pub const fn policies(&self) -> &Policies {
        &self.request.policies
    }

    /// The step that runs: of `undo` while it is undone, else of `steps`.
    pub fn current(&self) -> Option<&Step> {
        if self.undoing() { self.undo.get(self.step.index) } else { self.steps.get(self.step.index) }
    }

    /// Whether undoing has begun.
    pub const fn undoing(&self) -> bool {
        self.undo_at.is_some()
    }

    /// Whether a step forward runs.
    pub const fn is_running(&self) -> bool {
        matches!(self.state, State::Running)
    }

    /// Whether it is over. Nothing changes it any more.
    pub const fn ended(&self) -> bool {
        self.state.terminal()
    }

    /// Whether failures must never take it back by themselves.
    pub fn stays(&self) -> bool {
        use super::RollbackMode::Stay;
        self.request.irreversible
            || self.policies().guided
            || self.policies().rollback_mode == Stay
            || matches!(self.kind, Kind::Rollback { .. })
    }

    /// Whether the monitor watches it: verdicts are asked for, and there is something to look at.
    pub fn watched(&self) -> bool {
        let judged = |step: &Step| matches!(step, Step::Bake(bake) if bake.checks);
        self.segment > 0 && self.steps.iter().any(judged)
    }

    /// Whether requests of users ever went elsewhere than to stable because of it.
    pub fn moved_traffic(&self) -> bool {
        let moves = |step: &Step| match step {
            Step::Route(route) => route.moves_traffic(),
            step => matches!(step, Step::Replace(_)),
        };
        // a step that was left may not have asked for its route yet; where it has, that is the last one
        let over = |it: &&StepRecord| !it.undo && !matches!(it.end, StepEnd::Left { .. });
        let before = self.history.iter().filter(over).filter_map(|it| self.steps.get(it.index)).any(moves);
        before || (self.segment > 0 && self.route.moves_traffic())
    }

    /// How long it took, or has taken until `now`.
    pub fn age(&self, now: Timestamp) -> Duration {
        super::since(self.accepted_at, self.ended_at.unwrap_or(now))
    }
}

// === impl State ===

impl State {
    /// SUCCEEDED, ROLLED_BACK, SUPERSEDED, CANCELLED: absorbing.
    pub const fn terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::RolledBack | Self::Superseded | Self::Cancelled)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::RollingBack => "ROLLING_BACK",
            Self::Recovering => "RECOVERING",
            Self::NeedsOperator { .. } => "NEEDS_OPERATOR",
            Self::Succeeded => "SUCCEEDED",
            Self::RolledBack => "ROLLED_BACK",
            Self::Superseded => "SUPERSEDED",
            Self::Cancelled => "CANCELLED",
        }
    }
}
