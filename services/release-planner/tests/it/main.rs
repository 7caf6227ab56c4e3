//! The planner over gRPC on loopback, with real journals, the real executor, the fake platform, and verdicts that the
//! test gives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod actions;
mod approvals;
mod bakes;
mod capabilities;
mod clock;
mod contract;
mod expansion;
mod files;
mod holds;
mod house;
mod monitor;
mod promotion;
mod statistics;
mod submit;
mod take_back;
mod wait;
