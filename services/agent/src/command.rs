//! What the program can be told to be.

use std::{ffi::OsString, ops::RangeInclusive, process::ExitCode};

use bellwether_clock::Env;
use bellwether_server::ServeArgs;
use tracing_subscriber::EnvFilter;

use crate::{gateway, serve};

/// One of the agent's two processes.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Runs instances, converges targets, starts the gateway.
    Supervisor(Box<SupervisorOptions>),
    /// Splits requests between fleets. Started by the supervisor.
    Gateway(gateway::Options),
}

/// How a supervisor is started. Its files are in the directory `agent` of the data directory.
#[derive(Clone, Debug, clap::Args)]
pub struct SupervisorOptions {
    /// How it serves.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Ports for instances.
    #[arg(long, value_parser = ports, default_value = "21000-24999", value_name = "FIRST-LAST")]
    pub instance_ports: RangeInclusive<u16>,
    /// Where the health-monitor is, `http://127.0.0.1:7420`; without it no samples are sent.
    #[arg(long, env = "BELLWETHER_MONITOR", value_name = "URL")]
    pub monitor: Option<String>,
    /// End the gateway and all instances too when told to end; without it they go on and are taken over by the
    /// next supervisor.
    #[arg(long)]
    pub stop_all_at_end: bool,
    /// Leave the session of the terminal, so that its end is not this process's end.
    #[arg(long)]
    pub own_session: bool,
}

/// Runs one of the agent's processes until it ends. `words` are those of this program's command line that lead to
/// [`Command`]: none for a program that is the agent alone.
pub fn run(command: Command, words: Vec<OsString>) -> ExitCode {
    match command {
        Command::Supervisor(options) => serve::supervisor(*options, words),
        Command::Gateway(options) => match gateway(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("gateway: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

fn gateway(options: &gateway::Options) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,hyper=error"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    gateway::run(options, &Env::system())
}

fn ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let range =
        text.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    range
        .filter(|(first, last)| first <= last && *first > 0)
        .map(|(first, last)| first..=last)
        .ok_or_else(|| "two ports, the first not above the last: 21000-24999".to_owned())
}
