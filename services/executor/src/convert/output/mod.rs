//! Domain to answers: what callers are shown.

mod actions;
mod basic;
mod evidence;
mod forecast;
mod instance;
mod rollout;
mod safety;
mod spec;
mod steps;
mod target;
mod waiting;

pub(crate) use basic::duration;
pub(crate) use evidence::configuration_diff;
pub(crate) use rollout::rollout;
pub(crate) use target::{capabilities, target};
