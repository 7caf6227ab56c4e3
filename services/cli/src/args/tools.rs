//! Logs, deliveries, tokens, emergencies.

use std::path::PathBuf;

use bellwether_server::{Role, default_data_dir};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The target, e.g. shop@production.
    pub target: String,
    /// Only this fleet (a rollout's id).
    #[arg(long, default_value = "")]
    pub fleet: String,
    /// Only this instance.
    #[arg(long, default_value = "")]
    pub instance: String,
    /// Lines of each instance.
    #[arg(long, short = 'n', default_value_t = 100)]
    pub lines: i32,
    /// Go on with new lines.
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// The data directory, which names the agent.
    #[command(flatten)]
    pub agent: AgentAddress,
}

#[derive(Debug, Args)]
pub struct DeliveriesArgs {
    /// A filter, e.g. `receiver = "ops" AND state = "DEAD"`.
    #[arg(long, default_value = "")]
    pub filter: String,
    /// Send this delivery again.
    #[arg(long, value_name = "DELIVERY")]
    pub replay: Option<String>,
}

/// How to find the agent without any service.
#[derive(Debug, Clone, Args)]
pub struct AgentAddress {
    /// The data directory of `bellwether up`; its lock file says where the agent listens.
    #[arg(long, env = "BELLWETHER_DATA_DIR", default_value_os_t = default_data_dir())]
    pub data_dir: PathBuf,
    /// The agent's address, where it is known.
    #[arg(long, env = "BELLWETHER_AGENT")]
    pub agent: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token. It is shown once.
    Create {
        /// Who it is for, e.g. ada@example.com.
        principal: String,
        /// What kind of principal.
        #[arg(long, value_enum, default_value_t = TokenKind::Human)]
        kind: TokenKind,
        /// What its holder may do.
        #[arg(long = "role", value_enum, required = true)]
        roles: Vec<Role>,
        /// The team.
        #[arg(long, default_value = "")]
        team: String,
        /// The tokens file of the services [default: tokens.toml in the data directory].
        #[arg(long, env = "BELLWETHER_TOKENS")]
        tokens: Option<PathBuf>,
    },
    /// List who has tokens.
    List {
        /// The tokens file of the services [default: tokens.toml in the data directory].
        #[arg(long, env = "BELLWETHER_TOKENS")]
        tokens: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum TokenKind {
    Human,
    Agent,
    Service,
}

#[derive(Debug, Subcommand)]
pub enum EmergencyCommand {
    /// Send all traffic to the stable version, past the executor. Nothing converges until `resolve … hand-back`.
    Route {
        /// The target, e.g. shop@production.
        target: String,
        /// Stable's share; 100 is the only one that is safe without the executor.
        #[arg(long, value_parser = clap::value_parser!(u8).range(100..=100))]
        stable: u8,
        /// A fleet to send it to instead (a rollout's id).
        #[arg(long, default_value = "")]
        fleet: String,
        /// Why.
        #[arg(long, short = 'm', default_value = "emergency")]
        reason: String,
        #[command(flatten)]
        agent: AgentAddress,
    },
}
