//! The release-planner as a process of its own.

use std::{net::SocketAddr, process::ExitCode};

use bellwether_release_planner::{Config, NAME, PlannerArgs, serve};
use bellwether_server::{ServeArgs, run_main};
use clap::Parser;

/// Turns requests into plans, and sees them through.
#[derive(Parser)]
#[command(name = "bellwether-release-planner", version)]
struct Arguments {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    planner: PlannerArgs,
}

fn main() -> ExitCode {
    let Arguments { serve: args, planner } = Arguments::parse();
    let listen = SocketAddr::from(([127, 0, 0, 1], 7440));
    run_main(NAME, listen, args.clone(), async move |host| serve(host, Config::new(&args, planner)).await)
}
