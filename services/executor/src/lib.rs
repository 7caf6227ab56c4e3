//! The executor: carries rollouts out, durably, and takes them back.

mod converge;
mod convert;
mod drivers;
mod effects;
mod hooks;
mod metrics;
mod monitor;
mod observe;
mod problem;
mod record;
mod service;
mod shell;
mod targets;

pub use drivers::Drivers;
pub use hooks::{AllowList, AllowedCommand, Hooks, RunAs};
pub use monitor::{GrpcMonitor, MonitorSource, Sign};
pub use problem::EXECUTOR_REASONS;
pub use service::ExecutorApi;
pub use shell::{Executor, Parts, Stop};
pub use targets::Targets;
