//! The gateway as a process.

mod drain;
mod failures;
mod limits;
mod protocols;
mod routing;
mod tls;
mod weights;
