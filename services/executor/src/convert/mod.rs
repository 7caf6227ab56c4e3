//! Between the contract and the domain; nothing else in this crate converts.

mod analysis;
mod fields;
mod input;
mod names;
mod output;
pub(crate) mod request;
mod verdict;

pub(crate) use analysis::analysis;
pub(crate) use names::RolloutName;
pub(crate) use output::{capabilities, configuration_diff, rollout, target};
pub(crate) use verdict::{Which, analysis_of, verdict};
