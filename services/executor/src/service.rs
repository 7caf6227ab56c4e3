//! The executor as a part of a process.

use std::sync::Arc;

use anyhow::Context as _;
use bellwether_clock::{Env, spawn};
use bellwether_journal::{Journal, Options};
use bellwether_proto::executor::v1::{
    self as pb,
    executor_service_server::{ExecutorServiceServer, SERVICE_NAME},
};
use bellwether_resource::Store;
use bellwether_server::{Metrics, Server, Shutdown, follow_journal, open_journal, trim_hourly};

use crate::{
    api::ExecutorApi,
    config::Config,
    convert, exit,
    shell::{Executor, Parts, Stop},
    targets::Targets,
};

/// Largest message that is read: larger ones are RESOURCE_EXHAUSTED.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The service's name in files and logs.
pub const NAME: &str = "executor";
/// The full name of its gRPC service.
pub const GRPC_NAME: &str = SERVICE_NAME;

/// A running executor: register it with a server, and close it when that has ended.
pub struct Service {
    executor: Executor,
}

/// Opens the journal, takes up every target where it was left, and sets everything to work. `shutdown` ends it; it fires
/// it itself where it must not act any more, and then [`Service::stopped_because`] says why.
///
/// # Errors
/// The journal cannot be opened or replayed, or another process owns it; a platform or the monitor is misconfigured.
pub async fn build(
    config: Config,
    env: Env,
    metrics: Metrics,
    shutdown: Shutdown,
) -> anyhow::Result<Service> {
    let options = Options { standby: config.standby, ..Options::new(env.clone()) };
    let journal = open_journal(NAME, &config.journal, options, &metrics).await?;
    let parts = config.parts(&env, metrics, shutdown).await?;
    assemble(journal, env, parts).await
}

/// The same over a journal and parts that are there already.
///
/// # Errors
/// The journal cannot be replayed.
pub async fn assemble(journal: Arc<dyn Journal>, env: Env, parts: Parts) -> anyhow::Result<Service> {
    let store = Store::load(journal.clone(), env).await.context("the targets cannot be replayed")?;
    let shutdown = parts.shutdown.clone();
    let executor = Executor::new(store, parts);
    executor.start();
    spawn("retention", trim_hourly(journal, shutdown));
    Ok(Service { executor })
}

/// Serves on its own, until the process is to end.
///
/// # Errors
/// As [`build`], or the server cannot be started, or the executor had to stop.
pub async fn serve(host: bellwether_server::Host, config: Config) -> anyhow::Result<()> {
    let (metrics, shutdown) = (host.metrics.clone(), host.shutdown.clone());
    let service = build(config, host.env.clone(), metrics, shutdown).await?;
    let served = host.serve(service.register(host.server())).await;
    let stopped = service.stopped_because();
    service.close().await;
    served?;
    stopped.map_or(Ok(()), |stop| Err(exit::stop_error(stop)))
}

/// What a journal says, as the contract shows it.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// The targets, by name.
    pub targets: Vec<pb::Target>,
    /// The rollouts that they remember, by target and number.
    pub rollouts: Vec<pb::Rollout>,
}

/// Replays a journal and does nothing else.
///
/// # Errors
/// The journal cannot be replayed.
pub async fn replay(journal: Arc<dyn Journal>, env: Env) -> anyhow::Result<Replayed> {
    let store = Store::<Targets>::load(journal, env).await.context("the targets cannot be replayed")?;
    let mut replayed = Replayed::default();
    for entry in store.all() {
        let mut rollouts: Vec<_> = entry.state.core.rollouts.values().collect();
        rollouts.sort_by_key(|rollout| rollout.number);
        replayed.rollouts.extend(rollouts.into_iter().map(|rollout| convert::rollout(&entry, rollout)));
        replayed.targets.push(convert::target(&entry));
    }
    Ok(replayed)
}

// === impl Service ===

impl Service {
    /// Adds the gRPC service to a server.
    pub fn register(&self, server: Server) -> Server {
        let api = ExecutorServiceServer::new(ExecutorApi::new(self.executor.clone()));
        let journal = self.executor.journal().clone();
        spawn("journal-readiness", follow_journal(journal, server.readiness(), GRPC_NAME));
        server.add_service(api.max_decoding_message_size(MOST_BYTES))
    }

    /// Why it has stopped by itself; none: it has not.
    pub fn stopped_because(&self) -> Option<Stop> {
        self.executor.stopped_because()
    }

    /// Stops acting, finishes what is being committed, and gives the journal up.
    pub async fn close(self) {
        self.executor.shutdown().trigger();
        self.executor.journal().close().await;
    }
}
