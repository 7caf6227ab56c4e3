//! Time, identifiers, randomness and tasks as things that are passed in.
//!
//! The pure cores (`rollout`, `judge`, `plan`) take `now` as an argument. The shells around them hold an
//! [`Env`] and ask it. Nothing else in the workspace may read a clock, draw a random number or spawn a task
//! (clippy's `disallowed-methods` says so), which is what makes simulation and clock tests possible.

mod env;
mod manual;
mod system;
mod tasks;

pub use env::{Clock, Env};
pub use manual::ManualClock;
pub use system::SystemClock;
pub use tasks::{spawn, spawn_nameless};

/// A point in time. Serialises as RFC 3339.
pub use jiff::Timestamp;
