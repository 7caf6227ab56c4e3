//! The pure core of the executor: targets, strategies as recipes, the step machine, desired and observed state.
//!
//! No I/O, no clock, no randomness: time and inputs are arguments, results are values. A shell commits the
//! events of [`decide`], applies them with [`evolve`], and converges the platform on [`desired`].

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

pub use analysis::{AnalysisSpec, analysis};
pub use desired::desired;
pub use effects::{Effect, effects};
pub use engine::{blocked, decide};
pub use event::{AftercareEvent, Event, Observation, RolloutEvent};
pub use evolve::{Illegal, evolve, replay};
pub use input::{Action, Choice, Command, HookId, HookPlace, Input};
pub use model::*;
pub use refusal::{FieldViolation, Refusal, Violation};
pub use wake::wake_at;
