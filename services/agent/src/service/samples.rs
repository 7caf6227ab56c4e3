//! The gateway's counters as the health-monitor takes them.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1 as proto;
use bellwether_resource::time;

use crate::gateway::{Buckets, JourneySample, Sample, Traffic};

/// Two to the third buckets for each doubling.
const SCALE: i32 = 3;

/// Counters of one gateway at one time.
pub fn batch(
    source: &str,
    incarnation: String,
    samples: Vec<Sample>,
    sessions: Vec<proto::SessionSketch>,
    now: Timestamp,
    every: Duration,
) -> proto::SampleBatch {
    proto::SampleBatch {
        source: source.to_owned(),
        incarnation,
        time: Some(time::to_timestamp(now)),
        interval: Some(time::to_duration(every)),
        samples: samples.into_iter().map(sample).collect(),
        readings: Vec::new(),
        sessions,
    }
}

fn sample(sample: Sample) -> proto::Sample {
    let status = |(status, count): (u16, u64)| proto::StatusCount { status: status.into(), count };
    proto::Sample {
        target: sample.key.target,
        fleet: sample.key.fleet,
        instance: sample.key.instance,
        route_revision: i64::try_from(sample.key.revision).unwrap_or(i64::MAX),
        traffic: traffic(sample.key.traffic).into(),
        requests: sample.requests,
        errors: sample.errors,
        connect_failures: sample.connect_failures,
        client_aborts: sample.client_aborts,
        cut_by_drain: sample.cut_by_drain,
        statuses: sample.statuses.into_iter().map(status).collect(),
        latency: Some(latency(sample.latency)),
        journeys: sample.journeys.into_iter().filter(|journey| journey.requests > 0).map(journey).collect(),
    }
}

fn traffic(traffic: Traffic) -> proto::TrafficKind {
    match traffic {
        Traffic::Live => proto::TrafficKind::Live,
        Traffic::Mirrored => proto::TrafficKind::Mirrored,
        Traffic::Preview => proto::TrafficKind::Preview,
        Traffic::Matched => proto::TrafficKind::Matched,
    }
}

fn latency(buckets: Buckets) -> proto::LatencyHistogram {
    proto::LatencyHistogram { scale: SCALE, zero_count: 0, offset: buckets.first, counts: buckets.counts }
}

fn journey(journey: JourneySample) -> proto::JourneyCount {
    proto::JourneyCount { journey: journey.name, requests: journey.requests, errors: journey.errors }
}
