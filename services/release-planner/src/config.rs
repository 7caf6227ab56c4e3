//! What a planner is told.

use bellwether_client::Transport;

/// What a planner is told beside what every service is.
#[derive(Clone, Debug)]
pub struct Config {
    /// The executor that carries plans out; it must know the caller as `release-planner`.
    pub executor: Transport,
}
