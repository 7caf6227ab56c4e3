//! The agent as a program of its own.

use bellwether_agent::{Command, run};
use clap::Parser;

/// The embedded platform of one host.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> anyhow::Result<()> {
    run(Arguments::parse().command)
}
