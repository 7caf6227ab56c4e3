//! Logs and traces.

mod context;
mod init;

pub use context::{TRACEPARENT, continue_from, current_traceparent};
pub use init::{LogFormat, Telemetry, TelemetryConfig, init};

pub(crate) use context::continue_from_headers;
pub(crate) use init::log_panics;
