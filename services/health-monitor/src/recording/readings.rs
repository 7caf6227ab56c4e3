//! What was read beside requests, as it is recorded: the last value of each within a second. Counters stay cumulative, so that
//! seconds can be put together without loss.

use std::collections::BTreeMap;

use bellwether_judge::{Readings, Value};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;

/// Values of one second; of more, those that are new are not recorded.
const MOST: usize = 1_024;

/// Metric, fleet, instance, route revision.
pub type Key = (String, String, String, i64);

/// The readings of one second.
#[derive(Clone, Debug, Default)]
pub struct Noted(BTreeMap<Key, pb::RecordedReading>);

// === impl Noted ===

impl Noted {
    /// Notes what was read; what was noted of it before is replaced.
    pub fn note(&mut self, readings: &Readings) {
        for reading in &readings.readings {
            let (kind, value) = match reading.value {
                Value::Gauge(value) => (pb::MetricKind::Gauge, value),
                Value::Counter(value) => (pb::MetricKind::Counter, value),
            };
            self.put(pb::RecordedReading {
                metric: reading.metric.clone(),
                kind: kind.into(),
                fleet: reading.fleet.clone(),
                instance: reading.instance.clone(),
                route_revision: reading.revision,
                value,
                interval: Some(time::to_duration(readings.interval)),
            });
        }
    }

    fn put(&mut self, reading: pb::RecordedReading) {
        let key = key(&reading);
        if self.0.len() < MOST || self.0.contains_key(&key) {
            self.0.insert(key, reading);
        }
    }

    /// As the contract says it.
    pub fn recorded(&self) -> Vec<pb::RecordedReading> {
        self.0.values().cloned().collect()
    }
}

/// Whose value it is.
pub fn key(reading: &pb::RecordedReading) -> Key {
    let pb::RecordedReading { metric, fleet, instance, route_revision, .. } = reading;
    (metric.clone(), fleet.clone(), instance.clone(), *route_revision)
}

/// Two stretches put together: of each value the later one.
pub fn join(before: &mut Vec<pb::RecordedReading>, later: Vec<pb::RecordedReading>) {
    let mut noted =
        Noted(std::mem::take(before).into_iter().map(|reading| (key(&reading), reading)).collect());
    later.into_iter().for_each(|reading| noted.put(reading));
    *before = noted.0.into_values().collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(value: f64) -> pb::RecordedReading {
        pb::RecordedReading { metric: "orders".into(), fleet: "new".into(), value, ..Default::default() }
    }

    #[test]
    fn of_seconds_that_are_put_together_the_later_value_stays() {
        let other = pb::RecordedReading { fleet: "old".into(), ..orders(7.0) };
        let mut before = vec![orders(1.0), other.clone()];
        join(&mut before, vec![orders(3.0)]);
        assert_eq!(before, [orders(3.0), other]);
    }
}
