//! The executor over gRPC on loopback, with a real journal, the fake platform, and verdicts that the test gives.

mod first;
mod house;
mod script;
mod wait;
