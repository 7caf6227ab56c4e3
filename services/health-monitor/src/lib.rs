//! The health-monitor: samples in, verdicts out. It moves no traffic and knows nobody.
//!
//! # Flow
//! Sources push cumulative counters; each batch is judged as it comes ([`bellwether_judge`]), so that a verdict
//! follows its last sample within milliseconds. A change of a decision is committed to the journal before anyone
//! hears of it; the numbers between changes are refreshed once a second and kept nowhere.
//!
//! # What survives
//! Definitions and decisions are in the journal. Evidence, with the counters that it was drawn from, is a row that
//! is overwritten every five seconds in a file of its own: after a crash the sources' next counters hold what the
//! row lacks, and nothing counts twice. Probes, what the monitor tries itself, are in the journal; what they found is not.
//!
//! [`build`] makes a [`Service`] that a process registers with its server; [`serve`] is the whole of a process;
//! [`assemble`] puts one together from parts, for simulations and tests.

mod api;
mod board;
mod convert;
mod evidence;
mod health;
mod histories;
mod metrics;
mod monitor;
mod probes;
mod program;
mod pushers;
mod reasons;
mod record;
mod recording;
mod registry;
mod rows;
mod running;
mod service;
mod sources;
mod stance;

pub use program::main;
pub use service::{Config, GRPC_NAME, NAME, Service, assemble, build, serve};
pub use sources::SourcesArgs;
