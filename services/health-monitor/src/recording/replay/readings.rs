//! The readings of a recording, told to the judge once more.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_judge::{Reading, Readings, Value};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;

/// What the judge is told of a second; None: nothing was read in it.
pub fn told(recorded: Vec<pb::RecordedReading>, now: Timestamp) -> Option<Readings> {
    let span = |reading: &pb::RecordedReading| reading.interval.as_ref().and_then(time::span);
    let interval = recorded.iter().filter_map(span).max()?;
    Some(Readings {
        source: "recording".to_owned(),
        incarnation: "1".to_owned(),
        time: now,
        interval: interval.max(Duration::from_secs(1)),
        readings: recorded.into_iter().map(reading).collect(),
    })
}

fn reading(recorded: pb::RecordedReading) -> Reading {
    let value = match recorded.kind() {
        pb::MetricKind::Counter => Value::Counter(recorded.value),
        pb::MetricKind::Unspecified | pb::MetricKind::Gauge => Value::Gauge(recorded.value),
    };
    Reading {
        metric: recorded.metric,
        fleet: recorded.fleet,
        instance: recorded.instance,
        revision: recorded.route_revision,
        value,
    }
}
