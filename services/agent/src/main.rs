//! The agent as a program of its own.

use std::process::ExitCode;

use bellwether_agent::{Command, run};
use clap::Parser;

/// The embedded platform of one host.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    run(Arguments::parse().command, Vec::new())
}
