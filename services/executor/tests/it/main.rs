//! The executor over gRPC on loopback, with a real journal, the fake platform, and verdicts that the test gives.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by a panic")]

mod commands;
mod contract;
mod crash;
mod first;
mod full;
mod hooks;
mod house;
mod journals;
mod mortal;
mod policies;
mod problems;
mod recovery;
mod script;
mod shown;
mod streams;
mod verdicts;
mod wait;
