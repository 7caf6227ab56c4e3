//! The monitor as a part of a process.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use bellwether_clock::{Env, spawn};
use bellwether_journal::{Journal, Options};
use bellwether_proto::monitor::v1::{
    self as pb,
    health_monitor_service_server::{HealthMonitorServiceServer, SERVICE_NAME},
};
use bellwether_resource::Store;
use bellwether_server::{Metrics, ServeArgs, Server, Shutdown, follow_journal, open_journal, trim_hourly};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::MetricsServiceServer;
use tokio::{task::JoinHandle, time::MissedTickBehavior};

use crate::{
    api::Api,
    evidence::Evidence,
    metrics::MonitorMetrics,
    monitor::Monitor,
    probes::{Probes, Tools},
    recording::{self, Recorder},
    sources::{SourcesArgs, Surroundings},
};

/// Largest message that is read: larger ones are RESOURCE_EXHAUSTED.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How often time passes for everyone.
const TICK: Duration = Duration::from_millis(500);
/// How often evidence is kept.
const SAVE: Duration = Duration::from_secs(5);
/// How often minutes that are over are recorded.
const RECORD: Duration = Duration::from_secs(1);
/// Every so many times what is no longer needed is forgotten.
const ROUNDS_PER_RETENTION: u32 = 60;
/// Every so many times how targets are is kept too.
const ROUNDS_PER_VITALS: u32 = 600;
/// Every so many times histories are kept too.
const SAVES_PER_HISTORY: u32 = 12;

/// What the monitor needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its journal's URL.
    pub journal: String,
    /// Wait until the journal's present owner is gone instead of refusing to start.
    pub standby: bool,
    /// The file that evidence is kept in; None: it is forgotten with the process.
    pub evidence: Option<PathBuf>,
    /// Its sources.
    pub sources: SourcesArgs,
}

/// A running monitor: register it with a server, and close it when that has ended.
pub struct Service {
    monitor: Monitor,
    tasks: Vec<JoinHandle<()>>,
}

/// The service's name in files and logs.
pub const NAME: &str = "health-monitor";
/// The full name of its gRPC service.
pub const GRPC_NAME: &str = SERVICE_NAME;

// === impl Config ===

impl Config {
    /// As the command line says. Evidence is kept beside the journal, unless that is in memory.
    pub fn new(args: &ServeArgs, sources: SourcesArgs) -> Self {
        let journal = args.journal_url(NAME);
        let in_memory = journal == "memory:";
        Self {
            standby: args.standby,
            evidence: (!in_memory).then(|| args.data_dir.join("health-monitor-evidence.db")),
            journal,
            sources,
        }
    }
}

/// Opens the files, puts everything back to work that was at work, and starts what runs in the background.
///
/// # Errors
/// The journal or the evidence cannot be opened or read, or another process owns the journal.
pub async fn build(config: Config, env: Env, metrics: &Metrics) -> anyhow::Result<Service> {
    let options = Options { standby: config.standby, ..Options::new(env.clone()) };
    let journal = open_journal(NAME, &config.journal, options, metrics).await?;
    // beside the evidence, and forgotten with it
    let recordings = config.evidence.as_ref().map(|path| path.with_file_name("health-monitor-recordings.db"));
    let opened = recording::Store::open(recordings.as_deref()).await;
    let recordings = opened.with_context(|| {
        let file = recordings.unwrap_or_default();
        format!("{}: move it away to begin anew, verdicts do not rest on it", file.display())
    })?;
    put_together(journal, config.evidence, recordings, &config.sources, env, metrics).await
}

/// The same over a journal that is there already; `evidence` as in [`Config`]. Nothing is recorded.
///
/// # Errors
/// The journal or the evidence cannot be read.
pub async fn assemble(
    journal: Arc<dyn Journal>,
    evidence: Option<PathBuf>,
    env: Env,
    metrics: &Metrics,
) -> anyhow::Result<Service> {
    let recordings = recording::Store::nowhere();
    put_together(journal, evidence, recordings, &SourcesArgs::default(), env, metrics).await
}

async fn put_together(
    journal: Arc<dyn Journal>,
    evidence: Option<PathBuf>,
    recordings: recording::Store,
    sources: &SourcesArgs,
    env: Env,
    metrics: &Metrics,
) -> anyhow::Result<Service> {
    let surroundings = Surroundings::new(sources)?;
    let recorder = Recorder::new(recordings).await?;
    let evidence = match &evidence {
        Some(path) => Evidence::open(path).await?,
        None => Evidence::nowhere(),
    };
    let probes = Store::load(journal.clone(), env.clone()).await.context("the probes cannot be replayed")?;
    let (addresses, roots) = (sources.addresses(), surroundings.probe_roots());
    let probes = Probes::new(probes, Tools::new(addresses, surroundings.secrets(), roots, env.clone())?);
    let records = Store::load(journal, env).await.context("the analyses cannot be replayed")?;
    let metrics = MonitorMetrics::new(metrics);
    let monitor = Monitor::new(records, evidence, metrics, surroundings, recorder, probes);
    let following = spawn("follow decisions", follow(monitor.clone()));
    monitor.start_probes();
    monitor.resume().await.context("the analyses cannot go on")?;
    let tasks = vec![
        following,
        spawn("time passes", tick(monitor.clone())),
        spawn("keep evidence", keep(monitor.clone())),
        spawn("keep recordings", keep_recordings(monitor.clone())),
        spawn("write down", write_down(monitor.clone())),
        // ends with the other tasks
        spawn("retention", trim_hourly(monitor.records.journal().clone(), Shutdown::new())),
    ];
    Ok(Service { monitor, tasks })
}

// === impl Service ===

impl Service {
    /// Adds the gRPC service to a server.
    pub fn register(&self, server: Server) -> Server {
        let api = HealthMonitorServiceServer::new(Api::new(self.monitor.clone()));
        let journal = self.monitor.records.journal().clone();
        spawn("journal-readiness", follow_journal(journal, server.readiness(), GRPC_NAME));
        let otlp = MetricsServiceServer::new(Api::new(self.monitor.clone()));
        server
            .add_service(api.max_decoding_message_size(MOST_BYTES))
            .add_service(otlp.max_decoding_message_size(MOST_BYTES))
    }

    /// Ends what runs in the background, keeps the evidence and closes the files.
    pub async fn close(self) {
        for task in &self.tasks {
            task.abort();
        }
        self.monitor.close().await;
    }
}

/// Serves on its own, until the process is to end.
///
/// # Errors
/// As [`build`], or the server cannot be started.
pub async fn serve(host: bellwether_server::Host, sources: SourcesArgs) -> anyhow::Result<()> {
    let config = Config::new(&host.args, sources);
    let service = build(config, host.env.clone(), &host.metrics).await?;
    let served = host.serve(service.register(host.server())).await;
    service.close().await;
    Ok(served?)
}

async fn follow(monitor: Monitor) {
    if let Err(error) = monitor.board.follow().await {
        tracing::error!(%error, "decisions cannot be followed any more");
    }
}

async fn tick(monitor: Monitor) {
    let mut every = tokio::time::interval(TICK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        monitor.tick().await;
    }
}

async fn keep(monitor: Monitor) {
    let mut every = tokio::time::interval(SAVE);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 0u32.. {
        every.tick().await;
        if let Err(error) = monitor.save(round % SAVES_PER_HISTORY == 0).await {
            tracing::error!(error = &error as &dyn std::error::Error, "evidence is not kept");
        }
    }
}

/// Minutes as soon as they are over; the rest now and then.
async fn keep_recordings(monitor: Monitor) {
    let mut every = tokio::time::interval(RECORD);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 1u32.. {
        every.tick().await;
        let (now, recorder) = (monitor.now(), &monitor.recorder);
        let active = |name: &str| monitor.registry.get(name).is_some();
        let mut done = vec![recorder.keep(now).await, recorder.keep_sessions(active).await];
        if round % ROUNDS_PER_RETENTION == 0 {
            done.push(recorder.store().retain(now).await);
        }
        if round % ROUNDS_PER_VITALS == 0 {
            done.push(recorder.keep_vitals(now).await);
        }
        for error in done.into_iter().filter_map(Result::err) {
            tracing::error!(error = &error as &dyn std::error::Error, "something is not recorded");
        }
    }
}

async fn write_down(monitor: Monitor) {
    let begun = |analysis: &pb::Analysis| {
        let slo = analysis.policy.as_ref().and_then(|policy| policy.slo_percent);
        if let Some(slo) = slo {
            monitor.recorder.vitality().objective(&analysis.target, slo / 100.0);
        }
    };
    if let Err(error) = recording::follow(&monitor.recorder, &**monitor.records.journal(), begun).await {
        tracing::error!(error = &*error as &dyn std::error::Error, "analyses are not written down any more");
    }
}
