//! One instance: a process that is started, asked, started anew and stopped.

mod check;
mod command;
mod group;
mod handle;
mod limits;
mod log;
mod past;
mod problem;
mod record;
mod runner;

pub use handle::Handle;
pub use log::{Log, Tail};
pub use past::{Past, of as past_of};
pub use problem::{Problem, ProblemCode};
pub use record::{LastExit, Record};
pub use runner::Context;
