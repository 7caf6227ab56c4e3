//! The demonstration's own services and agent, in a directory that goes away with them.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use bellwether_clock::Env;
use bellwether_server::{Host, Metrics, ServeArgs, Shutdown};
use clap::Parser as _;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    agent::AgentOptions,
    args::Global,
    session::Session,
    up::{Stack, StackOptions},
};

/// Everything that a demonstration runs on.
pub(super) struct Stage {
    /// Where the shop's users come in.
    pub(super) front: SocketAddr,
    /// Where the services answer, as a URL.
    pub(super) server: String,
    directory: PathBuf,
    session: Session,
    shutdown: Shutdown,
    stack: JoinHandle<anyhow::Result<()>>,
}

#[derive(clap::Parser)]
struct Serve {
    #[command(flatten)]
    serve: ServeArgs,
}

// === impl Stage ===

impl Stage {
    /// Starts all services on free ports.
    ///
    /// # Errors
    /// When one of them does not start.
    pub(super) async fn set(env: &Env) -> anyhow::Result<Self> {
        let directory = std::env::temp_dir().join(format!("bellwether-demo-{}", env.uuid().simple()));
        let data_dir = directory.to_str().context("the temporary directory's path is not UTF-8")?;
        let serve = Serve::try_parse_from(["demo", "--listen", "127.0.0.1:0", "--data-dir", data_dir])?.serve;
        serve.make_data_dir()?;
        let shutdown = Shutdown::new();
        let host = Host {
            name: "demo",
            default_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            args: serve.clone(),
            env: env.clone(),
            metrics: Metrics::new(),
            shutdown: shutdown.clone(),
        };
        let agent = Some(AgentOptions { stop_all_at_end: true, ..AgentOptions::default() });
        let options =
            StackOptions { serve, agent, fake: false, fake_control: None, telling: Default::default() };
        let stack = Stack::start(&host, options).await?;
        let server = format!("http://{}", stack.address());
        let global = Global { server: server.clone(), ..Global::default() };
        let session = Session::new(&global, env.clone())?;
        let stack = bellwether_clock::spawn("stack", stack.run());
        Ok(Self { front: free_address().await?, server, directory, session, shutdown, stack })
    }

    /// The services as a client sees them.
    pub(super) fn session(&self) -> Session {
        self.session.clone()
    }

    /// Ends everything and removes the directory.
    ///
    /// # Errors
    /// When something does not end.
    pub(super) async fn clear(self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        let ended = self.stack.await.context("the services ended badly")?;
        std::fs::remove_dir_all(&self.directory)
            .with_context(|| format!("cannot remove {}", self.directory.display()))?;
        ended
    }
}

/// An address that nobody listens on at the moment.
async fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?.local_addr()?)
}
