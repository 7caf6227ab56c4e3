//! Clients against a real server on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod calls;
mod fake;
mod harness;
mod streams;
mod trace;
mod watch;
