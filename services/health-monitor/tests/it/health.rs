//! How an application is, rollout or not.

use std::time::Duration;

use bellwether_proto::monitor::v1::{self as pb, Level, MetricCategory, watch_health_response::Message};
use tonic::{Code, Streaming};

use crate::harness::{Monitor, PATIENCE, Source, TARGET, analysis, place, split};

async fn next(
    stream: &mut Streaming<pb::WatchHealthResponse>,
    wanted: impl Fn(&pb::Health) -> bool,
) -> pb::Health {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let message = stream.message().await.unwrap().unwrap().message.unwrap();
            if let Message::Health(health) = message
                && wanted(&health)
            {
                return health;
            }
        }
    });
    found.await.unwrap()
}

fn category(health: &pb::Health, of: MetricCategory) -> &pb::HealthCategory {
    health.categories.iter().find(|category| category.category() == of).unwrap()
}

/// Minutes of two batches: what is counted in between is the second one's.
async fn minutes(monitor: &mut Monitor, source: &mut Source, count: usize, counts: (u64, u64)) {
    for _ in 0..count {
        for _ in 0..6 {
            monitor.clock.advance(Duration::from_secs(9));
            monitor.second(source, (0, 0), counts).await;
        }
    }
}

#[tokio::test]
async fn errors_burn_the_budget_and_are_told() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let mut source = Source::new(0);
    let request = pb::WatchHealthRequest { target: TARGET.to_owned() };
    let mut stream = monitor.client.watch_health(request).await.unwrap().into_inner();
    let nothing = next(&mut stream, |_| true).await;
    assert_eq!(
        (nothing.through_time.as_ref(), nothing.level(), nothing.categories.len()),
        (None, Level::Ok, 5)
    );
    minutes(&mut monitor, &mut source, 10, (200, 0)).await;
    let well = next(&mut stream, |health| health.through_time.is_some()).await;
    assert_eq!(well.level(), Level::Ok, "{well:?}");
    assert!(category(&well, MetricCategory::Throughput).value.is_some_and(|rate| rate > 0.0));
    minutes(&mut monitor, &mut source, 10, (200, 20)).await;
    let burns = |health: &pb::Health| health.level() == Level::Fail;
    let bad = next(&mut stream, burns).await;
    let errors = category(&bad, MetricCategory::Errors);
    assert_eq!((errors.level(), errors.reasons[0].code.as_str()), (Level::Fail, "BUDGET_BURNS"));
    assert!(
        bad.burn_rates[0].fires && bad.burn_rates[0].page && bad.burn_rates[0].log_evidence > 4.6,
        "{bad:?}"
    );
    monitor.stop().await;
}

#[tokio::test]
async fn a_full_memory_is_told_between_rollouts_and_after_a_restart() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let health = async |monitor: &mut Monitor| {
        let request = pb::GetHealthRequest { target: TARGET.to_owned() };
        let health = monitor.client.get_health(request).await.unwrap().into_inner().health.unwrap();
        category(&health, MetricCategory::Saturation).clone()
    };
    assert_eq!(health(&mut monitor).await.reasons[0].code, "NO_SOURCE");
    let metrics = vec![pb::PushMetric { id: "memory".into(), ..Default::default() }];
    let push = pb::source::Kind::Push(pb::PushSource { metrics, ..Default::default() });
    let check = pb::SaturationCheck { metric: "memory".into(), above_percent: Some(90.0) };
    let policy = pb::HealthPolicy {
        sources: vec![pb::Source { id: "gateway".into(), kind: Some(push), ..Default::default() }],
        checks: vec![pb::Check {
            id: "memory".into(),
            kind: Some(pb::check::Kind::Saturation(check)),
            ..Default::default()
        }],
        ..Default::default()
    };
    monitor.start_analysis(pb::Analysis { policy: Some(policy), ..analysis("a", split(1, 50.0)) }).await;
    let stop = pb::StopAnalysisRequest { request_id: String::new(), name: "analyses/a".into() };
    monitor.client.stop_analysis(stop).await.unwrap();
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    assert_eq!(health(&mut monitor).await.reasons[0].code, "NO_READINGS");
    let told = |instance: &str, used: f64| pb::MetricReading {
        target: TARGET.into(),
        fleet: "old".into(),
        instance: instance.into(),
        metric: "memory".into(),
        value: Some(pb::metric_reading::Value::Gauge(used)),
        ..Default::default()
    };
    let mut batch = Source::new(0).batch(monitor.now());
    batch.samples.clear();
    batch.readings = vec![told("a", 0.5), told("b", 0.96)];
    monitor.push(batch).await.unwrap();
    let full = health(&mut monitor).await;
    assert_eq!((full.level(), full.reasons[0].code.as_str()), (Level::Warn, "SATURATED"), "{full:?}");
    assert!((full.value.unwrap() - 96.0).abs() < 1e-9 && full.reasons[0].text.contains("\"b\""), "{full:?}");
    monitor.clock.advance(Duration::from_secs(301));
    let stale = health(&mut monitor).await;
    assert_eq!((stale.level(), stale.reasons[0].code.as_str()), (Level::Ok, "NO_READINGS"));
    monitor.stop().await;
}

#[tokio::test]
async fn what_is_usual_survives_a_restart_and_a_trend_needs_time() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let mut source = Source::new(0);
    minutes(&mut monitor, &mut source, 3, (100, 1)).await;
    let request = pb::WatchHealthRequest { target: TARGET.to_owned() };
    let mut stream = monitor.client.watch_health(request).await.unwrap().into_inner();
    next(&mut stream, |health| health.through_time.is_some()).await;
    drop(stream);
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    let request = pb::GetBaselineRequest { target: TARGET.to_owned() };
    let hours = monitor.client.get_baseline(request).await.unwrap().into_inner().hours;
    assert_eq!(hours.len(), 1);
    assert!((hours[0].error_percent - 1.0).abs() < 0.1 && hours[0].p95_ms.is_some(), "{hours:?}");
    let mut forecast = async |target: &str, limit| {
        let request =
            pb::GetCapacityForecastRequest { target: target.into(), limit_requests_per_second: limit };
        monitor.client.get_capacity_forecast(request).await.unwrap_err().code()
    };
    assert_eq!(forecast(TARGET, 1_000.0).await, Code::NotFound);
    assert_eq!(forecast("targets/other@production", 1_000.0).await, Code::NotFound);
    assert_eq!(forecast(TARGET, 0.0).await, Code::InvalidArgument);
    monitor.stop().await;
}
