//! The plan from outside: the strategy table, whole plans, the digest, releases from event to event.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod digest;
mod fixtures;
mod plans;
mod release;
mod strategies;
