//! The supervisor: runs the instances of every target and converges them on what the executor wishes; holds the
//! listening sockets; starts and replaces the gateway.

mod artifacts;
mod fence;
mod host;
mod instance;
mod lock;
mod ports;
mod process;
mod routing;
mod short_path;
mod target;
mod wake;
mod wish;

pub use artifacts::{Format, Header, StoreError, Upload, unpack_tar_gz};
pub use fence::{Fence, FenceError};
pub use host::{Host, Layout};
pub use instance::{LastExit, Past, Problem, ProblemCode, Tail};
pub use lock::{Holder, Lock, LockError};
pub use process::Identity;
pub use routing::{Program, RouteError, running_gateways};
#[cfg(test)]
pub(crate) use target::File;
pub use target::{InstanceView, Observed, Target, TargetError, is_name as is_target_name};
pub use wish::{Artifact, Check, FleetWish, Limits, Probe, RouteWish, Spec, Wish};
