//! Probes as a user gives them, and what is asked about them.

use std::{net::SocketAddr, time::Duration};

use bellwether_proto::monitor::v1::{
    self as pb, MetricCategory, probe::Kind, watch_health_response::Message,
};
use bellwether_resource::time;
use tonic::{Status, Streaming};

use crate::harness::{Client, PATIENCE, TARGET};

/// A probe of the shop in production, tried every second; the first failure counts.
pub fn probe(id: &str, kind: Kind) -> pb::Probe {
    pb::Probe {
        name: id.into(),
        application: "shop".into(),
        environment: "production".into(),
        interval: Some(time::to_duration(Duration::from_secs(1))),
        timeout: Some(time::to_duration(Duration::from_millis(500))),
        failures: 1,
        kind: Some(kind),
        ..Default::default()
    }
}

pub fn journey(id: &str, url: &str, steps: Vec<pb::HttpStep>) -> pb::Probe {
    probe(id, Kind::Http(pb::HttpJourney { url: url.into(), steps }))
}

/// A journey of one step.
pub fn visit(id: &str, url: &str, path: &str, expect: pb::HttpExpectation) -> pb::Probe {
    journey(id, url, vec![pb::HttpStep { expect: Some(expect), ..step("look", path) }])
}

pub fn step(id: &str, path: &str) -> pb::HttpStep {
    pb::HttpStep { id: id.into(), path: path.into(), ..Default::default() }
}

pub fn tcp(id: &str, address: SocketAddr) -> pb::Probe {
    probe(id, Kind::Tcp(pb::TcpProbe { address: address.to_string() }))
}

pub fn grpc(id: &str, address: SocketAddr, service: &str) -> pb::Probe {
    let grpc = pb::GrpcProbe { address: address.to_string(), service: service.into(), tls: false };
    probe(id, Kind::Grpc(grpc))
}

pub async fn apply(client: &mut Client, probe: pb::Probe) -> Result<pb::Probe, Status> {
    let request = pb::ApplyProbeRequest { probe: Some(probe), ..Default::default() };
    Ok(client.apply_probe(request).await?.into_inner().probe.unwrap())
}

pub async fn list(client: &mut Client) -> Vec<pb::Probe> {
    client.list_probes(pb::ListProbesRequest::default()).await.unwrap().into_inner().probes
}

/// How a probe does.
pub async fn status_of(client: &mut Client, id: &str) -> pb::ProbeStatus {
    let all = list(client).await;
    let found = all.into_iter().find(|probe| probe.name == format!("probes/{id}"));
    found.and_then(|probe| probe.status).unwrap_or_default()
}

/// The last run of each probe, once each was tried.
pub async fn tried(client: &mut Client) -> Vec<(String, pb::ProbeRun)> {
    let mut health = Health::watch(client).await;
    let tried = |journeys: &pb::HealthCategory| journeys.reasons.iter().all(|it| it.code != "PROBE_PENDING");
    health.until(tried).await;
    let all = list(client).await.into_iter();
    all.map(|probe| (probe.name.clone(), probe.status.unwrap().last.unwrap())).collect()
}

/// What is told of journeys, as it changes.
pub struct Health(Streaming<pb::WatchHealthResponse>);

// === impl Health ===

impl Health {
    pub async fn watch(client: &mut Client) -> Self {
        let request = pb::WatchHealthRequest { target: TARGET.into() };
        Self(client.watch_health(request).await.unwrap().into_inner())
    }

    /// The journeys, once they are as wanted, and with them the whole.
    pub async fn until(
        &mut self,
        wanted: impl Fn(&pb::HealthCategory) -> bool,
    ) -> (pb::HealthCategory, pb::Health) {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let message = self.0.message().await.unwrap().unwrap().message.unwrap();
                let Message::Health(health) = message else { continue };
                let journeys =
                    health.categories.iter().find(|it| it.category() == MetricCategory::Journeys).cloned();
                if let Some(journeys) = journeys.filter(|journeys| wanted(journeys)) {
                    return (journeys, health);
                }
            }
        });
        found.await.expect("the journeys are not as wanted")
    }
}
