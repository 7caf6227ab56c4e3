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

pub use host::{Host, Layout};
pub use lock::{Holder, Lock, LockError};
pub use routing::Program;
