//! The gateway's counters: what users met, by instance and route, pushed to the monitor.

use std::{collections::BTreeMap, time::Duration};

use bellwether_clock::spawn;
use bellwether_platform::Router;
use bellwether_proto::monitor::v1::{
    LatencyHistogram, PushSamplesRequest, Sample, SampleBatch, TrafficKind,
    health_monitor_service_client::HealthMonitorServiceClient,
};
use bellwether_resource::time;
use bellwether_rollout::FleetId;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    net::as_service,
    people::{TARGETS, Temper},
    world::World,
};

const EVERY: Duration = Duration::from_millis(500);
const PROMISED: Duration = Duration::from_secs(1);
/// Requests for each target in one period.
const REQUESTS: f64 = 200.0;
/// Every so many requests to a bad version fail.
const BAD: u64 = 3;

/// Counters since the host started: it begins anew with another incarnation, as a gateway does.
struct Counters {
    world: World,
    incarnation: String,
    counted: BTreeMap<(String, FleetId, String, u64), (u64, u64)>,
}

/// Pushes, for as long as the host lives.
pub(crate) async fn push(world: World) {
    let Ok(transport) = as_service(&world, World::MONITOR, "agent") else { return };
    let incarnation = world.env(World::PLATFORM).uuid().to_string();
    let mut counters = Counters { world, incarnation, counted: BTreeMap::new() };
    loop {
        let (sender, receiver) = mpsc::channel(2);
        let mut client = HealthMonitorServiceClient::new(transport.clone());
        let pushed = spawn("push", async move { client.push_samples(ReceiverStream::new(receiver)).await });
        let mut every = tokio::time::interval(EVERY);
        while !pushed.is_finished() {
            every.tick().await;
            let batch = Some(counters.batch().await);
            // where the monitor is behind, the next batch holds what this one would have
            let _ = sender.try_send(PushSamplesRequest { batch });
        }
    }
}

// === impl Counters ===

impl Counters {
    async fn batch(&mut self) -> SampleBatch {
        for target in TARGETS {
            self.count(target).await;
        }
        let samples = self.counted.iter().map(|((target, fleet, instance, revision), (requests, errors))| {
            let latency = LatencyHistogram { scale: 3, offset: 30, counts: vec![*requests], zero_count: 0 };
            Sample {
                target: target.clone(),
                fleet: fleet.to_string(),
                instance: instance.clone(),
                route_revision: i64::try_from(*revision).unwrap_or(i64::MAX),
                traffic: TrafficKind::Live.into(),
                requests: *requests,
                errors: *errors,
                latency: Some(latency),
                ..Default::default()
            }
        });
        SampleBatch {
            source: "gateway/simulated".to_owned(),
            incarnation: self.incarnation.clone(),
            time: Some(time::to_timestamp(self.world.env(World::PLATFORM).now())),
            samples: samples.collect(),
            interval: Some(time::to_duration(PROMISED)),
            readings: Vec::new(),
            sessions: Vec::new(),
        }
    }

    /// What the users of a target met in one period.
    async fn count(&mut self, target: &str) {
        let control = self.world.platform().control();
        let Ok(route) = Router::observe(self.world.platform(), target).await else { return };
        let (split, revision) = (control.split(target), route.route_revision.unwrap_or_default());
        self.counted
            .retain(|(of, fleet, _, _), _| of != target || !control.instances(target, *fleet).is_empty());
        for (fleet, share) in &split.shares {
            let instances = control.instances(target, *fleet);
            let bad = self.world.versions().get(fleet).is_some_and(|it| Temper::of(it) == Temper::Bad);
            for instance in &instances {
                let requests = (REQUESTS * share.as_f64() / 100.0 / instances.len() as f64).round() as u64;
                let errors = if bad { requests / BAD } else { 0 };
                let key = (target.to_owned(), *fleet, instance.to_string(), revision);
                let counted = self.counted.entry(key).or_default();
                (counted.0, counted.1) = (counted.0 + requests, counted.1 + errors);
            }
        }
    }
}
