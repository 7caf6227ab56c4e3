//! The embedded platform of one host: supervisor and HTTP gateway, two processes.
//!
//! The **gateway** is a reverse proxy. It takes its listening sockets and its routing table from the supervisor,
//! keeps the table on disk, and goes on serving while the supervisor is dead. The **supervisor** runs the
//! instances of every target as child processes, converges them on what the executor desires, holds the listening
//! sockets, and starts and replaces the gateway.

mod command;
pub mod control;
mod durable;
pub mod gateway;
mod serve;
mod service;
pub mod supervisor;

pub use command::{Command, SupervisorOptions, run};
pub use service::AGENT_REASONS;
