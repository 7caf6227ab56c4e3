//! What the executor needs of the health-monitor.

mod grpc;
mod source;

pub use grpc::GrpcMonitor;
pub use source::{MonitorSource, Sign};
