//! The health-monitor as a process of its own.

use std::{net::SocketAddr, process::ExitCode};

use bellwether_health_monitor::{NAME, serve};
use bellwether_server::{ServeArgs, run_main};
use clap::Parser;

/// Watches new versions against old ones and streams verdicts.
#[derive(Parser)]
#[command(name = "bellwether-health-monitor", version)]
struct Arguments {
    #[command(flatten)]
    serve: ServeArgs,
}

fn main() -> ExitCode {
    let listen = SocketAddr::from(([127, 0, 0, 1], 7442));
    run_main(NAME, listen, Arguments::parse().serve, async |host| serve(host).await)
}
