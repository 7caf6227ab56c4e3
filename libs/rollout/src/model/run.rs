//! What is known of the step that runs, of pauses, of the verdict stream.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Exit, InstanceId, Principal, Reason, StepKind};

/// Time from `earlier` to `later`; zero when the wall clock went backwards in between.
pub fn since(earlier: Timestamp, later: Timestamp) -> Duration {
    later.duration_since(earlier).max(SignedDuration::ZERO).unsigned_abs()
}

/// `at` plus a span, at most the end of time.
pub fn after(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// A stopwatch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clock {
    /// What it showed when it was last stopped.
    pub ran: Duration,
    /// Since when it has been running; none: it stands still.
    pub since: Option<Timestamp>,
}

/// The step that runs or ran last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRun {
    /// Its index in `steps` (or `undo`).
    pub index: usize,
    /// Which attempt; a retry is the next one. 0: the first step has not started.
    pub attempt: u32,
    /// When it started.
    pub since: Timestamp,
    /// Whether it is over and the next one may not start yet.
    pub finished: bool,
    /// Whether its wish is in `desired` (Route, Scale, Drain…).
    pub issued: bool,
    /// Since the last progress, pauses apart: what the progress deadline looks at.
    pub progress: Clock,
    /// Time neither paused nor held: what `Bake.max` looks at.
    pub unpaused: Clock,
    /// Time under observation: what `Bake.min` looks at.
    pub observed: Clock,
    /// The call of this step.
    pub hook: Option<HookRun>,
    /// How often platform or router have refused what it wants.
    pub refused: u32,
    /// What they said last.
    #[serde(default)]
    pub refusal: String,
    /// The answer of a gate or handoff.
    pub answer: Option<Answer>,
}

/// A call that was decided (intent), perhaps with its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRun {
    /// Which attempt of the call; all carry the same idempotency key.
    pub attempt: u32,
    /// When it was decided.
    pub since: Timestamp,
    /// How it ended; none: not yet known.
    pub outcome: Option<Outcome>,
}

/// How a call, a preparation or a handoff ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Well.
    Done {
        /// What it answered.
        #[serde(default)]
        output: String,
    },
    /// Badly.
    Failed {
        /// What it answered.
        error: String,
    },
    /// Nobody knows whether it took effect.
    Unknown {
        /// Why not.
        error: String,
    },
    /// It was cancelled at its timeout.
    TimedOut,
}

/// The answer of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Answer {
    /// Go on.
    Approve,
    /// Go back.
    Reject,
    /// Go on with this.
    Value(String),
}

/// A step that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its index in `steps`, or in `undo`.
    pub index: usize,
    /// Whether it was a step of undoing.
    pub undo: bool,
    /// Its kind.
    pub kind: StepKind,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How it ended.
    pub end: StepEnd,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepEnd {
    /// It did what it is for.
    Done,
    /// A Bake with PASS.
    Passed,
    /// A person went on without it.
    Overridden {
        /// Who.
        by: Principal,
        /// Why.
        reason: String,
    },
    /// The policy went on without it; the reason has the numbers.
    ByPolicy {
        /// Why.
        reason: Reason,
    },
    /// It failed, or the rollout turned back in it.
    Left {
        /// Why.
        reason: Reason,
    },
}

/// Somebody holds a rollout back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who; each owner lifts only its own.
    pub owner: PauseOwner,
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Timestamp,
    /// The running step goes on to its end (its deadlines run); none starts after it.
    pub after_step: bool,
}

/// The kinds of owners of a pause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PauseOwner {
    /// A person or a system in a person's place.
    Person(Principal),
    /// A window, by id.
    Window(String),
    /// A failure policy.
    Policy,
}

/// The verdict stream as the shell reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Monitor {
    /// Whether it is up.
    pub up: bool,
    /// Since when it has been up or down; none: it never was up.
    pub since: Option<Timestamp>,
}

/// What holds a rollout without failing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What.
    pub kind: HoldKind,
    /// Why, with the numbers.
    pub reason: Reason,
    /// Since when.
    pub since: Timestamp,
}

/// The kinds of holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HoldKind {
    /// The candidate should have traffic and nothing arrives; `max_hold` counts.
    NoData,
    /// A source of the monitor failed.
    Error,
    /// The verdict stream is silent or down.
    MonitorLost,
    /// Stable is as bad.
    CommonMode,
    /// Undecided at `max`: a person is asked.
    Undecided,
}

/// What a failed instance left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The instance.
    pub instance: InstanceId,
    /// When it was seen.
    pub at: Timestamp,
    /// How it ended, with its last log lines.
    pub exit: Exit,
}

// === impl Clock ===

impl Clock {
    /// Running from zero.
    pub const fn started(at: Timestamp) -> Self {
        Self { ran: Duration::ZERO, since: Some(at) }
    }

    /// What it shows.
    pub fn elapsed(&self, now: Timestamp) -> Duration {
        self.ran + self.since.map_or(Duration::ZERO, |start| since(start, now))
    }

    /// Runs on, if it stood still.
    pub fn go(&mut self, at: Timestamp) {
        self.since.get_or_insert(at);
    }

    /// Stands still.
    pub fn stop(&mut self, at: Timestamp) {
        self.ran = self.elapsed(at);
        self.since = None;
    }

    /// When it will show `span`; none: it stands still.
    pub fn reaches(&self, span: Duration) -> Option<Timestamp> {
        self.since.map(|start| after(start, span.saturating_sub(self.ran)))
    }
}

// === impl StepRun ===

impl StepRun {
    /// Before the first step.
    pub fn before(at: Timestamp) -> Self {
        Self { attempt: 0, finished: true, ..Self::new(0, at) }
    }

    /// The index of the step that comes next; the running one while it is not over.
    pub const fn next_index(&self) -> usize {
        if self.finished && self.attempt > 0 { self.index + 1 } else { self.index }
    }

    /// At the start of a step.
    pub const fn new(index: usize, at: Timestamp) -> Self {
        Self {
            index,
            attempt: 1,
            since: at,
            finished: false,
            issued: false,
            progress: Clock { ran: Duration::ZERO, since: None },
            unpaused: Clock { ran: Duration::ZERO, since: None },
            observed: Clock { ran: Duration::ZERO, since: None },
            hook: None,
            refused: 0,
            refusal: String::new(),
            answer: None,
        }
    }
}
