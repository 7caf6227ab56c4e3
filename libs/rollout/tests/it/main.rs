//! The step machine against a simulated platform: scenarios under their numbers, properties over random inputs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod plans;
mod platform;
mod properties;
mod scenarios;
mod sim;
