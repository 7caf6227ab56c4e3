use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Histogram,
        HistogramDataPoint, Metric, NumberDataPoint, ScopeMetrics, Sum,
        exponential_histogram_data_point::Buckets, metric::Data, number_data_point::Value,
    },
};

use super::*;

const NOW: i64 = 1_800_000_000;
const SECOND: u64 = 1_000_000_000;

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value.into())) });
    KeyValue { key: key.into(), value, ..Default::default() }
}

fn resource(attributes: &[(&str, &str)]) -> Result<Origin, String> {
    let attributes: Vec<_> = attributes.iter().map(|(key, value)| attribute(key, value)).collect();
    Origin::of(Attributes(&attributes), |_| Versions::from([("2".into(), "new".into())]))
}

fn origin() -> Origin {
    resource(&[("bellwether.target", "shop@live"), ("bellwether.fleet", "new"), ("bellwether.instance", "a")])
        .unwrap()
}

fn of(metrics: Vec<Metric>) -> ResourceMetrics {
    ResourceMetrics {
        scope_metrics: vec![ScopeMetrics { metrics, ..Default::default() }],
        ..Default::default()
    }
}

fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric { name: name.into(), unit: unit.into(), data: Some(data), ..Default::default() }
}

fn at(second: u64) -> u64 {
    (NOW as u64 + second) * SECOND
}

fn explicit(second: u64, counts: &[u64], status: &str) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: vec![attribute("http.response.status_code", status)],
        start_time_unix_nano: at(0),
        time_unix_nano: at(second),
        count: counts.iter().sum(),
        bucket_counts: counts.to_vec(),
        explicit_bounds: vec![0.01, 0.1],
        ..Default::default()
    }
}

fn durations(points: Vec<HistogramDataPoint>, temporality: AggregationTemporality) -> ResourceMetrics {
    let data = Histogram { data_points: points, aggregation_temporality: temporality.into() };
    of(vec![metric("http.server.request.duration", "s", Data::Histogram(data))])
}

fn exported(exports: &[ResourceMetrics]) -> (bellwether_judge::Sample, Rejected) {
    let (otlp, mut rejected) = (Otlp::default(), Rejected::default());
    let now = Timestamp::from_second(NOW + 60).unwrap();
    for export in exports {
        otlp.note(&origin(), export, now, &mut rejected);
    }
    let mut due = otlp.due(now);
    let sample = match due.pop() {
        Some((target, news)) => {
            let mut batch = otlp.batch(&target, &news, ("", Signals::ALL), &JourneyRules::default(), now);
            batch.samples.remove(0)
        }
        None => Signals::default().of_sample(empty()),
    };
    (sample, rejected)
}

fn empty() -> bellwether_judge::Sample {
    let mut ledger = Ledger::default();
    let value = crate::sources::ledger::Value {
        began: 0,
        at: 1,
        reading: crate::sources::ledger::Reading::Count(0.0),
    };
    ledger.note(&origin().place, 1, &Default::default(), value);
    ledger.fresh(&JourneyRules::default()).remove(0).sample
}

#[test]
fn resources_name_target_fleet_and_instance() {
    let by_version = resource(&[
        ("service.name", "shop"),
        ("deployment.environment.name", "live"),
        ("service.version", "2"),
        ("service.instance.id", "i"),
        ("bellwether.route_revision", "7"),
    ])
    .unwrap();
    let place = Place { fleet: "new".into(), instance: "i".into(), revision: 7 };
    assert_eq!(by_version, Origin { target: "targets/shop@live".into(), place });
    for (missing, attributes) in [
        ("bellwether.target", &[("service.name", "shop")][..]),
        ("service.instance.id", &[("bellwether.target", "targets/shop@live")]),
        ("service.version", &[("bellwether.target", "shop@live"), ("bellwether.instance", "i")]),
        (
            "version \"9\"",
            &[("bellwether.target", "shop@live"), ("bellwether.instance", "i"), ("service.version", "9")],
        ),
        ("is no target", &[("bellwether.target", "Shop"), ("bellwether.instance", "i")]),
    ] {
        assert!(resource(attributes).unwrap_err().contains(missing), "{missing}");
    }
}

#[test]
fn a_histogram_of_durations_is_requests_errors_statuses_and_latency() {
    let points = vec![
        explicit(10, &[5, 3, 1], "200"),
        explicit(10, &[0, 1, 0], "503"),
        explicit(10, &[2, 0, 0], "401"),
    ];
    let (sample, rejected) = exported(&[durations(points, AggregationTemporality::Cumulative)]);
    assert_eq!((sample.requests, sample.errors, rejected.points), (12, 1, 0));
    assert_eq!(sample.statuses, [(200, 9), (401, 2), (503, 1)]);
    assert_eq!((sample.latency.total(), sample.latency.quantile(0.5).unwrap() as u64), (12, 10));
}

#[test]
fn increments_add_up_and_repetitions_do_not() {
    let one = durations(vec![explicit(10, &[5, 0, 0], "200")], AggregationTemporality::Delta);
    let two = durations(vec![explicit(20, &[5, 0, 0], "200")], AggregationTemporality::Delta);
    let late = durations(vec![explicit(15, &[9, 0, 0], "200")], AggregationTemporality::Delta);
    let (sample, _) = exported(&[one.clone(), one, two.clone(), two, late]);
    assert_eq!(sample.requests, 10);
}

#[test]
fn a_process_that_begins_anew_goes_on() {
    let first = durations(vec![explicit(10, &[5, 0, 0], "200")], AggregationTemporality::Cumulative);
    let mut again = explicit(30, &[7, 0, 0], "200");
    again.start_time_unix_nano = at(20);
    let (sample, _) = exported(&[first, durations(vec![again], AggregationTemporality::Cumulative)]);
    assert_eq!(sample.requests, 12);
}

#[test]
fn exponential_histograms_are_folded() {
    let point = |scale: i32, offset: i32, counts: &[u64]| ExponentialHistogramDataPoint {
        time_unix_nano: at(10),
        count: counts.iter().sum::<u64>() + 1,
        scale,
        zero_count: 1,
        positive: Some(Buckets { offset, bucket_counts: counts.to_vec() }),
        ..Default::default()
    };
    let data = |point| ExponentialHistogram {
        data_points: vec![point],
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
    };
    // 32 buckets of scale 5 are 8 of scale 3: one doubling from 8 ms on
    let fine = point(5, 3 * 32, &[1; 32]);
    let metric = metric("http.server.request.duration", "ms", Data::ExponentialHistogram(data(fine)));
    let (sample, rejected) = exported(&[of(vec![metric])]);
    assert_eq!((sample.requests, rejected.points), (33, 0));
    assert_eq!(sample.latency.quantile(1.0).unwrap().round(), 16.0);
    assert_eq!(sample.latency.iter().filter(|(_, count)| *count == 4).count(), 8);
}

#[test]
fn errors_are_told_by_status_code_or_type() {
    let failed = |pairs: &[(&str, &str)]| {
        let attributes: Vec<_> = pairs.iter().map(|(key, value)| attribute(key, value)).collect();
        meaning::Role::Duration.meaning(Attributes(&attributes)).errors
    };
    for bad in [
        &[("http.response.status_code", "500")][..],
        &[("rpc.grpc.status_code", "14")],
        &[("rpc.response.status_code", "DEADLINE_EXCEEDED")],
        &[("error.type", "java.net.SocketTimeoutException")],
        &[("http.response.status_code", "200"), ("error.type", "timeout")],
    ] {
        assert!(failed(bad), "{bad:?}");
    }
    for good in [
        &[("http.response.status_code", "404"), ("error.type", "404")][..],
        &[("rpc.grpc.status_code", "5")],
        &[("rpc.response.status_code", "NOT_FOUND"), ("error.type", "NOT_FOUND")],
        &[],
    ] {
        assert!(!failed(good), "{good:?}");
    }
}

#[test]
fn what_cannot_be_used_is_rejected_with_the_reason() {
    let cumulative = AggregationTemporality::Cumulative;
    let point = || explicit(10, &[1, 0, 0], "200");
    let bad_sum = |value, is_monotonic| {
        let point = NumberDataPoint { time_unix_nano: at(10), value: Some(value), ..Default::default() };
        let sum = Sum { data_points: vec![point], aggregation_temporality: cumulative.into(), is_monotonic };
        of(vec![metric("bellwether.requests", "", Data::Sum(sum))])
    };
    let wrong_unit = {
        let data = Histogram { data_points: vec![point()], aggregation_temporality: cumulative.into() };
        of(vec![metric("http.server.request.duration", "By", Data::Histogram(data))])
    };
    let cases = [
        (durations(vec![HistogramDataPoint { count: 9, ..point() }], cumulative), "add up"),
        (
            durations(vec![HistogramDataPoint { explicit_bounds: vec![0.1], ..point() }], cumulative),
            "one bucket more",
        ),
        (
            durations(vec![HistogramDataPoint { explicit_bounds: vec![0.2, 0.1], ..point() }], cumulative),
            "do not rise",
        ),
        (
            durations(vec![HistogramDataPoint { time_unix_nano: at(7_200), ..point() }], cumulative),
            "1 min after",
        ),
        (durations(vec![HistogramDataPoint { time_unix_nano: 0, ..point() }], cumulative), "1 h before"),
        (durations(vec![point()], AggregationTemporality::Unspecified), "temporality"),
        (bad_sum(Value::AsInt(-1), true), "negative"),
        (bad_sum(Value::AsDouble(f64::NAN), true), "no number"),
        (bad_sum(Value::AsInt(1), false), "monotonic"),
        (wrong_unit, "unit"),
    ];
    for (export, reason) in cases {
        let (_, rejected) = exported(&[export]);
        assert_eq!(rejected.points, 1, "{reason}");
        assert!(rejected.message().contains(reason), "{}", rejected.message());
    }
    let stale = HistogramDataPoint { flags: 1, count: 9, ..point() };
    assert_eq!(exported(&[durations(vec![stale], cumulative)]).1.points, 0);
}
