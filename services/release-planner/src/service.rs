//! The planner as a part of a process.

use std::sync::Arc;

use anyhow::Context as _;
use bellwether_client::Transport;
use bellwether_clock::{Env, spawn};
use bellwether_journal::{Health, Journal, Options};
use bellwether_proto::planner::v1::release_planner_service_server::{
    ReleasePlannerServiceServer, SERVICE_NAME,
};
use bellwether_server::{
    Metrics, Server, Shutdown, follow_journal, open_journal, stop_with_journal, trim_hourly,
};
use tokio::task::JoinHandle;

use crate::{
    api::PlannerApi, book::Stores, config::Config, engine, environments::first_environments,
    executor::Executor, metrics::PlannerMetrics, monitor::Monitor, planner::Planner,
};

/// The largest message that is read: larger ones are RESOURCE_EXHAUSTED.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The service's name in files and logs.
pub const NAME: &str = "release-planner";
/// The full name of its gRPC service.
pub const GRPC_NAME: &str = SERVICE_NAME;

/// A running planner: register it with a server, and close it when that has ended.
#[derive(Debug)]
pub struct Service {
    planner: Planner,
    shutdown: Shutdown,
    tasks: Vec<JoinHandle<()>>,
}

/// The services that a planner calls.
#[derive(Clone, Debug)]
pub struct Others {
    /// Carries plans out.
    pub executor: Transport,
    /// Says how long bakes must be; `None`: the risk band says so.
    pub monitor: Option<Transport>,
}

/// Opens the journal, goes on with everything that is in it, and follows the executor. `shutdown` ends it; it fires it
/// itself when the journal is lost.
///
/// # Errors
/// The journal cannot be opened or replayed, or another process owns it; the executor's or the health-monitor's URL is none.
pub async fn build(
    config: Config,
    env: Env,
    metrics: Metrics,
    shutdown: Shutdown,
) -> anyhow::Result<Service> {
    let options = Options { standby: config.standby, ..Options::new(env.clone()) };
    let journal = open_journal(NAME, &config.journal, options, &metrics).await?;
    let others = Others {
        executor: config.executor().context("the executor")?,
        monitor: config.monitor().context("the health-monitor")?,
    };
    assemble(journal, others, env, metrics, shutdown).await
}

/// The same over a journal and connections that are there already.
///
/// # Errors
/// The journal cannot be replayed or written.
pub async fn assemble(
    journal: Arc<dyn Journal>,
    others: Others,
    env: Env,
    metrics: Metrics,
    shutdown: Shutdown,
) -> anyhow::Result<Service> {
    let stores =
        Stores::load(journal.clone(), env).await.context("the planner's journal cannot be replayed")?;
    first_environments(&stores).await.context("the first environments cannot be kept")?;
    let (executor, monitor) = (Executor::new(others.executor), Monitor::new(others.monitor));
    let planner = Planner::new(stores, executor, monitor, PlannerMetrics::new(&metrics));
    let tasks = vec![
        spawn("planner's engine", engine::run(planner.clone(), shutdown.clone())),
        spawn("planner's journal", stop_with_journal(journal.clone(), shutdown.clone())),
        spawn("retention", trim_hourly(journal, shutdown.clone())),
    ];
    Ok(Service { planner, shutdown, tasks })
}

/// Serves on its own, until the process is to end.
///
/// # Errors
/// As [`build`], or the server cannot be started, or the journal was lost.
pub async fn serve(host: bellwether_server::Host, config: Config) -> anyhow::Result<()> {
    let (metrics, shutdown) = (host.metrics.clone(), host.shutdown.clone());
    let service = build(config, host.env.clone(), metrics, shutdown).await?;
    let served = host.serve(service.register(host.server())).await;
    let lost = service.lost_journal();
    service.close().await;
    served?;
    anyhow::ensure!(
        !lost,
        "the planner has lost its journal: another process took it over, or it cannot be written"
    );
    Ok(())
}

// === impl Service ===

impl Service {
    /// Adds the gRPC service to a server.
    pub fn register(&self, server: Server) -> Server {
        let api = ReleasePlannerServiceServer::new(PlannerApi::new(self.planner.clone()));
        let journal = self.journal().clone();
        spawn("journal-readiness", follow_journal(journal, server.readiness(), GRPC_NAME));
        server.add_service(api.max_decoding_message_size(MOST_BYTES))
    }

    /// Whether it has stopped because the journal is another process's now, or has failed.
    pub fn lost_journal(&self) -> bool {
        matches!(*self.journal().health().borrow(), Health::Fenced | Health::Failed)
    }

    /// Stops acting, finishes what is being committed, and gives the journal up.
    pub async fn close(self) {
        self.shutdown.trigger();
        self.journal().close().await;
        self.tasks.iter().for_each(JoinHandle::abort);
    }

    fn journal(&self) -> &Arc<dyn Journal> {
        self.planner.stores().releases.journal()
    }
}
