//! Health policies, read and checked as a whole. Pure.
//!
//! The planner checks a policy when an application is applied, the executor when a rollout starts, and the monitor reads it when
//! an analysis does: all three with what is here, so that what was applied is never refused later.

pub mod journeys;
pub mod sources;
