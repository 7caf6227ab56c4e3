//! `bellwether down`: ends what `up` started, and what went on after it.

use std::path::PathBuf;

use bellwether_server::default_data_dir;
use rustix::process::Signal;

use crate::{agent, exit::Exit, render};

/// What `down` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct DownArgs {
    /// The data directory of `bellwether up`.
    #[arg(long, env = "BELLWETHER_DATA_DIR", default_value_os_t = default_data_dir())]
    data_dir: PathBuf,
}

/// Ends `up` where it still runs, then the agent with its gateway and every instance.
///
/// # Errors
/// When it does not end.
pub async fn down(args: &DownArgs) -> anyhow::Result<Exit> {
    let services = agent::end_holder(&super::lock_directory(&args.data_dir), Signal::TERM).await?;
    let instances = agent::stop(&args.data_dir).await?;
    render::line(match (services, instances) {
        (true, true) => "the services, the agent, the gateway and all instances have ended",
        (true, false) => "the services have ended; no agent ran",
        (false, true) => "the agent, the gateway and all instances have ended; no services ran",
        (false, false) => "nothing runs there",
    })?;
    Ok(Exit::Ok)
}
