//! The command line: it calls the services, and hosts the four in one process (`bellwether up`).
//!
//! The load generator and the demonstration's application are public, since the black-box tests and benchmarks use them.

mod agent;
mod args;
mod artifact;
mod commands;
pub mod demo;
mod exit;
mod live;
pub mod load;
mod lookup;
mod names;
mod render;
mod run;
mod session;
mod up;
pub mod yaml;

pub use exit::Exit;
pub use run::main;
