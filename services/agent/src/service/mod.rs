//! The agent's gRPC service.

mod artifacts;
mod convert;
mod handlers;
mod logs;
mod problem;
mod push;
mod samples;
mod sessions;
mod watch;

pub use handlers::AgentApi;
pub use problem::AGENT_REASONS;
pub use push::push_samples;
