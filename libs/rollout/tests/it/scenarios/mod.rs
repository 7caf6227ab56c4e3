//! Scenarios under their numbers, as far as the pure core can show them.

mod aborts;
mod basics;
mod blue_green;
mod common_mode;
mod failures;
mod hooks;
mod newer;
mod operator;
mod pauses;
mod problems;
mod recovery;
mod resumed;
mod rollback;
mod rolling;
mod scaling;
mod traffic;
mod verdicts;
