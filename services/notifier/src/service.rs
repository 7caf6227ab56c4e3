//! The notifier as a part of a process.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use bellwether_clock::{Env, spawn};
use bellwether_egress::{AddressPolicy, Client};
use bellwether_journal::{Health, Journal, OpenError, Options};
use bellwether_proto::notifier::v1::notifier_service_server::{NotifierServiceServer, SERVICE_NAME};
use bellwether_server::{Host, Metrics, Readiness, Server, Shutdown, StartError};
use tokio::task::JoinHandle;

use crate::{
    api::Api,
    config::Config,
    follow,
    metrics::NotifierMetrics,
    outbox::{Outbox, Settings},
    send::{self, Board, Sender},
};

/// Largest message that is read: larger ones are RESOURCE_EXHAUSTED.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How often what retention allows is removed.
const PRUNE: Duration = Duration::from_secs(3600);

/// The service's name in files and logs.
pub const NAME: &str = "notifier";
/// The full name of its gRPC service.
pub const GRPC_NAME: &str = SERVICE_NAME;

/// A running notifier: register it with a server, and close it when that has ended.
pub struct Service {
    outbox: Arc<Outbox>,
    board: Arc<Board>,
    policy: AddressPolicy,
    env: Env,
    shutdown: Shutdown,
    tasks: Vec<JoinHandle<()>>,
}

/// Opens the journal and sets everything to work: what waits is sent, the other services are followed. `shutdown` ends
/// it; it fires it itself when the journal is lost to another process.
///
/// # Errors
/// The journal cannot be opened or read, or another process owns it; a URL or a file that is none.
pub async fn build(
    config: Config,
    env: Env,
    metrics: &Metrics,
    shutdown: Shutdown,
) -> anyhow::Result<Service> {
    // nothing here takes traffic back, so nothing must go through on a full disk
    let options = Options { standby: config.standby, ballast_bytes: 0, ..Options::new(env.clone()) };
    let journal = bellwether_journal::open(&config.journal, options).await.map_err(not_opened)?;
    let metrics = NotifierMetrics::new(metrics);
    let settings = Settings { retry: config.retry.clone(), keep: config.keep, metrics: metrics.clone() };
    let outbox = Outbox::open(journal.clone(), env.clone(), settings).await.context("the outbox")?;
    let client = Client::new(config.policy(), config.limits)?;
    let sender = Arc::new(Sender::new(client, env.clone(), metrics));
    let board = Arc::new(Board::default());
    let sources = config.sources()?;
    let workers =
        send::run(outbox.clone(), sender, board.clone(), config.breaker, env.clone(), shutdown.clone());
    let mut tasks = follow::start(sources, outbox.clone(), env.clone(), shutdown.clone());
    tasks.push(spawn("send", workers));
    tasks.push(spawn("prune", prune(outbox.clone(), shutdown.clone())));
    spawn("journal-lost", stop_when_lost(journal, shutdown.clone()));
    Ok(Service { outbox, board, policy: config.policy(), env, shutdown, tasks })
}

/// Serves on its own, until the process is to end.
///
/// # Errors
/// As [`build`], or the server cannot be started.
pub async fn serve(host: Host, config: Config) -> anyhow::Result<()> {
    let service = build(config, host.env.clone(), &host.metrics, host.shutdown.clone()).await?;
    let served = host.serve(service.register(host.server())).await;
    service.close().await;
    Ok(served?)
}

// === impl Service ===

impl Service {
    /// Adds the gRPC service to a server.
    pub fn register(&self, server: Server) -> Server {
        let api = Api {
            outbox: self.outbox.clone(),
            board: self.board.clone(),
            policy: self.policy.clone(),
            env: self.env.clone(),
        };
        spawn("journal-readiness", readiness(self.outbox.journal().clone(), server.readiness()));
        server.add_service(NotifierServiceServer::new(api).max_decoding_message_size(MOST_BYTES))
    }

    /// Ends what is under way, within a few seconds, and gives the journal up.
    pub async fn close(self) {
        self.shutdown.trigger();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task ended badly");
            }
        }
        self.outbox.journal().close().await;
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
        other => StartError::Journal { journal: "of the notifier".into(), source: other.into() },
    }
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

/// A notifier whose journal is another's must not send what that one sends.
async fn stop_when_lost(journal: Arc<dyn Journal>, shutdown: Shutdown) {
    let mut health = journal.health();
    let lost = health.wait_for(|health| matches!(health, Health::Fenced | Health::Failed)).await;
    if lost.is_ok() {
        tracing::error!("the journal is lost; the notifier stops");
        shutdown.trigger();
    }
}

async fn prune(outbox: Arc<Outbox>, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PRUNE) => {}
            () = shutdown.triggered() => return,
        }
        match outbox.prune().await {
            Ok(removed) => tracing::info!(removed, "retention"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "retention did not succeed");
            }
        }
    }
}
