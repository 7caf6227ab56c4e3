//! Platform and Router over the agent's gRPC service.
//!
//! The agent is both: one [`AgentDriver`] runs a target's instances and moves its traffic. A route that changes is
//! one call, answered when the gateway has confirmed it; everything else goes with the whole wish.

mod convert;
mod driver;
mod error;
mod watch;

pub use driver::AgentDriver;
