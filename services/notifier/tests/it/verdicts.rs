//! Verdicts of a real health-monitor.

use std::{net::SocketAddr, path::Path};

use bellwether_client::Transport;
use bellwether_clock::{Env, spawn};
use bellwether_proto::monitor::v1::{
    Analysis, HealthEvent, PushEventsRequest, Segment, StartAnalysisRequest,
    health_event::{Kind, Severity},
    health_monitor_service_client::HealthMonitorServiceClient,
};
use bellwether_server::{Metrics, ServeConfig, Server, Shutdown, bind};
use tokio::task::JoinHandle;

use crate::{process::Process, receiver::Receiver};

struct Monitor {
    url: String,
    client: HealthMonitorServiceClient<Transport>,
    service: bellwether_health_monitor::Service,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

impl Monitor {
    async fn start(dir: &Path) -> Self {
        let journal = format!("sqlite:{}", dir.join("monitor.db").display());
        let sources = bellwether_health_monitor::SourcesArgs::default();
        let config = bellwether_health_monitor::Config { journal, standby: false, evidence: None, sources };
        let (env, metrics, shutdown) = (Env::system(), Metrics::new(), Shutdown::new());
        let service = bellwether_health_monitor::build(config, env.clone(), &metrics).await.unwrap();
        let server = service.register(Server::new(env, ServeConfig::default(), metrics));
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = shutdown.clone();
        let serving = spawn("monitor", async move { server.serve(listener, stop).await.unwrap() });
        let transport = Transport::builder(url.as_str()).build().unwrap();
        Self { url, client: HealthMonitorServiceClient::new(transport), service, shutdown, serving }
    }

    /// A candidate that is found to be insecure: FAIL at once.
    async fn fails(&mut self, id: &str) {
        let analysis = Analysis {
            name: format!("analyses/{id}"),
            target: "targets/shop@production".into(),
            candidate_fleet: id.into(),
            segment: Some(Segment { index: 1, ..Default::default() }),
            ..Default::default()
        };
        let request = StartAnalysisRequest { analysis: Some(analysis), ..Default::default() };
        self.client.start_analysis(request).await.unwrap();
        let mut event = HealthEvent {
            id: format!("event-{id}"),
            target: "targets/shop@production".into(),
            fleet: id.into(),
            message: "reads what it must not".into(),
            ..Default::default()
        };
        event.set_kind(Kind::Security);
        event.set_severity(Severity::Critical);
        self.client.push_events(PushEventsRequest { events: vec![event] }).await.unwrap();
    }

    async fn stop(self) {
        self.shutdown.trigger();
        self.serving.await.unwrap();
        self.service.close().await;
    }
}

#[tokio::test]
async fn x04_a_verdict_is_told_once_through_restarts_and_old_ones_never() {
    let (dir, receiver) = (tempfile::tempdir().unwrap(), Receiver::start([]).await);
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.fails("a0").await;
    let url = monitor.url.clone();
    let mut process = Process::start(dir.path(), &["--monitor", &url]).await;
    process.route_to(&receiver.url()).await;
    monitor.fails("b1").await;
    receiver.wait(1).await;
    process.stop().await;
    monitor.fails("c2").await;
    let process = Process::start(dir.path(), &["--monitor", &url]).await;
    let seen = receiver.wait(2).await;
    monitor.fails("d3").await;
    receiver.wait(3).await;
    let subjects: Vec<_> = receiver.seen().iter().map(|seen| seen.json()["subject"].clone()).collect();
    assert_eq!(subjects, ["rollouts/b1", "rollouts/c2", "rollouts/d3"]);
    let event = seen[0].json();
    assert_eq!(event["type"], "dev.bellwether.verdict_fail");
    assert_eq!(event["data"]["labels"]["application"], "shop");
    process.stop().await;
    monitor.stop().await;
}
