//! The pure core of the executor: targets, strategies as recipes, the step machine, desired and observed state.
//!
//! No I/O, no clock, no randomness: time and inputs are arguments, results are values.
//!
//! # How a shell uses it
//! One stream per target; its state is that of all its events.
//!
//! 1. Replay the stream with [`replay`] (or from a snapshot of [`TargetState`]), then [`resume`] with an
//!    [`Input::Tick`]: what came due while nobody looked. Until a first event follows, every input goes through `resume`.
//! 2. For each input: `decide`, commit the events with compare-and-set on the stream's version, apply them with
//!    [`evolve`] at the time of the commit. A [`Refusal`] answers a command and changes nothing.
//! 3. After each commit look at what follows from the state alone: [`desired`] is converged (with its generation as
//!    fence), [`effects`] are performed or cancelled, [`analysis`] is started, changed or stopped, and at [`wake_at`]
//!    the next tick is due.
//! 4. What platform and router show comes back as [`Input::Observed`], also when nothing was asked of them.
//!
//! Nothing else is remembered anywhere: a process that is killed at any point resumes from its stream.
//!
//! # Guarantees
//! Replaying an input yields no second event; ended rollouts never change; every state carries its reason; the
//! predicates in [`invariants`] hold after every event.

mod allowed;
mod analysis;
mod desired;
mod effects;
mod engine;
pub mod event;
mod evolve;
pub mod input;
pub mod invariants;
pub mod model;
pub mod recipe;
pub mod refusal;
mod wake;

pub use allowed::{Permitted, permitted};
pub use analysis::{AnalysisSpec, RecoverySpec, analysis, recovery_analysis};
pub use desired::desired;
pub use effects::{Effect, effects};
pub use engine::{accepts, blocked, decide, resume};
pub use event::{AftercareEvent, Event, Observation, RolloutEvent};
pub use evolve::{Illegal, evolve, replay};
pub use input::{Action, Choice, Command, HookId, HookPlace, Input};
pub use model::*;
pub use refusal::{FieldViolation, Refusal, Violation};
pub use wake::wake_at;
