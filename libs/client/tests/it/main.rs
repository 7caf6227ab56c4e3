//! Clients against a real server on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod calls;
mod fake;
mod harness;
mod simulation;
mod streams;
mod tls;
mod trace;
mod watch;
