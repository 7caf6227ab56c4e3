//! What happens around every call: identity, permission, limits, deadline, panics, telemetry, audit.

mod audit;
mod body;
mod call;
mod deadline;
mod ending;
mod frames;
mod load;
mod measure;
mod normal;

pub use deadline::Deadline;

pub(crate) use call::{Rpc, around};
pub(crate) use measure::RpcMetrics;
