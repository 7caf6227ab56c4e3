//! From data points to the ledger.

use std::time::Duration;

use bellwether_clock::Timestamp;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
};

use super::{
    Rejected,
    attributes::Attributes,
    meaning::{Role, role, unit},
};
use crate::sources::ledger::{Distribution, Ledger, Noted, Place, Reading, Value};

/// Data points of one export that are read.
const MOST_POINTS: usize = 20_000;
const MOST_BUCKETS: usize = 1_024;
/// So that no sum of counters overflows.
const MOST_COUNTED: u64 = 1 << 53;
const OLDEST: Duration = Duration::from_secs(3600);
const NEWEST: Duration = Duration::from_secs(60);
/// The flag of a point without a value: the series has ended, or is not there for now.
pub(super) const NO_RECORDED_VALUE: u32 = 1;

/// How many data points an export has.
pub fn count(given: &ResourceMetrics) -> usize {
    metrics(given).map(points_of).sum()
}

/// Notes all of them.
pub fn note(
    ledger: &mut Ledger,
    place: &Place,
    given: &ResourceMetrics,
    now: Timestamp,
    rejected: &mut Rejected,
) {
    let mut noter = Noter { ledger, place, now, rejected, left: MOST_POINTS };
    for metric in metrics(given) {
        if let Some(role) = role(&metric.name) {
            noter.metric(metric, role);
        }
    }
}

/// All metrics of an export.
pub(super) fn metrics(given: &ResourceMetrics) -> impl Iterator<Item = &Metric> {
    given.scope_metrics.iter().flat_map(|scope| &scope.metrics)
}

fn points_of(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
        None => 0,
    }
}

struct Noter<'a> {
    ledger: &'a mut Ledger,
    place: &'a Place,
    now: Timestamp,
    rejected: &'a mut Rejected,
    left: usize,
}

/// What all points have.
struct Head<'a> {
    attributes: Attributes<'a>,
    began: u64,
    at: u64,
    flags: u32,
}

// === impl Noter ===

impl Noter<'_> {
    fn metric(&mut self, metric: &Metric, role: Role) {
        let name = metric.name.as_str();
        match (&metric.data, role) {
            (Some(Data::Sum(sum)), Role::Requests | Role::Errors) if sum.is_monotonic => {
                for point in &sum.data_points {
                    self.point(
                        name,
                        role,
                        sum.aggregation_temporality,
                        Head::of_number(point),
                        number(point),
                    );
                }
            }
            (Some(Data::Histogram(histogram)), Role::Duration) => {
                let Some(unit) = self.unit(metric) else { return };
                for point in &histogram.data_points {
                    let (head, reading) = (Head::of_explicit(point), explicit(point, unit));
                    self.point(name, role, histogram.aggregation_temporality, head, reading);
                }
            }
            (Some(Data::ExponentialHistogram(histogram)), Role::Duration) => {
                let Some(unit) = self.unit(metric) else { return };
                for point in &histogram.data_points {
                    let (head, reading) = (Head::of_exponential(point), exponential(point, unit));
                    self.point(name, role, histogram.aggregation_temporality, head, reading);
                }
            }
            (None, _) => {}
            (Some(_), Role::Duration) => {
                self.rejected.add(points_of(metric), format!("{name} is no histogram"));
            }
            (Some(_), Role::Requests | Role::Errors) => {
                self.rejected.add(points_of(metric), format!("{name} is no monotonic sum"));
            }
        }
    }

    fn unit(&mut self, metric: &Metric) -> Option<f64> {
        unit(&metric.name, &metric.unit)
            .inspect_err(|problem| self.rejected.add(points_of(metric), problem.clone()))
            .ok()
    }

    fn point(
        &mut self,
        name: &str,
        role: Role,
        temporality: i32,
        head: Head<'_>,
        reading: Result<Reading, &'static str>,
    ) {
        if let Err(problem) = self.try_point(name, role, temporality, head, reading) {
            self.rejected.add(1, format!("{name}: {problem}"));
        }
    }

    fn try_point(
        &mut self,
        name: &str,
        role: Role,
        temporality: i32,
        head: Head<'_>,
        reading: Result<Reading, &'static str>,
    ) -> Result<(), &'static str> {
        self.left = self.left.checked_sub(1).ok_or("an export has more data points than are read")?;
        if head.flags & NO_RECORDED_VALUE != 0 {
            return Ok(());
        }
        let at = self.recent(head.at)?;
        let value = Value { began: millis(head.began), at, reading: reading? };
        let (series, meaning) = (head.attributes.series(name), role.meaning(head.attributes));
        let noted = match AggregationTemporality::try_from(temporality) {
            Ok(AggregationTemporality::Cumulative) => self.ledger.note(self.place, series, &meaning, value),
            Ok(AggregationTemporality::Delta) => self.ledger.add(self.place, series, &meaning, value),
            Ok(AggregationTemporality::Unspecified) | Err(_) => return Err("the temporality is not said"),
        };
        match noted {
            Noted::New | Noted::Known => Ok(()),
            Noted::Full => Err("more series or instances than are kept"),
        }
    }

    fn recent(&self, at: u64) -> Result<i64, &'static str> {
        let at = millis(at);
        let time = Timestamp::from_millisecond(at).map_err(|_| "the time is none")?;
        let age = self.now.duration_since(time);
        let within =
            if age.is_negative() { age.unsigned_abs() <= NEWEST } else { age.unsigned_abs() <= OLDEST };
        within.then_some(at).ok_or("the time is more than 1 h before or 1 min after the monitor's")
    }
}

// === impl Head ===

impl<'a> Head<'a> {
    fn of_number(point: &'a NumberDataPoint) -> Self {
        let (began, at) = (point.start_time_unix_nano, point.time_unix_nano);
        Self { attributes: Attributes(&point.attributes), began, at, flags: point.flags }
    }

    fn of_explicit(point: &'a HistogramDataPoint) -> Self {
        let (began, at) = (point.start_time_unix_nano, point.time_unix_nano);
        Self { attributes: Attributes(&point.attributes), began, at, flags: point.flags }
    }

    fn of_exponential(point: &'a ExponentialHistogramDataPoint) -> Self {
        let (began, at) = (point.start_time_unix_nano, point.time_unix_nano);
        Self { attributes: Attributes(&point.attributes), began, at, flags: point.flags }
    }
}

fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}

fn number(point: &NumberDataPoint) -> Result<Reading, &'static str> {
    let value = match point.value {
        Some(number_data_point::Value::AsInt(value)) => value as f64,
        Some(number_data_point::Value::AsDouble(value)) => value,
        None => return Err("a point has no value"),
    };
    let counts = value.is_finite() && (0.0..=MOST_COUNTED as f64).contains(&value);
    counts.then_some(Reading::Count(value)).ok_or("a count is negative, too large or no number")
}

fn explicit(point: &HistogramDataPoint, unit: f64) -> Result<Reading, &'static str> {
    let (bounds, counts) = (&point.explicit_bounds, &point.bucket_counts);
    if counts.len() > MOST_BUCKETS {
        return Err("a histogram has more than 1024 buckets");
    }
    if counts.len() != bounds.len() + 1 {
        return Err("a histogram needs one bucket more than it has bounds");
    }
    if bounds.iter().any(|bound| bound.is_nan()) || !bounds.is_sorted_by(|a, b| a < b) {
        return Err("the bounds of a histogram do not rise");
    }
    consistent(point.count, counts.iter().copied())?;
    let mut latency = Distribution::default();
    let mut lower = 0.0;
    for (index, count) in counts.iter().enumerate() {
        let upper = bounds.get(index).copied().unwrap_or(f64::INFINITY);
        latency.count(lower * unit, upper.max(0.0) * unit, *count);
        lower = upper.max(0.0);
    }
    Ok(Reading::Latency(latency))
}

fn exponential(point: &ExponentialHistogramDataPoint, unit: f64) -> Result<Reading, &'static str> {
    if !(-10..=20).contains(&point.scale) {
        return Err("the scale of a histogram is not within -10 to 20");
    }
    let none = Buckets::default();
    let positive = point.positive.as_ref().unwrap_or(&none);
    let negative = point.negative.as_ref().unwrap_or(&none);
    if positive.bucket_counts.len() + negative.bucket_counts.len() > MOST_BUCKETS {
        return Err("a histogram has more than 1024 buckets");
    }
    let negatives = negative.bucket_counts.iter().copied();
    consistent(
        point.count,
        positive.bucket_counts.iter().copied().chain(negatives.clone()).chain([point.zero_count]),
    )?;
    let mut latency = Distribution::default();
    // a negative latency is that of a wrong clock: as good as none
    latency.count(0.0, 0.0, negatives.sum::<u64>() + point.zero_count);
    let edge = |index: i64| (index as f64 * (-f64::from(point.scale)).exp2()).exp2() * unit;
    for (index, count) in (i64::from(positive.offset)..).zip(&positive.bucket_counts) {
        latency.count(edge(index), edge(index + 1), *count);
    }
    Ok(Reading::Latency(latency))
}

/// The buckets must add up to the count.
fn consistent(count: u64, mut buckets: impl Iterator<Item = u64>) -> Result<(), &'static str> {
    let sum = buckets.try_fold(0u64, u64::checked_add).filter(|sum| *sum <= MOST_COUNTED);
    (sum == Some(count)).then_some(()).ok_or("the buckets of a histogram do not add up to its count")
}
