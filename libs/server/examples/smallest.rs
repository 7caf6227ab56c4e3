//! The smallest main: a server with health, reflection and metrics.

use std::{net::SocketAddr, process::ExitCode};

use bellwether_server::{ServeArgs, run_main};
use clap::Parser as _;

#[derive(clap::Parser)]
struct Args {
    #[command(flatten)]
    serve: ServeArgs,
}

fn main() -> ExitCode {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    run_main("smallest", listen, Args::parse().serve, async |host| {
        // a service adds itself here: .add_service(ExecutorServiceServer::new(…))
        Ok(host.serve(host.server()).await?)
    })
}
