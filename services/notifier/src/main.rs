//! The notifier as a process of its own.

use std::{net::SocketAddr, process::ExitCode};

use bellwether_notifier::{Config, NAME, NotifierArgs, serve};
use bellwether_server::{ServeArgs, run_main};
use clap::Parser;

/// Tells people and machines what happened.
#[derive(Parser)]
#[command(name = "bellwether-notifier", version)]
struct Arguments {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    notifier: NotifierArgs,
}

fn main() -> ExitCode {
    let Arguments { serve: args, notifier } = Arguments::parse();
    let listen = SocketAddr::from(([127, 0, 0, 1], 7443));
    run_main(NAME, listen, args.clone(), async move |host| serve(host, Config::new(&args, notifier)).await)
}
