//! Values that a policy computes of what is pushed beside samples.

use std::time::Duration;

use bellwether_proto::monitor::v1 as pb;
use pb::{Decision, metric_reading::Value};

use crate::harness::{Monitor, Source, TARGET, analysis, place, policy_of, refusal, split};

const APPLICATION: &str = "
name: applications/shop
environments:
  production:
    health:
      warm_up: 0s
      sources:
        - id: gateway
          push:
            metrics:
              - { id: queue-depth }
              - { id: workers, kind: METRIC_KIND_GAUGE }
              - { id: failures, kind: METRIC_KIND_COUNTER }
              - { id: calls, kind: METRIC_KIND_COUNTER }
      derived:
        - { id: backlog, expression: queue_depth / workers }
        - { id: failing, expression: 'failures / max(calls, 1)' }
      checks:
        - { id: errors, error_rate: {} }
        - { id: backlog, role: CHECK_ROLE_GUARD, gauge: { metric: backlog } }
        - { id: failing, saturation: { metric: failing, above_percent: 50 } }
";

fn policy() -> pb::HealthPolicy {
    policy_of(APPLICATION)
}

/// What one instance tells: a queue, its workers, and how many of its ten calls a second fail.
struct Told {
    fleet: &'static str,
    queue: f64,
    workers: f64,
    failures: f64,
    /// In radians a second: how fast the queue's length goes up and down.
    wave: f64,
}

// === impl Told ===

impl Told {
    fn readings(&self, second: f64) -> Vec<pb::MetricReading> {
        let gauge = |metric, value| (metric, Value::Gauge(value));
        let counter = |metric, value| (metric, Value::Counter(value));
        let wave = 1.0 + 0.05 * (self.wave * second).sin();
        let values = [
            gauge("queue-depth", self.queue * wave),
            gauge("workers", self.workers),
            counter("failures", self.failures * second),
            counter("calls", 10.0 * second),
            // of no source of the policy
            gauge("else", 1.0),
        ];
        let reading = |(metric, value): (&str, Value)| pb::MetricReading {
            target: TARGET.into(),
            fleet: self.fleet.into(),
            instance: format!("{}-1", self.fleet),
            metric: metric.into(),
            value: Some(value),
            ..Default::default()
        };
        values.map(reading).into()
    }
}

/// Seconds of equal traffic with readings, until the verdict is as wanted.
async fn until(
    monitor: &mut Monitor,
    source: &mut Source,
    seconds: std::ops::Range<u32>,
    told: &[Told],
    wanted: impl Fn(&pb::Verdict) -> bool,
) -> Option<pb::Verdict> {
    for second in seconds {
        monitor.clock.advance(Duration::from_secs(1));
        source.candidate.count((50, 0));
        source.baseline.count((50, 0));
        let mut batch = source.batch(monitor.now());
        batch.readings = told.iter().flat_map(|told| told.readings(second.into())).collect();
        monitor.push(batch).await.unwrap();
        if let Some(verdict) = Some(monitor.verdict("analyses/a").await).filter(&wanted) {
            return Some(verdict);
        }
    }
    None
}

async fn started() -> (tempfile::TempDir, Monitor, Source) {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(pb::Analysis { policy: Some(policy()), ..analysis("a", split(1, 50.0)) }).await;
    (dir, monitor, Source::new(1))
}

fn check<'v>(verdict: &'v pb::Verdict, id: &str) -> &'v pb::CheckResult {
    verdict.checks.iter().find(|check| check.id == id).unwrap()
}

#[tokio::test]
async fn what_is_computed_fails_and_warns() {
    let (_dir, mut monitor, mut source) = started().await;
    let told = [
        Told { fleet: "new", queue: 8.0, workers: 2.0, failures: 9.0, wave: 7.0 },
        Told { fleet: "old", queue: 4.0, workers: 4.0, failures: 1.0, wave: 7.0 },
    ];
    let failed = |verdict: &pb::Verdict| verdict.decision() == Decision::Fail;
    let verdict = until(&mut monitor, &mut source, 1..600, &told, failed).await.expect("it fails");
    let backlog = check(&verdict, "backlog");
    assert_eq!(backlog.level(), pb::Level::Fail, "{verdict:#?}");
    assert!((backlog.candidate.unwrap() - 4.0).abs() < 0.2, "{backlog:?}");
    assert!((backlog.baseline.unwrap() - 1.0).abs() < 0.1, "{backlog:?}");
    let failing = check(&verdict, "failing");
    assert_eq!(failing.level(), pb::Level::Warn, "{failing:?}");
    assert!((failing.candidate.unwrap() - 90.0).abs() < 0.1, "{failing:?}");
    monitor.stop().await;
}

#[tokio::test]
async fn what_cannot_be_computed_is_an_error_with_its_reason() {
    let (_dir, mut monitor, mut source) = started().await;
    let idle = [
        Told { fleet: "new", queue: 8.0, workers: 0.0, failures: 0.0, wave: 7.0 },
        Told { fleet: "old", queue: 4.0, workers: 4.0, failures: 0.0, wave: 7.0 },
    ];
    let error = |verdict: &pb::Verdict| check(verdict, "backlog").decision() == Decision::Error;
    let verdict =
        until(&mut monitor, &mut source, 1..3, &idle, error).await.expect("the check says so at once");
    assert_ne!(verdict.decision(), Decision::Error, "once is nothing");
    let mut verdicts = monitor.verdicts(&["analyses/a"], 0).await;
    until(&mut monitor, &mut source, 3..6, &idle, |_| false).await;
    let verdict = loop {
        let verdict = verdicts.change().await;
        if verdict.decision() == Decision::Error {
            break verdict;
        }
    };
    let reason = verdict.reason.unwrap();
    assert_eq!((reason.code.as_str(), reason.values["checks"].as_str()), ("CHECK_ERROR", "backlog"));
    assert!(reason.text.contains("it gives inf, which is no number"), "{reason:?}");
    assert!(reason.text.contains("workers = 0; instance new-1 of new"), "{reason:?}");
    let well = [
        Told { fleet: "new", queue: 4.0, workers: 4.0, failures: 0.0, wave: 7.0 },
        Told { fleet: "old", queue: 4.0, workers: 4.0, failures: 0.0, wave: 7.0 },
    ];
    let passed = |verdict: &pb::Verdict| verdict.decision() == Decision::Pass;
    until(&mut monitor, &mut source, 10..60, &well, passed).await.expect("it ends with its cause");
    monitor.stop().await;
}

/// Between rollouts the newest policy still says what readings mean: how gauges wander is measured before the next one.
#[tokio::test]
async fn a_gauge_that_does_not_wander_decides_sooner_in_the_next_rollout() {
    let (_dir, mut monitor, mut source) = started().await;
    let stop = pb::StopAnalysisRequest { request_id: String::new(), name: "analyses/a".into() };
    monitor.client.stop_analysis(stop).await.unwrap();
    let told = |queue| Told { fleet: "new", queue, workers: 2.0, failures: 0.0, wave: 2.0 };
    let stable = || Told { fleet: "old", queue: 4.0, workers: 2.0, failures: 0.0, wave: 2.0 };
    for second in 0..60 {
        monitor.clock.advance(Duration::from_secs(1));
        let mut batch = source.batch(monitor.now());
        batch.readings = stable().readings(second.into());
        monitor.push(batch).await.unwrap();
    }
    let now = monitor.now();
    let mut gauged = policy();
    gauged.checks[1].kind =
        Some(pb::check::Kind::Gauge(pb::GaugeCheck { metric: "queue-depth".into(), ..Default::default() }));
    let started = pb::Analysis { policy: Some(gauged), ..analysis("b", split(1, 50.0)) };
    monitor.start_analysis(started).await;
    let mut verdicts = monitor.verdicts(&["analyses/b"], 0).await;
    for second in 60..95 {
        monitor.clock.advance(Duration::from_secs(1));
        source.candidate.count((50, 0));
        source.baseline.count((50, 0));
        let mut batch = source.batch(monitor.now());
        batch.readings =
            [told(16.0), stable()].iter().flat_map(|told| told.readings(second.into())).collect();
        monitor.push(batch).await.unwrap();
    }
    // two scrapes make a block where values do not hang together; without a measure it is eighteen, and three blocks 54 s
    while verdicts.change().await.decision() != Decision::Fail {}
    assert!(monitor.now().duration_since(now).unsigned_abs() < Duration::from_secs(54));
    monitor.stop().await;
}

#[tokio::test]
async fn expressions_are_checked_when_an_analysis_starts() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let mut bad = policy();
    bad.derived[0].expression = "queue_depth / servers".into();
    bad.derived[1].expression = "failures > calls".into();
    bad.checks[1].kind =
        Some(pb::check::Kind::Gauge(pb::GaugeCheck { metric: "failures".into(), ..Default::default() }));
    let given = pb::Analysis { policy: Some(bad), ..analysis("a", split(1, 50.0)) };
    let request = pb::StartAnalysisRequest { request_id: String::new(), analysis: Some(given) };
    let status = monitor.client.start_analysis(request).await.unwrap_err();
    let fields = ["checks[1].gauge.metric", "derived[0].expression", "derived[1].expression"];
    let fields = fields.map(|field| format!("analysis.policy.{field}")).to_vec();
    assert_eq!(refusal(&status), ("INVALID_FIELDS".into(), fields));
    monitor.stop().await;
}

#[tokio::test]
async fn bad_readings_are_refused_with_every_violation() {
    let (_dir, mut monitor, source) = started().await;
    let good =
        Told { fleet: "new", queue: 1.0, workers: 1.0, failures: 0.0, wave: 7.0 }.readings(1.0).remove(0);
    let mut batch = source.batch(monitor.now());
    batch.readings = vec![
        pb::MetricReading { value: Some(Value::Gauge(f64::NAN)), ..good.clone() },
        pb::MetricReading { value: Some(Value::Counter(-1.0)), ..good.clone() },
        pb::MetricReading { value: None, metric: "Queue".into(), target: "shop".into(), ..good },
    ];
    let status = monitor.push(batch).await.unwrap_err();
    let fields = [
        "readings[0].gauge",
        "readings[1].counter",
        "readings[2].target",
        "readings[2].metric",
        "readings[2].value",
    ];
    assert_eq!(refusal(&status).1, fields.map(|field| format!("batch.{field}")));
    monitor.stop().await;
}
