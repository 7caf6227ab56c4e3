//! `bellwether up`: the four services in one process, talking gRPC to each other, and the agent beside it.

mod down;
mod stack;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use bellwether_server::{Host, ServeArgs, run_main};

pub use self::{
    down::{DownArgs, down},
    stack::{Stack, StackOptions},
};
use crate::agent::AgentOptions;

/// Where `up` serves unless told otherwise.
pub const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 7420);

/// What `up` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct UpArgs {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    agent: AgentOptions,
    /// Start no agent.
    #[arg(long, hide = true, requires = "fake")]
    no_agent: bool,
    /// Also offer the platform `fake`, in memory, where nothing runs.
    #[arg(long, hide = true)]
    fake: bool,
    /// Serve the hands of the fake platform here.
    #[arg(long, hide = true, requires = "fake")]
    fake_control: Option<SocketAddr>,
    #[command(flatten)]
    telling: stack::Telling,
}

/// Runs until the process is told to end. The agent, the gateway and the instances go on: the next `up` finds them, and
/// `bellwether down` ends them.
pub fn main(args: UpArgs) -> ExitCode {
    run_main("up", SocketAddr::from(LISTEN), args.serve.clone(), async move |host| run(host, args).await)
}

async fn run(host: Host, args: UpArgs) -> anyhow::Result<()> {
    let options = StackOptions {
        serve: args.serve,
        agent: (!args.no_agent).then_some(args.agent),
        fake: args.fake,
        fake_control: args.fake_control,
        telling: args.telling,
    };
    let stack = Stack::start(&host, options).await?;
    let address = stack.address();
    crate::render::note(&format!("bellwether: all services are on {address}; `{}`", how_to_ask(address)));
    stack.run().await
}

/// The command that asks what is served there.
fn how_to_ask(address: SocketAddr) -> String {
    if address == SocketAddr::from(LISTEN) {
        return "bellwether status".to_owned();
    }
    format!("bellwether --server http://{address} status")
}

/// Where the lock of a running `up` is.
fn lock_directory(data_dir: &Path) -> PathBuf {
    data_dir.join("up")
}
