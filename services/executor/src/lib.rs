//! The executor: carries rollouts out, durably, and takes them back.
//!
//! # Flow
//! One stream of the journal per target holds the facts that `bellwether_rollout` decides on. Commands, verdicts,
//! observations, outcomes and time go to the core; what it answers is committed, and then the platform is converged on
//! what the state wants. Nothing else is remembered: a restart replays, ticks and converges.
//!
//! # What survives
//! Everything. A call to the outside that was under way when the process died is reported as unknown, and its hook says
//! what that means.
//!
//! [`build`] makes a [`Service`] that a process registers with its server; [`serve`] is the whole of a process;
//! [`assemble`] puts one together from parts, for simulations and tests.

mod api;
mod config;
mod converge;
mod convert;
mod drivers;
mod effects;
mod exit;
mod fake_control;
mod hooks;
mod metrics;
mod monitor;
mod observe;
mod problem;
mod record;
mod service;
mod shell;
mod targets;
mod validate;

pub use config::{Config, ExecutorArgs, PlatformArg};
pub use drivers::Drivers;
pub use exit::stop_error;
pub use hooks::{AllowList, AllowedCommand, Hooks, RunAs};
pub use monitor::{GrpcMonitor, MonitorSource, Sign};
pub use problem::EXECUTOR_REASONS;
pub use service::{GRPC_NAME, NAME, Replayed, Service, assemble, build, replay, serve};
pub use shell::{Executor, Parts, Stop};
