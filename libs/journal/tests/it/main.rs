//! The journal's tests on real files and processes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod agree;
mod child;
mod conformance;
mod crash;
mod disk_full;
mod open;
mod ownership;
