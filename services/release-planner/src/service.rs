//! The planner as a part of a process.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use bellwether_client::Transport;
use bellwether_clock::{Env, spawn};
use bellwether_journal::{Health, Journal, OpenError, Options};
use bellwether_proto::planner::v1::release_planner_service_server::{
    ReleasePlannerServiceServer, SERVICE_NAME,
};
use bellwether_server::{Metrics, Readiness, Server, Shutdown, StartError};
use tokio::task::JoinHandle;

use crate::{
    api::PlannerApi, book::Stores, config::Config, engine, environments::first_environments,
    executor::Executor, metrics::PlannerMetrics, planner::Planner,
};

/// The largest message that is read: larger ones are RESOURCE_EXHAUSTED.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How often what retention allows is removed.
const TRIM: Duration = Duration::from_secs(3600);

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

/// Opens the journal, goes on with everything that is in it, and follows the executor. `shutdown` ends it; it fires it
/// itself when the journal is lost.
///
/// # Errors
/// The journal cannot be opened or replayed, or another process owns it; the executor's URL is none.
pub async fn build(
    config: Config,
    env: Env,
    metrics: Metrics,
    shutdown: Shutdown,
) -> anyhow::Result<Service> {
    let options = Options { standby: config.standby, ..Options::new(env.clone()) };
    let journal = bellwether_journal::open(&config.journal, options).await.map_err(not_opened)?;
    let executor = config.executor().context("the executor")?;
    assemble(journal, executor, env, metrics, shutdown).await
}

/// The same over a journal and a connection that are there already.
///
/// # Errors
/// The journal cannot be replayed or written.
pub async fn assemble(
    journal: Arc<dyn Journal>,
    executor: Transport,
    env: Env,
    metrics: Metrics,
    shutdown: Shutdown,
) -> anyhow::Result<Service> {
    let stores =
        Stores::load(journal.clone(), env).await.context("the planner's journal cannot be replayed")?;
    first_environments(&stores).await.context("the first environments cannot be kept")?;
    let planner = Planner::new(stores, Executor::new(executor), PlannerMetrics::new(&metrics));
    let tasks = vec![
        spawn("planner's engine", engine::run(planner.clone(), shutdown.clone())),
        spawn("planner's journal", stop_with(journal.clone(), shutdown.clone())),
        spawn("retention", trim(journal, shutdown.clone())),
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
        spawn("journal-readiness", readiness(self.journal().clone(), server.readiness()));
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

/// A journal that could not be opened, with the exit code that belongs to it.
fn not_opened(error: OpenError) -> StartError {
    match error {
        OpenError::Owned { path, pid, epoch } => StartError::JournalOwned {
            journal: path.display().to_string(),
            owner: format!("process {pid}, epoch {epoch}"),
        },
        OpenError::NewerSchema { found, known, .. } => StartError::NewerSchema { found, known },
        OpenError::Directory { path, source } => StartError::DataDir { path, source },
        other => StartError::Journal { journal: "of the release-planner".into(), source: other.into() },
    }
}

/// Without its journal the planner must not act.
async fn stop_with(journal: Arc<dyn Journal>, shutdown: Shutdown) {
    let mut health = journal.health();
    while !health.borrow_and_update().is_final() {
        if health.changed().await.is_err() {
            break;
        }
    }
    shutdown.trigger();
}

/// The service is ready while its journal takes commits.
async fn readiness(journal: Arc<dyn Journal>, readiness: Readiness) {
    let mut health = journal.health();
    loop {
        let reason = match *health.borrow_and_update() {
            Health::Serving => None,
            Health::DiskFull => Some("DISK_FULL"),
            Health::Fenced => Some("FENCED"),
            Health::Failed => Some("STORAGE_FAILED"),
            Health::Closed => Some("CLOSED"),
        };
        match reason {
            None => readiness.ready(GRPC_NAME),
            Some(reason) => readiness.not_ready(GRPC_NAME, reason),
        }
        if health.changed().await.is_err() {
            return;
        }
    }
}

async fn trim(journal: Arc<dyn Journal>, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TRIM) => {}
            () = shutdown.triggered() => return,
        }
        match journal.trim().await {
            Ok(trimmed) => tracing::info!(trimmed.events, trimmed.requests, "retention"),
            Err(error) => tracing::warn!(%error, "retention did not succeed"),
        }
    }
}
