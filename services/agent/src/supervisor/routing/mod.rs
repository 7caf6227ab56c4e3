//! The gateway as the supervisor sees it: its process, its listening sockets, its table.

mod gateway;
mod processes;
mod sockets;

pub use gateway::{Gateway, RouteError};
pub use processes::{Program, running_gateways};
