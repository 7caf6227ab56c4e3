//! Black box: the real processes, driven over gRPC, by signals and by HTTP traffic. Scenarios are under their numbers;
//! docs/scenarios.md says where each is tested.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod aborts;
mod agent_crash;
mod blue_green;
mod canary;
mod command_line;
mod contract;
mod deadlines;
mod disk_full;
mod drift;
mod emergency;
mod executor_crash;
mod failures;
mod first;
mod fuzz;
mod gates;
mod hooks;
mod judged_again;
mod kayenta;
mod kept;
mod lost;
mod many;
mod model;
mod newer;
mod observe;
mod probes;
mod promotion;
mod refused;
mod rollbacks;
mod scaling;
mod scenarios;
mod simulation;
mod sources;
mod stage;
mod trace;
mod traffic;
mod verdicts;

/// The file of `bellwether`.
const PROGRAM: &str = env!("CARGO_BIN_EXE_bellwether-under-test");
