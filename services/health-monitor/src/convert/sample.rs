//! Samples and events, checked at the edge.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Batch, Histogram, Reading, Readings, Sample, Traffic, Value, histogram::bucket_of_index,
};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::{Violations, name, time};
use bellwether_sketch::{BadEntry, REGISTERS, Sketch};

const MOST_SAMPLES: usize = 10_000;
const MOST_SESSIONS: usize = 1_000;
const MOST_STATUSES: usize = 500;
const MOST_JOURNEYS: usize = 32;
const MOST_BUCKETS: usize = 1_024;
const OLDEST: Duration = Duration::from_secs(3600);
const NEWEST: Duration = Duration::from_secs(60);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);
const LONGEST_INTERVAL: Duration = Duration::from_secs(300);
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
/// So that no sum of counters overflows.
const MOST_COUNTED: u64 = 1 << 53;

/// What was pushed of one target.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The samples.
    pub batch: Batch,
    /// What was read beside requests.
    pub readings: Readings,
    /// The sessions that had requests.
    pub sessions: Vec<pb::SessionSketch>,
}

/// What was pushed of each target, with violations noted. Of use only when there are none.
pub fn batches(
    violations: &mut Violations,
    given: &pb::SampleBatch,
    now: Timestamp,
) -> BTreeMap<String, Delivery> {
    violations.text("source", &given.source, 1..=128);
    violations.text("incarnation", &given.incarnation, 1..=64);
    let interval =
        violations.duration("interval", given.interval.as_ref(), SHORTEST_INTERVAL..=LONGEST_INTERVAL);
    let until = until(violations, given.time.as_ref(), now);
    violations.check(
        given.samples.len() <= MOST_SAMPLES,
        "samples",
        given.samples.len(),
        "at most 10000 samples",
    );
    let interval = interval.unwrap_or(DEFAULT_INTERVAL);
    let (source, incarnation) = (&given.source, &given.incarnation);
    let empty = || Delivery {
        batch: Batch {
            source: source.clone(),
            incarnation: incarnation.clone(),
            time: until,
            interval,
            samples: Vec::new(),
        },
        readings: Readings {
            source: source.clone(),
            incarnation: incarnation.clone(),
            time: until,
            interval,
            readings: Vec::new(),
        },
        sessions: Vec::new(),
    };
    let mut batches = BTreeMap::new();
    for (index, sample) in given.samples.iter().take(MOST_SAMPLES).enumerate() {
        let read = violations.element("samples", index, |violations| read_sample(violations, sample));
        batches.entry(sample.target.clone()).or_insert_with(empty).batch.samples.push(read);
    }
    let count = given.readings.len();
    violations.check(count <= MOST_SAMPLES, "readings", count, "at most 10000 readings");
    for (index, reading) in given.readings.iter().take(MOST_SAMPLES).enumerate() {
        let read = violations.element("readings", index, |violations| read_reading(violations, reading));
        if let Some(read) = read {
            batches.entry(reading.target.clone()).or_insert_with(empty).readings.readings.push(read);
        }
    }
    let count = given.sessions.len();
    violations.check(count <= MOST_SESSIONS, "sessions", count, "at most 1000 sketches");
    for (index, sketch) in given.sessions.iter().take(MOST_SESSIONS).enumerate() {
        violations.element("sessions", index, |violations| check_sessions(violations, sketch));
        batches.entry(sketch.target.clone()).or_insert_with(empty).sessions.push(sketch.clone());
    }
    batches
}

fn check_sessions(violations: &mut Violations, given: &pb::SessionSketch) {
    violations.name("target", &given.target, name::TARGET);
    violations.text("fleet", &given.fleet, 1..=128);
    violations.range("route_revision", given.route_revision, 0..=i64::MAX);
    for (field, registers) in [("seen", &given.seen), ("failed", &given.failed)] {
        let count = registers.len();
        violations.check(count <= REGISTERS, field, count, "at most 4096 registers");
        let bad = registers.iter().find_map(|entry| Sketch::check(*entry).err());
        let given = bad.map_or(0, |BadEntry(entry)| entry);
        violations.check(bad.is_none(), field, given, "an index (0-4095) x 64 + a rank (1-53)");
    }
}

fn read_reading(violations: &mut Violations, given: &pb::MetricReading) -> Option<Reading> {
    violations.name("target", &given.target, name::TARGET);
    violations.text("fleet", &given.fleet, 1..=128);
    violations.text("instance", &given.instance, 0..=128);
    violations.range("route_revision", given.route_revision, 0..=i64::MAX);
    violations.id("metric", &given.metric);
    let value = match violations.required("value", given.value)? {
        pb::metric_reading::Value::Gauge(value) => {
            violations.check(value.is_finite(), "gauge", value, "a number");
            Value::Gauge(value)
        }
        pb::metric_reading::Value::Counter(value) => {
            violations.range("counter", value, 0.0..=MOST_COUNTED as f64);
            Value::Counter(value)
        }
    };
    Some(Reading {
        metric: given.metric.clone(),
        fleet: given.fleet.clone(),
        instance: given.instance.clone(),
        revision: given.route_revision,
        value,
    })
}

fn until(
    violations: &mut Violations,
    given: Option<&bellwether_proto::Timestamp>,
    now: Timestamp,
) -> Timestamp {
    let Some(given) = violations.required("time", given) else { return now };
    let Some(until) = violations.timestamp("time", Some(given)) else { return now };
    let age = now.duration_since(until);
    let within = if age.is_negative() { age.unsigned_abs() <= NEWEST } else { age.unsigned_abs() <= OLDEST };
    violations.check(within, "time", until, format!("at most 1 h before and 1 min after {now}"));
    until
}

fn read_sample(violations: &mut Violations, given: &pb::Sample) -> Sample {
    violations.name("target", &given.target, name::TARGET);
    violations.text("fleet", &given.fleet, 1..=128);
    violations.text("instance", &given.instance, 1..=128);
    violations.range("route_revision", given.route_revision, 0..=i64::MAX);
    let traffic = violations.enumeration::<pb::TrafficKind>("traffic", given.traffic).unwrap_or_default();
    violations.range("requests", given.requests, 0..=MOST_COUNTED);
    violations.range("errors", given.errors, 0..=given.requests);
    violations.range("connect_failures", given.connect_failures, 0..=given.errors);
    violations.range("client_aborts", given.client_aborts, 0..=given.requests);
    violations.range("cut_by_drain", given.cut_by_drain, 0..=given.requests);
    Sample {
        fleet: given.fleet.clone(),
        instance: given.instance.clone(),
        revision: given.route_revision,
        traffic: traffic_of(traffic),
        requests: given.requests,
        errors: given.errors,
        connect_failures: given.connect_failures,
        statuses: statuses(violations, &given.statuses),
        journeys: journeys(violations, &given.journeys),
        latency: violations.within("latency", |violations| histogram(violations, given.latency.as_ref())),
    }
}

fn traffic_of(kind: pb::TrafficKind) -> Traffic {
    match kind {
        pb::TrafficKind::Unspecified | pb::TrafficKind::Live => Traffic::Live,
        pb::TrafficKind::Mirrored => Traffic::Mirrored,
        pb::TrafficKind::Preview => Traffic::Preview,
        pb::TrafficKind::Matched => Traffic::Matched,
    }
}

fn statuses(violations: &mut Violations, given: &[pb::StatusCount]) -> Vec<(u16, u64)> {
    violations.check(given.len() <= MOST_STATUSES, "statuses", given.len(), "at most 500 statuses");
    let mut read = |(index, count): (usize, &pb::StatusCount)| {
        violations.element("statuses", index, |violations| {
            violations.range("status", count.status, 100..=599);
            violations.range("count", count.count, 0..=MOST_COUNTED);
        });
        (u16::try_from(count.status).unwrap_or_default(), count.count)
    };
    given.iter().take(MOST_STATUSES).enumerate().map(&mut read).collect()
}

fn journeys(violations: &mut Violations, given: &[pb::JourneyCount]) -> Vec<(String, u64, u64)> {
    violations.check(given.len() <= MOST_JOURNEYS, "journeys", given.len(), "at most 32 journeys");
    let mut read = |(index, count): (usize, &pb::JourneyCount)| {
        violations.element("journeys", index, |violations| {
            violations.id("journey", &count.journey);
            violations.range("requests", count.requests, 0..=MOST_COUNTED);
            violations.range("errors", count.errors, 0..=count.requests);
        });
        (count.journey.clone(), count.requests, count.errors)
    };
    given.iter().take(MOST_JOURNEYS).enumerate().map(&mut read).collect()
}

/// Folded to the judge's grid.
fn histogram(violations: &mut Violations, given: Option<&pb::LatencyHistogram>) -> Histogram {
    let mut histogram = Histogram::default();
    let Some(given) = given else { return histogram };
    if !violations.range("scale", given.scale, 3..=20) {
        return histogram;
    }
    if !violations.check(
        given.counts.len() <= MOST_BUCKETS,
        "counts",
        given.counts.len(),
        "at most 1024 buckets",
    ) {
        return histogram;
    }
    let counted = given.counts.iter().fold(given.zero_count, |sum, count| sum.saturating_add(*count));
    violations.range("counts", counted, 0..=MOST_COUNTED);
    histogram.add(0, given.zero_count.min(MOST_COUNTED));
    for (index, count) in (i64::from(given.offset)..).zip(&given.counts) {
        if let Some(bucket) = bucket_of_index(given.scale, index) {
            histogram.add(bucket, (*count).min(MOST_COUNTED));
        }
    }
    histogram
}

/// An event that was told, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The client's id of it.
    pub id: String,
    /// The target.
    pub target: Arc<str>,
    /// The fleet that it concerns.
    pub fleet: String,
    /// FAIL at once, when the fleet is a candidate.
    pub critical: bool,
    /// The whole.
    pub event: pb::HealthEvent,
}

/// An event, with violations noted. Of use only when there are none.
pub fn event(violations: &mut Violations, given: &pb::HealthEvent, now: Timestamp) -> Told {
    use pb::health_event::{Kind, Severity};
    violations.text("id", &given.id, 1..=128);
    violations.name("target", &given.target, name::TARGET);
    violations.text("fleet", &given.fleet, 1..=128);
    violations.text("message", &given.message, 0..=1_000);
    violations.timestamp("time", given.time.as_ref());
    let kind = violations.enumeration::<Kind>("kind", given.kind).unwrap_or_default();
    violations.check(kind != Kind::Unspecified, "kind", "nothing", "SECURITY, CORRUPTION or BUSINESS");
    let severity = violations.enumeration::<Severity>("severity", given.severity).unwrap_or_default();
    violations.check(severity != Severity::Unspecified, "severity", "nothing", "INFO, WARNING or CRITICAL");
    let time = given.time.or_else(|| Some(time::to_timestamp(now)));
    Told {
        id: given.id.clone(),
        target: given.target.as_str().into(),
        fleet: given.fleet.clone(),
        critical: severity == Severity::Critical && matches!(kind, Kind::Security | Kind::Corruption),
        event: pb::HealthEvent { time, ..given.clone() },
    }
}
