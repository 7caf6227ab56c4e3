//! The pure core of the executor: targets, strategies as recipes, the step machine, desired and observed state.
//!
//! No I/O, no clock, no randomness: time and inputs are arguments, results are values. A shell commits the
//! events of [`decide`], applies them with [`evolve`], and converges the platform on [`desired`].

pub mod event;
pub mod input;
pub mod model;
pub mod refusal;

pub use event::{AftercareEvent, Event, Observation, RolloutEvent};
pub use input::{Action, Choice, Command, HookId, HookPlace, Input};
pub use model::*;
pub use refusal::{FieldViolation, Refusal, Violation};
