//! The monitor alone, over gRPC, on a real file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod analyses;
mod bad_input;
mod computed;
mod crash;
mod decisions;
mod derived;
mod evaluations;
mod events;
mod harness;
mod health;
mod kept;
mod mixed;
mod otlp;
mod plans;
mod probes;
mod prometheus;
mod pushers;
mod recordings;
mod sessions;
mod stances;
mod streams;
mod traffic;
