//! Metrics of an application's own: what a policy names of an export, as readings.

use std::collections::BTreeMap;

use bellwether_clock::Timestamp;
use bellwether_judge::{Reading, Value};
use bellwether_policy::sources::Exported;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, ResourceMetrics, metric::Data, number_data_point,
};

use super::points::{NO_RECORDED_VALUE, metrics};
use crate::sources::ledger::Place;

/// Counters that tell what is new, added up; of more, those that are new are not.
const MOST_SUMS: usize = 1_024;
/// One that was told nothing of for this long is forgotten, in milliseconds.
const FORGET: i64 = 3_600_000;

/// What counters with delta temporality have told so far, by instance and name, and when.
#[derive(Debug, Default)]
pub struct Sums(BTreeMap<(Place, String), (f64, i64)>);

/// The values of one export, by name.
pub type Measured = BTreeMap<String, Value>;

/// The values of what is wanted.
pub fn measured(
    given: &ResourceMetrics,
    place: &Place,
    is_wanted: impl Fn(&str) -> bool,
    sums: &mut Sums,
    now: Timestamp,
) -> Measured {
    let wanted = metrics(given).filter(|metric| is_wanted(&metric.name));
    wanted.filter_map(|metric| Some((metric.name.clone(), value(metric, place, sums, now)?))).collect()
}

/// The values that one policy names, under its ids.
pub fn readings(measured: &Measured, place: &Place, wanted: &[Exported]) -> Vec<Reading> {
    let reading = |wanted: &Exported| {
        Some(Reading {
            metric: wanted.id.clone(),
            fleet: place.fleet.clone(),
            instance: place.instance.clone(),
            revision: place.revision,
            value: *measured.get(&wanted.name)?,
        })
    };
    wanted.iter().filter_map(reading).collect()
}

/// Of all attributes together. None: nothing was recorded, or it is no number.
fn value(metric: &Metric, place: &Place, sums: &mut Sums, now: Timestamp) -> Option<Value> {
    match metric.data.as_ref()? {
        Data::Gauge(gauge) => {
            let values: Vec<f64> = gauge.data_points.iter().filter_map(number).collect();
            (!values.is_empty()).then(|| Value::Gauge(values.iter().sum::<f64>() / values.len() as f64))
        }
        Data::Sum(sum) => {
            let values: Vec<f64> = sum.data_points.iter().filter_map(number).collect();
            let total = (!values.is_empty()).then(|| values.iter().sum::<f64>())?;
            let delta = sum.aggregation_temporality == i32::from(AggregationTemporality::Delta);
            let total = if delta { sums.add(place, &metric.name, total, now)? } else { total };
            Some(if sum.is_monotonic { Value::Counter(total) } else { Value::Gauge(total) })
        }
        Data::Histogram(_) | Data::ExponentialHistogram(_) | Data::Summary(_) => None,
    }
}

fn number(point: &NumberDataPoint) -> Option<f64> {
    let value = match point.value.as_ref().filter(|_| point.flags & NO_RECORDED_VALUE == 0)? {
        number_data_point::Value::AsInt(value) => *value as f64,
        number_data_point::Value::AsDouble(value) => *value,
    };
    value.is_finite().then_some(value)
}

// === impl Sums ===

impl Sums {
    /// Forgets what was told nothing of for long.
    pub fn forget(&mut self, now: Timestamp) {
        self.0.retain(|_, (_, told)| now.as_millisecond() - *told < FORGET);
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, place: &Place, name: &str, more: f64, now: Timestamp) -> Option<f64> {
        let (key, now) = ((place.clone(), name.to_owned()), now.as_millisecond());
        let room = self.0.len() < MOST_SUMS || self.0.contains_key(&key);
        room.then(|| {
            let (sum, told) = self.0.entry(key).or_default();
            (*sum, *told) = (*sum + more, now);
            *sum
        })
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::metrics::v1::{Gauge, ScopeMetrics, Sum};

    use super::*;

    fn point(value: f64) -> NumberDataPoint {
        NumberDataPoint { value: Some(number_data_point::Value::AsDouble(value)), ..Default::default() }
    }

    fn export(name: &str, data: Data) -> ResourceMetrics {
        let metric = Metric { name: name.to_owned(), data: Some(data), ..Default::default() };
        let scope = ScopeMetrics { metrics: vec![metric], ..Default::default() };
        ResourceMetrics { scope_metrics: vec![scope], ..Default::default() }
    }

    fn sum(values: &[f64], temporality: AggregationTemporality, is_monotonic: bool) -> Data {
        Data::Sum(Sum {
            data_points: values.iter().map(|value| point(*value)).collect(),
            aggregation_temporality: temporality.into(),
            is_monotonic,
        })
    }

    #[test]
    fn sums_are_counters_and_gauges_are_means() {
        let place = Place { fleet: "new".into(), instance: "1".into(), revision: 0 };
        let mut sums = Sums::default();
        let mut of = |data| {
            let found = measured(
                &export("orders", data),
                &place,
                |name| name == "orders",
                &mut sums,
                Timestamp::UNIX_EPOCH,
            );
            found.get("orders").copied()
        };
        let (cumulative, delta) = (AggregationTemporality::Cumulative, AggregationTemporality::Delta);
        assert_eq!(of(sum(&[3.0, 4.0], cumulative, true)), Some(Value::Counter(7.0)));
        assert_eq!(of(sum(&[3.0], cumulative, false)), Some(Value::Gauge(3.0)));
        assert_eq!(of(sum(&[2.0], delta, true)), Some(Value::Counter(2.0)));
        assert_eq!(of(sum(&[5.0], delta, true)), Some(Value::Counter(7.0)));
        let gauge = |points| Data::Gauge(Gauge { data_points: points });
        assert_eq!(of(gauge(vec![point(1.0), point(2.0)])), Some(Value::Gauge(1.5)));
        assert_eq!(of(gauge(vec![point(f64::NAN)])), None);
        let gone = NumberDataPoint { flags: NO_RECORDED_VALUE, ..point(1.0) };
        assert_eq!(of(gauge(vec![gone])), None);
        let found = Measured::from([("orders".to_owned(), Value::Counter(2.0))]);
        let wanted = ["orders", "carts"].map(|name| Exported { id: format!("{name}-id"), name: name.into() });
        let found = readings(&found, &place, &wanted);
        assert_eq!((found.len(), found[0].metric.as_str(), found[0].fleet.as_str()), (1, "orders-id", "new"));
    }
}
