//! What is done when things go otherwise than planned.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Affinity, Hook, ItemKind, Occasion};

/// The policies of one rollout. Every field has the documented default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policies {
    /// What each kind of failure leads to.
    pub failure: FailurePolicy,
    /// Guided failure: every failure asks a person instead.
    pub guided: bool,
    /// How traffic comes back.
    pub rollback_mode: RollbackMode,
    /// How long the old fleet stays after success (10 min).
    pub keep: Duration,
    /// Per step; each newly ready instance starts it afresh (10 min).
    pub progress_deadline: Duration,
    /// What a newer release does to this rollout.
    pub newer: OnNewer,
    /// Whether a rollout may start while stable is unhealthy.
    pub stable_unhealthy: StableUnhealthy,
    /// How long open connections may take to end (30 s).
    pub drain: Duration,
    /// How many releases back a rollback after success may go (10).
    pub rollback_window: u32,
    /// Recovery validation.
    pub recovery: Recovery,
    /// Sticky sessions, while traffic is split.
    pub affinity: Option<Affinity>,
    /// Refusals of one route by the router before that is a deploy failure (5).
    pub route_attempts: u32,
    /// Readiness below the share for this long pulls the share down (10 s).
    pub readiness_grace: Duration,
    /// Contract migrations: run after `keep`, once the old fleet is gone.
    pub contract: Vec<Hook>,
    /// Items of the post-deployment validation that somebody checks, beside what the verdicts say; the last Bake
    /// waits for them until its `max`.
    pub validation: Vec<ItemKind>,
    /// Says whether data is intact after a rollback; none: nobody looks. It only reads: it may be called again.
    pub data_integrity: Option<Hook>,
}

/// What each kind of failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailurePolicy {
    /// The verdict is FAIL (ROLL_BACK).
    pub verdict: Reaction,
    /// Crash loop, not ready, route refused (ROLL_BACK).
    pub deploy: Reaction,
    /// A hook or preparation failed (ROLL_BACK).
    pub hook: Reaction,
    /// The progress deadline is over (ROLL_BACK).
    pub deadline: Reaction,
    /// NO_DATA for longer than `max_hold` (ROLL_BACK).
    pub no_data: Reaction,
    /// How long NO_DATA holds (15 min).
    pub max_hold: Duration,
    /// The verdict stream is silent or down (HOLD).
    pub monitor_lost: Reaction,
    /// A source of the monitor failed (HOLD).
    pub error: Reaction,
    /// Still UNDECIDED at `max` (HOLD: a person is asked).
    pub undecided: Reaction,
}

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reaction {
    /// Back to stable.
    RollBack,
    /// A pause owned by policy; what recovers by itself lifts it, else a person resolves it.
    Pause,
    /// Nothing is changed; a person is asked. For releases whose migration cannot be undone.
    Stay,
    /// No step forward until it is better, or until a person decides.
    Hold,
    /// Forward all the same, recorded. Only for `undecided`.
    Advance,
}

/// How traffic comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RollbackMode {
    /// At once while stable has the capacity; else as it regains it.
    #[default]
    Instant,
    /// Traffic follows stable's capacity.
    Ramped,
    /// Not by itself: a person decides.
    Stay,
}

/// What a newer release does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnNewer {
    /// This one is taken back, then the newer one starts.
    #[default]
    Supersede,
    /// The newer one waits for this one.
    Queue,
}

/// Whether a rollout may start while stable is unhealthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StableUnhealthy {
    /// STABLE_UNHEALTHY.
    #[default]
    Refuse,
    /// It may; the candidate is judged by one-sided checks, and that is recorded.
    Allow,
}

/// Recovery validation after a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recovery {
    /// After this, open items are recorded as they are (5 min).
    pub max: Duration,
    /// Items that are looked at (all), as far as somebody can: health by the executor itself, data integrity by
    /// its hook, the rest by the monitor once traffic has moved. The others are NOT_CHECKED.
    pub items: Vec<ItemKind>,
}

// === impl Policies ===

impl Default for Policies {
    fn default() -> Self {
        Self {
            failure: FailurePolicy::default(),
            guided: false,
            rollback_mode: RollbackMode::default(),
            keep: Duration::from_secs(600),
            progress_deadline: Duration::from_secs(600),
            newer: OnNewer::default(),
            stable_unhealthy: StableUnhealthy::default(),
            drain: Duration::from_secs(30),
            rollback_window: 10,
            recovery: Recovery::default(),
            affinity: None,
            route_attempts: 5,
            readiness_grace: Duration::from_secs(10),
            contract: Vec::new(),
            validation: Vec::new(),
            data_integrity: None,
        }
    }
}

impl Default for FailurePolicy {
    fn default() -> Self {
        Self {
            verdict: Reaction::RollBack,
            deploy: Reaction::RollBack,
            hook: Reaction::RollBack,
            deadline: Reaction::RollBack,
            no_data: Reaction::RollBack,
            max_hold: Duration::from_secs(900),
            monitor_lost: Reaction::Hold,
            error: Reaction::Hold,
            undecided: Reaction::Hold,
        }
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self { max: Duration::from_secs(300), items: ItemKind::of(Occasion::Recovery).to_vec() }
    }
}
