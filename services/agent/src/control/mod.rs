//! How the supervisor talks to a gateway: frames of JSON over a local socket, listening sockets as ancillary data.

mod client;
mod fds;
mod frame;
mod protocol;

pub use client::{Client, ClientError, Counted};
pub use frame::{Frame, FrameError, read_frame, write_frame};
pub use protocol::{Command, InstanceStatus, Reply, Status, TargetStatus};
