//! The services of one process, put together.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::{Context as _, bail};
use bellwether_agent::supervisor::{Holder, Identity, Lock, LockError};
use bellwether_clock::spawn;
use bellwether_executor::PlatformArg;
use bellwether_server::{Host, Identities, ServeArgs, Server, Shutdown, StartError};
use tokio::{net::TcpListener, task::JoinHandle};

use super::lock_directory;
use crate::agent::{Agent, AgentOptions};

/// What a stack is made of.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The command line that the services share.
    pub serve: ServeArgs,
    /// The agent; none: there is none.
    pub agent: Option<AgentOptions>,
    /// Also offer the platform `fake`.
    pub fake: bool,
    /// Serve its hands here.
    pub fake_control: Option<SocketAddr>,
    /// How messages leave this machine.
    pub telling: Telling,
}

/// How messages leave this machine.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Telling {
    /// Networks that webhooks, hooks and sources may call although they are not public, e.g. 10.0.0.0/8; repeatable.
    #[arg(long, value_name = "NETWORK")]
    allow_network: Vec<bellwether_notifier::egress::Network>,
    /// Metric servers with their credentials, TOML; see docs/concepts/sources.md.
    #[arg(long, env = "BELLWETHER_SOURCES", value_name = "FILE")]
    sources: Option<std::path::PathBuf>,
}

/// The four services at work, and the agent beside them.
pub struct Stack {
    address: SocketAddr,
    shutdown: Shutdown,
    server: JoinHandle<anyhow::Result<()>>,
    agent: Option<Agent>,
    stop_agent: bool,
    serve: ServeArgs,
    /// Held for as long as it runs.
    _lock: Lock,
}

struct Services {
    planner: bellwether_release_planner::Service,
    executor: bellwether_executor::Service,
    monitor: bellwether_health_monitor::Service,
    notifier: bellwether_notifier::Service,
}

// === impl Stack ===

impl Stack {
    /// Listens, finds or starts the agent, opens the journals, and serves.
    ///
    /// # Errors
    /// Why one of them does not start.
    pub async fn start(host: &Host, options: StackOptions) -> anyhow::Result<Self> {
        if options.serve.journal.as_ref().is_some_and(|journal| journal != "memory:") {
            bail!("`up` keeps a journal for each service in --data-dir; --journal takes memory: only");
        }
        let mut lock = take_lock(&options.serve.data_dir)?;
        let listener = host.bind().await?;
        let address = listener.local_addr()?;
        // before the agent, which would stay when the services do not start
        options.serve.config().may_serve_on(address)?;
        Identities::load(options.serve.config().identity, &host.env).map_err(StartError::Identity)?;
        let url = self_url(&options.serve, address);
        let agent = match &options.agent {
            Some(agent) => Some(Agent::ensure(&options.serve.data_dir, &url, agent.clone()).await?),
            None => None,
        };
        let services = Services::build(host, &options, &url, agent.as_ref()).await?;
        let server = services.register(host.server());
        let server = spawn("services", run(server, listener, host.shutdown.clone(), services));
        let stop_agent = options.agent.is_some_and(|agent| agent.stop_all_at_end);
        announce(&mut lock, address)?;
        let (shutdown, serve) = (host.shutdown.clone(), options.serve);
        Ok(Self { address, shutdown, server, agent, stop_agent, serve, _lock: lock })
    }

    /// Where the services are.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Looks after the agent until the process is to end, then ends in order.
    ///
    /// # Errors
    /// Why a service had to stop by itself.
    pub async fn run(mut self) -> anyhow::Result<()> {
        if let Some(agent) = &mut self.agent {
            agent.look_after(&self.shutdown).await;
        }
        let ended = self.server.await.context("the services ended badly")?;
        if self.stop_agent {
            crate::agent::stop(&self.serve.data_dir).await?;
        }
        ended
    }
}

// === impl Services ===

impl Services {
    async fn build(
        host: &Host,
        options: &StackOptions,
        url: &str,
        agent: Option<&Agent>,
    ) -> anyhow::Result<Self> {
        let (env, metrics, shutdown) = (host.env.clone(), &host.metrics, host.shutdown.clone());
        let sources = bellwether_health_monitor::SourcesArgs {
            file: options.telling.sources.clone(),
            networks: options.telling.allow_network.clone(),
        };
        let monitor = bellwether_health_monitor::Config::new(&options.serve, sources);
        let monitor = bellwether_health_monitor::build(monitor, env.clone(), metrics).await?;
        let args = executor_args(options, url, agent);
        let executor = bellwether_executor::Config::new(&options.serve, args);
        let executor =
            bellwether_executor::build(executor, env.clone(), metrics.clone(), shutdown.clone()).await?;
        let planner = bellwether_release_planner::PlannerArgs {
            executor: url.to_owned(),
            monitor: Some(url.to_owned()),
        };
        let planner = bellwether_release_planner::Config::new(&options.serve, planner);
        let planner =
            bellwether_release_planner::build(planner, env.clone(), metrics.clone(), shutdown.clone())
                .await?;
        let notifier = bellwether_notifier::Config::new(&options.serve, notifier_args(options, url));
        let notifier = bellwether_notifier::build(notifier, env, metrics, shutdown).await?;
        Ok(Self { planner, executor, monitor, notifier })
    }

    fn register(&self, server: Server) -> Server {
        let server = self.planner.register(server);
        let server = self.executor.register(server);
        let server = self.monitor.register(server);
        self.notifier.register(server)
    }

    /// From the one that nothing depends on to the one that much depends on.
    async fn close(self) {
        self.notifier.close().await;
        self.planner.close().await;
        self.executor.close().await;
        self.monitor.close().await;
    }
}

async fn run(
    server: Server,
    listener: TcpListener,
    shutdown: Shutdown,
    services: Services,
) -> anyhow::Result<()> {
    let served = server.serve(listener, shutdown.clone()).await;
    let stopped = services.executor.stopped_because();
    // an error of the server ends the rest as well
    shutdown.trigger();
    services.close().await;
    served?;
    stopped.map_or(Ok(()), |stop| Err(bellwether_executor::stop_error(stop)))
}

/// One `up` for each data directory.
fn take_lock(data_dir: &Path) -> anyhow::Result<Lock> {
    let directory = lock_directory(data_dir);
    fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Lock::take(&directory).map_err(|error| match error {
        LockError::Held(_) => StartError::JournalOwned {
            journal: format!("of {}", data_dir.display()),
            owner: "another `bellwether up`; `bellwether down` ends it".to_owned(),
        }
        .into(),
        other => other.into(),
    })
}

/// Says who holds the data directory, for `bellwether down`.
fn announce(lock: &mut Lock, address: SocketAddr) -> anyhow::Result<()> {
    let pid = i32::try_from(std::process::id())?;
    let process = Identity::of(pid).context("this process is not to be seen in /proc")?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(lock.announce(&Holder { process, address: address.to_string(), version })?)
}

fn executor_args(
    options: &StackOptions,
    url: &str,
    agent: Option<&Agent>,
) -> bellwether_executor::ExecutorArgs {
    let agent = agent.map(|agent| PlatformArg::Agent {
        name: "agent".to_owned(),
        url: format!("http://{}", agent.address()),
    });
    let fake = options.fake.then_some(PlatformArg::Fake);
    bellwether_executor::ExecutorArgs {
        platforms: agent.into_iter().chain(fake).collect(),
        monitor: Some(url.to_owned()),
        hook_network: options.telling.allow_network.clone(),
        hook_command: Vec::new(),
        hook_user: None,
        fake_control: options.fake_control,
    }
}

fn notifier_args(options: &StackOptions, url: &str) -> bellwether_notifier::NotifierArgs {
    bellwether_notifier::NotifierArgs {
        planner: Some(url.to_owned()),
        executor: Some(url.to_owned()),
        monitor: Some(url.to_owned()),
        webhook_network: options.telling.allow_network.clone(),
    }
}

/// How the services of this process reach each other.
fn self_url(serve: &ServeArgs, address: SocketAddr) -> String {
    let scheme = if serve.tls_cert.is_some() { "https" } else { "http" };
    let reachable = if address.ip().is_unspecified() {
        SocketAddr::from(([127, 0, 0, 1], address.port()))
    } else {
        address
    };
    format!("{scheme}://{reachable}")
}
