//! Requests to domain: what a caller may say, and how each mistake is named.

mod bake;
mod health;
mod hook;
mod policy;
mod recipe;
mod spec;
mod step;
mod strategy;
mod target;

pub(crate) use health::health_policy;
pub(crate) use policy::policies;
pub(crate) use spec::fleet_spec;
pub(crate) use strategy::strategy;
pub(crate) use target::target_spec;
