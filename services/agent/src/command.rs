//! What the program can be told to be.

use bellwether_clock::Env;
use tracing_subscriber::EnvFilter;

use crate::gateway;

/// One of the agent's two processes.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Splits requests between fleets. Started by the supervisor.
    Gateway(gateway::Options),
}

/// Runs one of the agent's processes until it ends.
///
/// # Errors
/// It cannot start; the message says why.
pub fn run(command: Command) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,hyper=error"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    let env = Env::system();
    match command {
        Command::Gateway(options) => gateway::run(&options, &env),
    }
}
