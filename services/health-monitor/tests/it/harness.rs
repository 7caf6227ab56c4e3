//! A monitor on loopback, a source with counters that a test moves by hand, and a reader of verdicts.

use std::{net::SocketAddr, path::Path, time::Duration};

use bellwether_clock::{Env, ManualClock, Timestamp, spawn};
use bellwether_health_monitor::{Config, Service, SourcesArgs, build};
use bellwether_proto::{
    monitor::v1::{
        self as pb, health_monitor_service_client::HealthMonitorServiceClient,
        stream_verdicts_response::Message,
    },
    planner::v1::Application,
};
use bellwether_resource::time;
use bellwether_server::{IdentityFiles, Metrics, ServeConfig, Server, Shutdown, StartError, bind};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::{Status, Streaming, transport::Channel};
use tonic_types::StatusExt as _;

pub type Client = HealthMonitorServiceClient<Channel>;

pub const TARGET: &str = "targets/shop@production";
/// Nothing that a test waits for takes longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A monitor in this process, on a clock that stands still until it is moved.
pub struct Monitor {
    pub client: Client,
    pub clock: ManualClock,
    process: Process,
}

/// A monitor in this process, on any clock.
pub struct Process {
    pub client: Client,
    address: SocketAddr,
    service: Service,
    shutdown: Shutdown,
    served: JoinHandle<Result<(), StartError>>,
}

/// What is on this machine may be called.
fn on_loopback() -> SourcesArgs {
    SourcesArgs { file: None, networks: vec!["127.0.0.0/8".parse().unwrap()] }
}

/// A journal and evidence in a directory that goes away with it.
pub fn place() -> TempDir {
    tempfile::tempdir().unwrap()
}

// === impl Monitor ===

impl Monitor {
    /// On a clock that stands still until it is moved.
    pub async fn start(dir: &Path) -> Self {
        Self::start_at(dir, Timestamp::UNIX_EPOCH + Duration::from_secs(1_800_000_000)).await
    }

    pub async fn start_at(dir: &Path, now: Timestamp) -> Self {
        Self::start_with(dir, now, &on_loopback()).await
    }

    pub async fn start_with(dir: &Path, now: Timestamp, sources: &SourcesArgs) -> Self {
        let clock = ManualClock::new(now);
        let process = Process::start_with(dir, Env::new(clock.clone()), sources).await;
        Self { client: process.client.clone(), clock, process }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.process.address
    }

    /// Another connection.
    pub async fn connect(&self) -> Client {
        connect(self.process.address).await
    }

    /// Stops it properly; the time at which it stopped.
    pub async fn stop(self) -> Timestamp {
        let now = self.now();
        drop(self.client);
        self.process.stop().await;
        now
    }

    pub fn now(&self) -> Timestamp {
        Env::new(self.clock.clone()).now()
    }

    /// Sends one batch on a stream of its own.
    pub async fn push(&mut self, batch: pb::SampleBatch) -> Result<u64, Status> {
        push(&mut self.client, vec![batch]).await
    }

    /// A second goes by, with so many requests and errors on either side.
    pub async fn second(&mut self, source: &mut Source, candidate: (u64, u64), baseline: (u64, u64)) {
        self.clock.advance(Duration::from_secs(1));
        source.candidate.count(candidate);
        source.baseline.count(baseline);
        let batch = source.batch(self.now());
        assert_eq!(self.push(batch).await.unwrap(), 1);
    }

    pub async fn start_analysis(&mut self, analysis: pb::Analysis) -> pb::Analysis {
        let request = pb::StartAnalysisRequest { request_id: String::new(), analysis: Some(analysis) };
        self.client.start_analysis(request).await.unwrap().into_inner().analysis.unwrap()
    }

    pub async fn get(&mut self, name: &str) -> pb::Analysis {
        let request = pb::GetAnalysisRequest { name: name.into() };
        self.client.get_analysis(request).await.unwrap().into_inner().analysis.unwrap()
    }

    pub async fn verdict(&mut self, name: &str) -> pb::Verdict {
        self.get(name).await.verdict.unwrap()
    }

    pub async fn enter(&mut self, name: &str, segment: pb::Segment) -> Result<pb::Analysis, Status> {
        let request = pb::UpdateAnalysisRequest {
            request_id: String::new(),
            name: name.into(),
            segment: Some(segment),
        };
        self.client.update_analysis(request).await.map(|answer| answer.into_inner().analysis.unwrap())
    }

    pub async fn verdicts(&mut self, analyses: &[&str], after_sequence: i64) -> Verdicts {
        let analyses = analyses.iter().map(|name| (*name).to_owned()).collect();
        let request = pb::StreamVerdictsRequest { analyses, after_sequence };
        Verdicts(self.client.stream_verdicts(request).await.unwrap().into_inner())
    }
}

// === impl Process ===

impl Process {
    pub async fn start(dir: &Path, env: Env) -> Self {
        Self::start_with(dir, env, &on_loopback()).await
    }

    pub async fn start_with(dir: &Path, env: Env, sources: &SourcesArgs) -> Self {
        let config = Config {
            journal: format!("sqlite:{}", dir.join("monitor.db").display()),
            standby: false,
            evidence: Some(dir.join("evidence.db")),
            sources: sources.clone(),
        };
        let metrics = Metrics::new();
        let service = build(config, env.clone(), &metrics).await.unwrap();
        let identity = IdentityFiles {
            tokens: Some(dir.join("tokens.toml")),
            service_token: Some(dir.join("service.token")),
        };
        let server = Server::new(env, ServeConfig { identity, ..ServeConfig::default() }, metrics);
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let served = spawn("served", service.register(server).serve(listener, shutdown.clone()));
        Self { client: connect(address).await, address, service, shutdown, served }
    }

    /// Stops it properly.
    pub async fn stop(self) {
        drop(self.client);
        self.shutdown.trigger();
        self.served.await.unwrap().unwrap();
        self.service.close().await;
    }
}

pub async fn connect(address: SocketAddr) -> Client {
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    Client::new(channel).max_encoding_message_size(64 * 1024 * 1024)
}

pub async fn push(client: &mut Client, batches: Vec<pb::SampleBatch>) -> Result<u64, Status> {
    let requests: Vec<_> =
        batches.into_iter().map(|batch| pb::PushSamplesRequest { batch: Some(batch) }).collect();
    let answer = client.push_samples(tokio_stream::iter(requests)).await?;
    Ok(answer.into_inner().accepted_batches)
}

/// An analysis of fleet `new` against `old`: no warm-up, so that latency counts at once.
pub fn analysis(id: &str, segment: pb::Segment) -> pb::Analysis {
    pb::Analysis {
        name: format!("analyses/{id}"),
        target: TARGET.into(),
        candidate_fleet: "new".into(),
        baseline_fleet: "old".into(),
        policy: Some(pb::HealthPolicy {
            warm_up: Some(time::to_duration(Duration::ZERO)),
            ..Default::default()
        }),
        one_sided_planned: true,
        segment: Some(segment),
        ..Default::default()
    }
}

/// The health policy of an application's production, in YAML.
pub fn policy_of(application: &str) -> pb::HealthPolicy {
    let application: Application = serde_saphyr::from_str(application).unwrap();
    application.environments["production"].health.clone().unwrap()
}

pub fn split(index: i32, percent: f64) -> pb::Segment {
    pb::Segment {
        index,
        kind: pb::SegmentKind::Split.into(),
        candidate_share_percent: percent,
        route_revision: i64::from(index),
        ..Default::default()
    }
}

pub fn full(index: i32) -> pb::Segment {
    pb::Segment { kind: pb::SegmentKind::Full.into(), ..split(index, 100.0) }
}

/// Both sides as one gateway counts them.
#[derive(Clone)]
pub struct Source {
    pub candidate: Side,
    pub baseline: Side,
    pub incarnation: String,
}

/// One instance's counters.
#[derive(Clone)]
pub struct Side(pub pb::Sample);

// === impl Source ===

impl Source {
    pub fn new(revision: i64) -> Self {
        Self {
            candidate: Side::new("new", revision),
            baseline: Side::new("old", revision),
            incarnation: "1".into(),
        }
    }

    pub fn batch(&self, now: Timestamp) -> pb::SampleBatch {
        pb::SampleBatch {
            source: "gateway/test".into(),
            incarnation: self.incarnation.clone(),
            time: Some(time::to_timestamp(now)),
            samples: vec![self.candidate.0.clone(), self.baseline.0.clone()],
            interval: None,
            readings: Vec::new(),
            sessions: Vec::new(),
        }
    }
}

// === impl Side ===

impl Side {
    fn new(fleet: &str, revision: i64) -> Self {
        Self(pb::Sample {
            target: TARGET.into(),
            fleet: fleet.into(),
            instance: format!("{fleet}-1"),
            route_revision: revision,
            latency: Some(pb::LatencyHistogram { scale: 3, zero_count: 0, offset: 30, counts: vec![0; 40] }),
            ..Default::default()
        })
    }

    /// Requests of around 20 ms.
    pub fn count(&mut self, (requests, errors): (u64, u64)) {
        self.0.requests += requests;
        self.0.errors += errors;
        let latency = self.0.latency.as_mut().unwrap();
        latency.counts[4] += requests;
    }
}

/// A stream of verdicts.
pub struct Verdicts(Streaming<pb::StreamVerdictsResponse>);

// === impl Verdicts ===

impl Verdicts {
    pub async fn next(&mut self) -> Result<Option<Message>, Status> {
        let next = tokio::time::timeout(PATIENCE, self.0.message()).await.expect("the stream is silent");
        Ok(next?.map(|response| response.message.unwrap()))
    }

    /// The next change; refreshes and signs of life are passed over.
    pub async fn change(&mut self) -> pb::Verdict {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                match self.next().await.unwrap().expect("the stream goes on") {
                    Message::Verdict(verdict) if verdict.sequence > 0 => return verdict,
                    Message::Verdict(_) | Message::Heartbeat(_) => {}
                }
            }
        });
        found.await.expect("the decision does not change")
    }
}

/// The reason of an error, and the fields that it names.
pub fn refusal(status: &Status) -> (String, Vec<String>) {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let fields = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    (reason, fields.into_iter().map(|field| field.field).collect())
}
