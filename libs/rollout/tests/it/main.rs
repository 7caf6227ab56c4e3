//! The step machine against a simulated platform: scenarios under their numbers, properties over random inputs.

mod plans;
mod platform;
mod scenarios;
mod sim;
