//! Between the contract's messages and what the supervisor works with.

mod fleet;
mod input;
mod output;
mod route;

pub(super) use input::{desired, drain, fence_and};
pub(super) use output::{observed, observed_route};
pub(super) use route::route;
