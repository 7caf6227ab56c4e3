//! Values that are computed from metrics of several sources: in a rollout, between rollouts, and after the fact.

use std::time::Duration;

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;
use pb::{Decision, metric_reading::Value};

use crate::harness::{Monitor, Source, TARGET, analysis, place, policy_of, split};

const NAME: &str = "analyses/a";
const APPLICATION: &str = "
name: applications/shop
environments:
  production:
    health:
      warm_up: 0s
      sources:
        - { id: gateway, push: { prefix: gateway, metrics: [{ id: queue-depth }] } }
        - id: pool
          signals: []
          push: { prefix: pool, metrics: [{ id: workers }] }
      derived:
        - { id: backlog, expression: queue_depth / workers }
        - { id: busy, expression: 'min(queue_depth / 20, 1)' }
      checks:
        - { id: errors, error_rate: {} }
        - { id: backlog, role: CHECK_ROLE_GUARD, gauge: { metric: backlog } }
        - { id: busy, saturation: { metric: busy, above_percent: 50 } }
";

fn policy() -> pb::HealthPolicy {
    policy_of(APPLICATION)
}

fn reading(fleet: &str, metric: &str, value: f64) -> pb::MetricReading {
    pb::MetricReading {
        target: TARGET.into(),
        fleet: fleet.into(),
        instance: format!("{fleet}-1"),
        metric: metric.into(),
        value: Some(Value::Gauge(value)),
        ..Default::default()
    }
}

/// A queue that goes up and down, told by the gateway, and workers, told by the pool half a second later.
async fn second(
    monitor: &mut Monitor,
    source: &mut Source,
    n: u32,
    queues: (f64, f64),
    workers: Option<f64>,
) {
    monitor.clock.advance(Duration::from_millis(500));
    source.candidate.count((5, 0));
    source.baseline.count((5, 0));
    let wave = 1.0 + 0.05 * (7.0 * f64::from(n)).sin();
    let mut batch = source.batch(monitor.now());
    batch.readings =
        vec![reading("new", "queue-depth", queues.0 * wave), reading("old", "queue-depth", queues.1 * wave)];
    batch.interval = Some(time::to_duration(Duration::from_secs(1)));
    monitor.push(batch).await.unwrap();
    monitor.clock.advance(Duration::from_millis(500));
    let Some(workers) = workers else { return };
    let pool = pb::SampleBatch {
        source: "pool/1".into(),
        incarnation: "1".into(),
        time: Some(time::to_timestamp(monitor.now())),
        interval: Some(time::to_duration(Duration::from_secs(1))),
        readings: ["new", "old"].map(|fleet| reading(fleet, "workers", workers)).into(),
        ..Default::default()
    };
    monitor.push(pool).await.unwrap();
}

fn check<'v>(verdict: &'v pb::Verdict, id: &str) -> &'v pb::CheckResult {
    verdict.checks.iter().find(|check| check.id == id).unwrap()
}

async fn started(monitor: &mut Monitor) {
    monitor.start_analysis(pb::Analysis { policy: Some(policy()), ..analysis("a", split(1, 50.0)) }).await;
}

/// The live one ended with just enough evidence; a replay folds to seconds, and may end a little below.
async fn replayed(monitor: &mut Monitor) -> pb::Replay {
    let policy = pb::HealthPolicy { alpha_percent: Some(5.0), ..policy() };
    let request =
        pb::ReplayRecordingRequest { name: NAME.into(), policy: Some(policy), ..Default::default() };
    monitor.client.replay_recording(request).await.unwrap().into_inner().replays.remove(0)
}

async fn recorded(monitor: &mut Monitor, metric: &str) -> Vec<pb::RecordedReading> {
    use pb::get_recording_response::Message;
    let request = pb::GetRecordingRequest { name: NAME.to_owned() };
    let mut stream = monitor.client.get_recording(request).await.unwrap().into_inner();
    let mut found = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        if let Some(Message::Seconds(seconds)) = message.message {
            let readings = seconds.seconds.into_iter().flat_map(|second| second.readings);
            found.extend(readings.filter(|reading| reading.metric == metric));
        }
    }
    found
}

#[tokio::test]
async fn of_several_sources_it_decides_is_recorded_and_is_replayed() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    started(&mut monitor).await;
    let mut source = Source::new(1);
    let mut failed = None;
    let mut n = 0;
    while failed.is_none() && n < 600 {
        n += 1;
        second(&mut monitor, &mut source, n, (16.0, 4.0), Some(4.0)).await;
        failed = Some(monitor.verdict(NAME).await).filter(|it| it.decision() == Decision::Fail);
    }
    let failed = failed.expect("it fails");
    let backlog = check(&failed, "backlog");
    assert_eq!(backlog.level(), pb::Level::Fail, "{backlog:?}");
    assert!((backlog.candidate.unwrap() - 4.0).abs() < 0.2, "{backlog:?}");
    assert!((backlog.baseline.unwrap() - 1.0).abs() < 0.1, "{backlog:?}");
    let values = recorded(&mut monitor, "backlog").await;
    let new: Vec<f64> = values.iter().filter(|it| it.fleet == "new").map(|it| it.value).collect();
    assert!(new.len() > 20 && new.iter().all(|value| (3.7..4.3).contains(value)), "{new:?}");
    let again = replayed(&mut monitor).await.last.unwrap();
    assert_eq!((again.decision(), check(&again, "backlog").level()), (Decision::Fail, pb::Level::Fail));
    assert_eq!(check(&again, "busy").level(), pb::Level::Warn, "80 % of what it holds");
    monitor.stop().await;
}

#[tokio::test]
async fn an_input_that_does_not_come_is_no_data_with_its_name() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    started(&mut monitor).await;
    let mut source = Source::new(1);
    let mut verdicts = monitor.verdicts(&[NAME], 0).await;
    for n in 1..6 {
        second(&mut monitor, &mut source, n, (4.0, 4.0), Some(4.0)).await;
    }
    assert_eq!(check(&monitor.verdict(NAME).await, "backlog").decision(), Decision::Undecided);
    for n in 6..16 {
        second(&mut monitor, &mut source, n, (4.0, 4.0), None).await;
    }
    let silent = loop {
        let verdict = verdicts.change().await;
        if verdict.decision() == Decision::NoData {
            break verdict;
        }
    };
    let reason = silent.reason.as_ref().unwrap();
    assert_eq!((reason.code.as_str(), reason.values["metrics"].as_str()), ("NO_SAMPLES", "workers"));
    assert!(reason.text.contains("backlog: no workers (instance "), "{reason:?}");
    let backlog = check(&silent, "backlog");
    assert_eq!(backlog.decision(), Decision::NoData, "{backlog:?}");
    assert!(silent.warnings.iter().any(|it| it.code == "METRIC_MISSING"), "{:?}", silent.warnings);
    assert_ne!(check(&silent, "busy").decision(), Decision::NoData, "it needs none of them");
    for n in 16..160 {
        second(&mut monitor, &mut source, n, (4.0, 4.0), Some(4.0)).await;
    }
    while verdicts.change().await.decision() != Decision::Pass {}
    monitor.stop().await;
}

#[tokio::test]
async fn between_rollouts_health_has_it_and_what_is_missing() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    started(&mut monitor).await;
    let stop = pb::StopAnalysisRequest { request_id: String::new(), name: NAME.into() };
    monitor.client.stop_analysis(stop).await.unwrap();
    let now = monitor.stop().await;
    // the policy is known across a restart
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    let mut source = Source::new(1);
    for n in 0..3 {
        second(&mut monitor, &mut source, n, (16.0, 4.0), Some(4.0)).await;
    }
    let health = |monitor: &Monitor| {
        let mut client = monitor.client.clone();
        async move {
            let request = pb::GetHealthRequest { target: TARGET.into() };
            client.get_health(request).await.unwrap().into_inner().health.unwrap()
        }
    };
    let found = health(&monitor).await;
    let of = |health: &pb::Health, id: &str, fleet: &str| {
        health.derived.iter().find(|it| it.id == id && it.fleet == fleet).cloned().unwrap_or_default()
    };
    let backlog = of(&found, "backlog", "new");
    assert!((backlog.value.unwrap() - 4.0).abs() < 0.3 && backlog.instances == 1, "{found:#?}");
    assert_eq!((backlog.problem.as_str(), of(&found, "backlog", "old").instances), ("", 1));
    let saturation =
        found.categories.iter().find(|it| it.category() == pb::MetricCategory::Saturation).unwrap();
    assert_eq!(saturation.level(), pb::Level::Warn, "{saturation:?}");
    assert!(saturation.reasons[0].text.starts_with("busy: "), "{saturation:?}");
    for n in 3..9 {
        second(&mut monitor, &mut source, n, (16.0, 4.0), None).await;
    }
    let backlog = of(&health(&monitor).await, "backlog", "new");
    assert_eq!(backlog.missing, ["workers"]);
    assert!(backlog.problem.contains("no workers (instance new-1 of new)"), "{backlog:?}");
    monitor.stop().await;
}
