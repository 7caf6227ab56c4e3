//! The notifier against a real HTTP server that behaves well, and badly; its calls; the streams that it follows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod calls;
mod cdevents;
mod delivering;
mod executor;
mod following;
mod process;
mod receiver;
mod refusing;
mod rig;
mod signing;
mod verdicts;
