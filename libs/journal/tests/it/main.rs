//! The journal's tests on real files and processes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod conformance;
