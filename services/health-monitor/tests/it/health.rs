//! How an application is, rollout or not.

use std::time::Duration;

use bellwether_proto::monitor::v1::{self as pb, Level, MetricCategory, watch_health_response::Message};
use tonic::{Code, Streaming};

use crate::harness::{Monitor, PATIENCE, Source, TARGET, place};

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
