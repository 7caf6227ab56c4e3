//! The executor over gRPC on loopback, with a real journal, the fake platform, and verdicts that the test gives.

mod commands;
mod contract;
mod first;
mod house;
mod script;
mod wait;
