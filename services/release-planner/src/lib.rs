//! The release-planner: requests become immutable plans; admission, approval, promotion.
//!
//! # Expected flow
//! [`build`] makes a [`Service`] that a process registers with its server; [`serve`] is the whole of a process;
//! [`assemble`] puts one together from parts, for simulations and tests.
//!
//! # Guarantees
//! - What was answered is durable; a restart goes on with it.
//! - Whether a release starts is decided at that moment, by one predicate (`bellwether_plan::admit`), in the same turn
//!   in which the request for the rollout is committed.
//! - The executor is asked for each rollout under one id until it answers: there is one rollout, however often the
//!   planner is killed.

mod actions;
mod api;
mod book;
mod commands;
mod config;
mod convert;
mod engine;
mod environments;
mod executor;
mod foresight;
mod metadata;
mod metrics;
mod monitor;
mod planner;
mod planning;
mod reasons;
mod service;
mod validate;

pub use config::{Config, PlannerArgs};
pub use reasons::REASONS;
pub use service::{GRPC_NAME, NAME, Others, Service, assemble, build, serve};
