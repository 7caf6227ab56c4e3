//! Sessions on their way from requests to what a rollout did to users, and the version that answered: the real gateway,
//! the real health-monitor.

use std::{net::SocketAddr, ops::Range, path::Path};

use bellwether_clock::{Env, spawn};
use bellwether_health_monitor::{Config, Service, SourcesArgs, build};
use bellwether_proto::{
    executor::v1::{FleetSpec, Ingress},
    monitor::v1::{
        Analysis, Check, GetAnalysisRequest, GetImpactRequest, GetImpactResponse, HealthPolicy, LatencyCheck,
        Segment, SegmentKind, StartAnalysisRequest, analysis::State, check::Kind,
        health_monitor_service_client::HealthMonitorServiceClient,
    },
};
use bellwether_server::{IdentityFiles, Metrics, ServeConfig, Server, Shutdown, StartError, bind};
use futures::{StreamExt, stream};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use rustix::process::Signal;
use tokio::{net::TcpStream, task::JoinHandle};
use tonic::transport::Channel;

use crate::kit::{Agent, Client, TARGET, free_address, until};

const NAME: &str = "analyses/reached";
/// Visits under way at once.
const AT_ONCE: usize = 4;
/// Requests of nobody after each that fails: where most of the last 20 fail the analysis ends, and counts no more.
const WELL: usize = 4;

/// A health-monitor in this process.
struct Monitor {
    client: HealthMonitorServiceClient<Channel>,
    service: Service,
    shutdown: Shutdown,
    served: JoinHandle<Result<(), StartError>>,
}

// === impl Monitor ===

impl Monitor {
    /// That knows the services whose token is in `identity`.
    async fn start(dir: &Path, identity: &Path, address: SocketAddr) -> Self {
        let config = Config {
            journal: format!("sqlite:{}", dir.join("monitor.db").display()),
            standby: false,
            evidence: Some(dir.join("evidence.db")),
            sources: SourcesArgs::default(),
        };
        let (env, metrics) = (Env::system(), Metrics::new());
        let service = build(config, env.clone(), &metrics).await.unwrap();
        let identity = IdentityFiles {
            tokens: Some(dir.join("tokens.toml")),
            service_token: Some(identity.join("service.token")),
        };
        let server = Server::new(env, ServeConfig { identity, ..ServeConfig::default() }, metrics);
        let listener = bind(address).await.unwrap();
        let shutdown = Shutdown::new();
        let served = spawn("served", service.register(server).serve(listener, shutdown.clone()));
        let client = HealthMonitorServiceClient::connect(format!("http://{address}")).await.unwrap();
        Self { client, service, shutdown, served }
    }

    async fn stop(self) {
        drop(self.client);
        self.shutdown.trigger();
        self.served.await.unwrap().unwrap();
        self.service.close().await;
    }

    /// One of all traffic on the fleet `new`, by a check that errors do not fail.
    async fn start_analysis(&mut self) {
        let kind = Some(Kind::Latency(LatencyCheck::default()));
        let latency = Check { id: "latency".into(), kind, ..Default::default() };
        let segment = Segment {
            index: 1,
            kind: SegmentKind::Full.into(),
            candidate_share_percent: 100.0,
            route_revision: 1,
            ..Default::default()
        };
        let analysis = Analysis {
            name: NAME.into(),
            target: TARGET.into(),
            candidate_fleet: "new".into(),
            policy: Some(HealthPolicy { checks: vec![latency], ..Default::default() }),
            one_sided_planned: true,
            segment: Some(segment),
            ..Default::default()
        };
        let request = StartAnalysisRequest { request_id: String::new(), analysis: Some(analysis) };
        self.client.start_analysis(request).await.unwrap();
    }

    async fn impact(&self) -> GetImpactResponse {
        let request = GetImpactRequest { name: NAME.into() };
        self.client.clone().get_impact(request).await.unwrap().into_inner()
    }

    /// Affected sessions, and all.
    async fn sessions(&self) -> (u64, u64) {
        let impact = self.impact().await;
        let count = |it: Option<bellwether_proto::monitor::v1::SessionCount>| {
            it.map_or(0, |it| {
                assert!((it.relative_standard_error - 0.01625).abs() < 1e-9);
                it.estimate
            })
        };
        (count(impact.affected_sessions), count(impact.sessions))
    }

    /// Waits until about so many were affected, of about so many; returns how many exactly it says.
    async fn until_about(&self, affected: u64, all: u64) -> (u64, u64) {
        let near = |estimate: u64, exact: u64| (estimate as f64 / exact as f64 - 1.0).abs() < 4.0 * 0.01625;
        let what = format!("{affected} affected of {all}");
        until(&what, || async {
            let (failed, seen) = self.sessions().await;
            near(failed, affected) && near(seen, all)
        })
        .await;
        self.sessions().await
    }

    /// Whether the analysis goes on; one that has ended counts no more.
    async fn is_active(&self) -> bool {
        let request = GetAnalysisRequest { name: NAME.into() };
        let answer = self.client.clone().get_analysis(request).await.unwrap().into_inner();
        answer.analysis.unwrap().state() == State::Active
    }
}

/// One request of each of these sessions, which all go well.
async fn visit_well(address: SocketAddr, sessions: Range<usize>) -> HeaderMap {
    visit(address, sessions, "/", StatusCode::OK, 0).await
}

/// One request of each of these sessions, which all fail.
async fn visit_failing(address: SocketAddr, sessions: Range<usize>) -> HeaderMap {
    visit(address, sessions, "/status/500", StatusCode::INTERNAL_SERVER_ERROR, WELL).await
}

/// One request of each of these sessions, and so many of nobody after each; the headers of the last session's answer.
async fn visit(
    address: SocketAddr,
    sessions: Range<usize>,
    path: &str,
    expected: StatusCode,
    well: usize,
) -> HeaderMap {
    let client = Client::new(address);
    let one = |session: usize| {
        let request = client.request(path).header("cookie", format!("theme=dark; sid=user-{session}"));
        let request = request.body(Full::default()).unwrap();
        let client = &client;
        async move {
            let response = client.send(request).await;
            assert_eq!(response.status(), expected);
            let headers = response.headers().clone();
            response.into_body().collect().await.unwrap();
            for _ in 0..well {
                assert_eq!(client.get("/").await.0, StatusCode::OK);
            }
            headers
        }
    };
    stream::iter(sessions).map(one).buffered(AT_ONCE).collect::<Vec<_>>().await.pop().unwrap()
}

/// The pid of the newest gateway; none between two of them.
fn listed(agent: &Agent) -> Option<i32> {
    let list = std::fs::read(agent.directory.path().join("agent/gateway/gateways.json")).ok()?;
    let list: serde_json::Value = serde_json::from_slice(&list).ok()?;
    i32::try_from(list.as_array()?.last()?["process"]["pid"].as_i64()?).ok()
}

async fn agent(monitor: SocketAddr) -> Agent {
    let mut agent = Agent::with(&["--monitor", &format!("http://{monitor}")]).await;
    agent.desired.ingress = vec![Ingress {
        listen: agent.ingress.to_string(),
        session_cookie: "sid".into(),
        version_header: "X-Bellwether-Version".into(),
        ..Ingress::default()
    }];
    agent.fleet("new", 1).spec.get_or_insert_with(FleetSpec::default).version = "2.0.1".into();
    agent.split(&[("new", 100.0)]);
    agent.converge().await;
    agent.until_ready("new", 1).await;
    agent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_requests_become_affected_sessions_once_each_through_restarts() {
    let (directory, address) = (tempfile::tempdir().unwrap(), free_address());
    let agent = agent(address).await;
    let identity = agent.directory.path();
    let mut monitor = Monitor::start(directory.path(), identity, address).await;
    monitor.start_analysis().await;
    let well = visit_well(agent.ingress, 0..400).await;
    assert_eq!(well["x-bellwether-version"], "2.0.1");
    let failed = visit_failing(agent.ingress, 100..220).await;
    assert_eq!(failed["x-bellwether-version"], "2.0.1", "a failed answer has a version too");
    // of nobody
    Client::new(agent.ingress).get("/status/500").await;
    monitor.until_about(120, 400).await;
    // the same sessions fail again, which is not more: the newcomers show that it has arrived
    visit_failing(agent.ingress, 100..220).await;
    visit_well(agent.ingress, 400..500).await;
    monitor.until_about(120, 500).await;
    // the monitor is away for a while
    monitor.stop().await;
    visit_failing(agent.ingress, 480..500).await;
    let monitor = Monitor::start(directory.path(), identity, address).await;
    let third = monitor.until_about(140, 500).await;
    // another gateway knows a session again
    let gateway = agent.gateway();
    crate::kit::send(u32::try_from(gateway).unwrap(), Signal::KILL);
    until("another gateway", || async {
        listed(&agent).is_some_and(|pid| pid != gateway) && TcpStream::connect(agent.ingress).await.is_ok()
    })
    .await;
    agent.until_ready("new", 1).await;
    visit_well(agent.ingress, 0..500).await;
    visit_failing(agent.ingress, 100..220).await;
    visit_failing(agent.ingress, 500..600).await;
    let last = monitor.until_about(240, 600).await;
    assert!(last.0 > third.0 && last.1 > third.1, "{last:?}");
    assert!(monitor.is_active().await);
    monitor.stop().await;
}

#[tokio::test]
async fn the_value_of_a_session_stays_in_the_gateway() {
    let (directory, address) = (tempfile::tempdir().unwrap(), free_address());
    let agent = agent(address).await;
    let identity = agent.directory.path();
    let mut monitor = Monitor::start(directory.path(), identity, address).await;
    monitor.start_analysis().await;
    visit_failing(agent.ingress, 0..50).await;
    monitor.until_about(50, 50).await;
    monitor.stop().await;
    let holds = |path: &Path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(6).any(|window| window == b"user-4")
    };
    let mut pending = vec![directory.path().to_owned(), agent.directory.path().to_owned()];
    let mut files = 0;
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() {
            files += 1;
            assert!(!holds(&path), "{} holds the value of a session", path.display());
        }
    }
    assert!(files > 5, "{files}");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_whole() {
    let mut agent = Agent::start().await;
    let listen = agent.ingress.to_string();
    agent.desired.ingress = vec![Ingress {
        listen: listen.clone(),
        session_cookie: "s id".into(),
        session_header: "x-client".into(),
        version_header: "content-length".into(),
        ..Ingress::default()
    }];
    agent.desired.preview = Some(Ingress {
        header: "x-preview: 1".into(),
        version_header: "x-version".into(),
        ..Ingress::default()
    });
    agent.generation += 1;
    let request = bellwether_proto::agent::v1::ConvergeRequest {
        fence: Some(agent.fence()),
        desired: Some(agent.desired.clone()),
    };
    let refused = agent.client.converge(request).await.unwrap_err();
    for field in [
        "desired.ingress[0].session_cookie",
        "desired.ingress[0].session_header",
        "desired.ingress[0].version_header",
        "desired.preview.version_header",
    ] {
        let details = String::from_utf8_lossy(refused.details()).into_owned();
        assert!(details.contains(field), "{field}: {details}");
    }
}
