//! The executor as a process of its own.

use std::{net::SocketAddr, process::ExitCode};

use bellwether_executor::{Config, ExecutorArgs, NAME, serve};
use bellwether_server::{ServeArgs, run_main};
use clap::Parser;

/// Carries rollouts out, durably, and takes them back.
#[derive(Parser)]
#[command(name = "bellwether-executor", version)]
struct Arguments {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    executor: ExecutorArgs,
}

fn main() -> ExitCode {
    let Arguments { serve: args, executor } = Arguments::parse();
    let listen = SocketAddr::from(([127, 0, 0, 1], 7441));
    run_main(NAME, listen, args.clone(), async move |host| serve(host, Config::new(&args, executor)).await)
}
