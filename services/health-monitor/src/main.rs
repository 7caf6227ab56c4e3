//! The health-monitor as a process of its own.

use std::{net::SocketAddr, process::ExitCode};

use bellwether_health_monitor::{NAME, SourcesArgs, serve};
use bellwether_server::{ServeArgs, run_main};
use clap::Parser;

/// Watches new versions against old ones and streams verdicts.
#[derive(Parser)]
#[command(name = "bellwether-health-monitor", version)]
struct Arguments {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    sources: SourcesArgs,
}

fn main() -> ExitCode {
    let listen = SocketAddr::from(([127, 0, 0, 1], 7442));
    let Arguments { serve: args, sources } = Arguments::parse();
    run_main(NAME, listen, args, async move |host| serve(host, sources).await)
}
