//! The health-monitor as a program of its own.

use std::{ffi::OsString, net::SocketAddr, process::ExitCode};

use bellwether_server::{ServeArgs, run_main};
use clap::Parser;

use crate::{NAME, SourcesArgs, serve};

/// Watches new versions against old ones and streams verdicts.
#[derive(Parser)]
#[command(name = "bellwether-health-monitor", version)]
struct Arguments {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    sources: SourcesArgs,
}

/// Runs with these arguments, of which the first is the program's name, until the process is to end.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let listen = SocketAddr::from(([127, 0, 0, 1], 7442));
    let Arguments { serve: args, sources } = Arguments::parse_from(args);
    run_main(NAME, listen, args, async move |host| serve(host, sources).await)
}
