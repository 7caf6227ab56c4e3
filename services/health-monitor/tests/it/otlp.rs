//! What is exported over OpenTelemetry, good and bad.

use std::time::Duration;

use bellwether_proto::monitor::v1 as pb;
use opentelemetry_proto::tonic::{
    collector::metrics::v1::{
        ExportMetricsPartialSuccess, ExportMetricsServiceRequest,
        metrics_service_client::MetricsServiceClient,
    },
    common::v1::{AnyValue, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data,
        number_data_point::Value,
    },
    resource::v1::Resource,
};
use tonic::{Status, transport::Channel};

use crate::harness::{Monitor, Source, TARGET, analysis, place, refusal, split};

type Exporter = MetricsServiceClient<Channel>;

/// An analysis of what is exported.
fn exported() -> pb::Analysis {
    let kind = Some(pb::source::Kind::Otlp(pb::OtlpSource::default()));
    let source = pb::Source { id: "main".into(), kind, signals: vec![] };
    let mut analysis = analysis("a", split(1, 50.0));
    analysis.policy.as_mut().unwrap().sources = vec![source];
    analysis
}

async fn exporter(monitor: &Monitor) -> Exporter {
    let channel = Channel::from_shared(format!("http://{}", monitor.address())).unwrap();
    Exporter::new(channel.connect().await.unwrap())
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value.into())) });
    KeyValue { key: key.into(), value, ..Default::default() }
}

fn nanos(monitor: &Monitor) -> u64 {
    u64::try_from(monitor.now().as_nanosecond()).unwrap()
}

fn point(at: u64, value: Value) -> NumberDataPoint {
    NumberDataPoint { time_unix_nano: at, value: Some(value), ..Default::default() }
}

fn sum(name: &str, data_points: Vec<NumberDataPoint>) -> Metric {
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    let sum = Sum { data_points, aggregation_temporality, is_monotonic: true };
    Metric { name: name.into(), data: Some(Data::Sum(sum)), ..Default::default() }
}

fn of(fleet: &str, metrics: Vec<Metric>) -> ResourceMetrics {
    let attributes = [
        ("bellwether.target", TARGET),
        ("bellwether.fleet", fleet),
        ("bellwether.instance", fleet),
        ("bellwether.route_revision", "1"),
    ];
    let attributes = attributes.iter().map(|(key, value)| attribute(key, value)).collect();
    ResourceMetrics {
        resource: Some(Resource { attributes, ..Default::default() }),
        scope_metrics: vec![ScopeMetrics { metrics, ..Default::default() }],
        ..Default::default()
    }
}

/// So many requests of either fleet in all.
fn requests(monitor: &Monitor, count: i64) -> Vec<ResourceMetrics> {
    let metric = || sum("bellwether.requests", vec![point(nanos(monitor), Value::AsInt(count))]);
    ["new", "old"].map(|fleet| of(fleet, vec![metric()])).to_vec()
}

/// What of it was rejected.
async fn export(
    exporter: &mut Exporter,
    resource_metrics: Vec<ResourceMetrics>,
) -> Result<ExportMetricsPartialSuccess, Status> {
    let answer = exporter.export(ExportMetricsServiceRequest { resource_metrics }).await?;
    Ok(answer.into_inner().partial_success.unwrap_or_default())
}

/// Exports the requests of the next ten seconds; how many are judged of the candidate then.
async fn judged(monitor: &mut Monitor, exporter: &mut Exporter, count: i64) -> u64 {
    monitor.clock.advance(Duration::from_secs(10));
    let told = requests(monitor, count);
    assert_eq!(export(exporter, told).await.unwrap().rejected_data_points, 0);
    monitor.clock.advance(Duration::from_secs(1));
    monitor.verdict("analyses/a").await.checks[0].candidate_samples
}

#[tokio::test]
async fn points_of_no_use_are_told_with_the_reason_and_change_nothing() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(exported()).await;
    let mut exporter = exporter(&monitor).await;
    assert_eq!(judged(&mut monitor, &mut exporter, 10).await, 10);
    let (now, hour) = (nanos(&monitor), 3_600_000_000_000);
    let one = |value| vec![sum("bellwether.requests", vec![point(now, value)])];
    let at = |at| vec![sum("bellwether.requests", vec![point(at, Value::AsInt(1_000))])];
    let weighed = sum("http.server.request.duration", vec![point(now, Value::AsInt(1))]);
    let cases = [
        (one(Value::AsInt(-1)), "negative"),
        (one(Value::AsDouble(f64::NAN)), "no number"),
        (one(Value::AsDouble(f64::INFINITY)), "too large"),
        (at(now + hour), "1 min after"),
        (at(now - 2 * hour), "1 h before"),
        (vec![weighed], "is no histogram"),
    ];
    for (metrics, reason) in cases {
        let told = export(&mut exporter, vec![of("new", metrics)]).await.unwrap();
        assert_eq!(told.rejected_data_points, 1, "{reason}");
        assert!(told.error_message.contains(reason), "{}", told.error_message);
    }
    // one of a moment that is known is no mistake, and changes nothing either
    for count in [10, 4] {
        let told = export(&mut exporter, requests(&monitor, count)).await.unwrap();
        assert_eq!(told.rejected_data_points, 0, "{}", told.error_message);
    }
    assert_eq!(judged(&mut monitor, &mut exporter, 25).await, 25);
    monitor.stop().await;
}

#[tokio::test]
async fn floods_are_refused_with_the_reason_and_harm_nobody() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(exported()).await;
    monitor.start_analysis(analysis("b", split(1, 50.0))).await;
    let mut exporter = exporter(&monitor).await;
    assert_eq!(judged(&mut monitor, &mut exporter, 10).await, 10);
    let at = nanos(&monitor);
    let named = |name: usize| NumberDataPoint {
        attributes: vec![attribute("user", &format!("{name:06}"))],
        ..point(at, Value::AsInt(1))
    };
    let many = |first: usize| vec![sum("bellwether.errors", (first..first + 30_000).map(named).collect())];
    for (first, rejected, reason) in [(0, 10_000, "than are read"), (100_000, 30_000, "than are kept")] {
        let told = export(&mut exporter, vec![of("other", many(first))]).await.unwrap();
        assert!((rejected..rejected + 10).contains(&told.rejected_data_points), "{told:?}");
        assert!(told.error_message.contains(reason), "{}", told.error_message);
    }
    let long = NumberDataPoint { attributes: vec![attribute("user", &"x".repeat(10 << 20))], ..named(0) };
    let huge = vec![of("new", vec![sum("bellwether.requests", vec![long])])];
    let status = export(&mut exporter, huge).await.unwrap_err();
    assert_eq!(refusal(&status).0, "MESSAGE_TOO_LARGE", "{status:?}");
    assert_eq!(judged(&mut monitor, &mut exporter, 25).await, 25);
    let mut source = Source::new(1);
    for _ in 0..3 {
        monitor.second(&mut source, (40, 0), (40, 0)).await;
    }
    monitor.second(&mut source, (400, 400), (40, 0)).await;
    let mut verdicts = monitor.verdicts(&["analyses/b"], 0).await;
    while verdicts.change().await.decision() != pb::Decision::Fail {}
    monitor.stop().await;
}
