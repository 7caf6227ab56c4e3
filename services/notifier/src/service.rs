//! The notifier as a part of a process.

use std::sync::Arc;

use anyhow::Context as _;
use bellwether_clock::{Env, spawn};
use bellwether_egress::{AddressPolicy, Client};
use bellwether_journal::{Journal, Options};
use bellwether_proto::notifier::v1::notifier_service_server::{NotifierServiceServer, SERVICE_NAME};
use bellwether_server::{
    Host, Metrics, Server, Shutdown, follow_journal, hourly, open_journal, stop_with_journal,
};
use tokio::task::JoinHandle;

use crate::{
    api::Api,
    config::Config,
    follow::{self, Sources},
    metrics::NotifierMetrics,
    outbox::{Outbox, Settings},
    send::{self, Board, Sender},
};

/// Largest message that is read: larger ones are RESOURCE_EXHAUSTED.
const MOST_BYTES: usize = 4 * 1024 * 1024;

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

/// What a notifier is made of.
pub struct Parts {
    /// Its journal.
    pub journal: Arc<dyn Journal>,
    /// Makes the calls of webhooks.
    pub client: Client,
    /// Whom to follow.
    pub sources: Sources,
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
    let journal = open_journal(NAME, &config.journal, options, metrics).await?;
    let client = Client::new(config.policy(), config.limits)?;
    let parts = Parts { journal, client, sources: config.sources()? };
    assemble(parts, config, env, metrics, shutdown).await
}

/// The same over parts that are there already.
///
/// # Errors
/// The journal cannot be read.
pub async fn assemble(
    parts: Parts,
    config: Config,
    env: Env,
    metrics: &Metrics,
    shutdown: Shutdown,
) -> anyhow::Result<Service> {
    let Parts { journal, client, sources } = parts;
    let metrics = NotifierMetrics::new(metrics);
    let settings = Settings { retry: config.retry.clone(), keep: config.keep, metrics: metrics.clone() };
    let outbox = Outbox::open(journal.clone(), env.clone(), settings).await.context("the outbox")?;
    let policy = client.policy().clone();
    let sender = Arc::new(Sender::new(client, env.clone(), metrics));
    let board = Arc::new(Board::default());
    let workers =
        send::run(outbox.clone(), sender, board.clone(), config.breaker, env.clone(), shutdown.clone());
    let mut tasks = follow::start(sources, outbox.clone(), env.clone(), shutdown.clone());
    tasks.push(spawn("send", workers));
    tasks.push(spawn("retention", prune_hourly(outbox.clone(), shutdown.clone())));
    spawn("journal-lost", stop_with_journal(journal, shutdown.clone()));
    Ok(Service { outbox, board, policy, env, shutdown, tasks })
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
        let journal = self.outbox.journal().clone();
        spawn("journal-readiness", follow_journal(journal, server.readiness(), GRPC_NAME));
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

/// Deliveries that ended have a retention of their own, which trims the journal too.
async fn prune_hourly(outbox: Arc<Outbox>, shutdown: Shutdown) {
    let prune = || async {
        match outbox.prune().await {
            Ok(removed) => tracing::info!(removed, "retention"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "retention did not succeed");
            }
        }
    };
    hourly(shutdown, prune).await;
}
