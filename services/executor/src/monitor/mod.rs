//! What the executor needs of the health-monitor: one stream of verdicts for all analyses, and an analysis for each
//! rollout that is watched.

mod analyse;
mod common_mode;
mod grpc;
mod link;
mod listen;
mod losses;
mod refreshes;
mod source;

pub(crate) use analyse::run as analyse;
pub(crate) use common_mode::run as common_mode;
pub(crate) use link::Link;
pub(crate) use listen::run as listen;
pub(crate) use losses::Losses;
pub(crate) use refreshes::Refreshes;

pub use grpc::GrpcMonitor;
pub use source::{MonitorSource, Sign};
