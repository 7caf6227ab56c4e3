//! The executor over gRPC on loopback, with a real journal, the fake platform, and verdicts that the test gives.

mod commands;
mod contract;
mod crash;
mod first;
mod hooks;
mod house;
mod mortal;
mod script;
mod streams;
mod verdicts;
mod wait;
