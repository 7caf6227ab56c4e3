use super::*;

fn read(policy: &pb::HealthPolicy) -> Result<Settings, String> {
    let mut violations = Violations::new();
    let settings = settings(&mut violations, policy);
    violations.finish().map(|()| settings).map_err(|problem| problem.to_string())
}

#[test]
fn an_empty_policy_is_the_default_one() {
    assert_eq!(read(&pb::HealthPolicy::default()), Ok(Settings::default()));
}

#[test]
fn margins_become_whole_buckets() {
    let mut violations = Violations::new();
    let given =
        [(9.0, 1), (10.0, 2), (19.0, 2), (30.0, 3), (41.0, 4), (54.0, 5), (68.0, 6), (83.0, 7), (100.0, 8)];
    for (percent, buckets) in given {
        assert_eq!(shift(&mut violations, "margin_percent", Some(percent), 4), buckets, "{percent}");
    }
    assert_eq!(shift(&mut violations, "margin_percent", None, 4), 4);
    assert!(violations.is_empty());
}

#[test]
fn every_violation_is_named() {
    let check = |id: &str, kind| pb::Check { id: id.into(), role: 9, kind };
    let policy = pb::HealthPolicy {
        alpha_percent: Some(f64::NAN),
        checks: vec![
            check(
                "Errors",
                Some(Kind::StatusShare(pb::StatusShareCheck { status: 500, ..Default::default() })),
            ),
            check("latency", None),
        ],
        journeys: vec![pb::Journey { id: "pay".into(), path_prefix: "pay".into(), ..Default::default() }],
        ..Default::default()
    };
    let mut violations = Violations::new();
    settings(&mut violations, &policy);
    let status = tonic::Status::from(violations.finish().unwrap_err());
    let details = tonic_types::StatusExt::get_error_details(&status);
    let paths: Vec<_> =
        details.bad_request().unwrap().field_violations.iter().map(|field| field.field.clone()).collect();
    let expected = [
        "alpha_percent",
        "journeys[0].path_prefix",
        "checks[0].id",
        "checks[0].role",
        "checks[0].status_share.status",
        "checks[1].role",
        "checks[1].kind",
    ];
    assert_eq!(paths, expected);
}

fn refused(policy: &pb::HealthPolicy) -> Vec<String> {
    let mut violations = Violations::new();
    settings(&mut violations, policy);
    let Err(problem) = violations.finish() else { return vec![] };
    let details = tonic_types::StatusExt::get_error_details(&tonic::Status::from(problem));
    details.bad_request().unwrap().field_violations.iter().map(|field| field.field.clone()).collect()
}

fn telling(metrics: &[&str]) -> Vec<pb::Source> {
    let metric =
        |id: &&str| pb::PrometheusMetric { id: (*id).into(), query: "x".into(), ..Default::default() };
    let server = pb::PrometheusSource { metrics: metrics.iter().map(metric).collect(), ..Default::default() };
    vec![pb::Source { kind: Some(pb::source::Kind::Prometheus(server)), ..Default::default() }]
}

fn ids(policy: &pb::HealthPolicy) -> Vec<String> {
    read(policy).unwrap().checks.into_iter().map(|check| check.id).collect()
}

#[test]
fn presets_have_their_checks_and_own_ones_take_their_place() {
    let of = |preset: pb::Preset| pb::HealthPolicy { preset: preset.into(), ..Default::default() };
    assert_eq!(read(&of(pb::Preset::Web)), Ok(Settings::default()));
    assert!(!ids(&of(pb::Preset::Grpc)).contains(&"status-401".to_owned()));
    let business = pb::HealthPolicy { sources: telling(&["orders"]), ..of(pb::Preset::Business) };
    assert_eq!(ids(&business).last().unwrap(), "business");
    let batch = pb::HealthPolicy { sources: telling(&["jobs", "cpu"]), ..of(pb::Preset::Batch) };
    assert_eq!(ids(&batch), ["errors", "throughput", "cpu"]);
    let rate = pb::ErrorRateCheck { margin_ratio: Some(3.0), ..Default::default() };
    let own = pb::Check { id: "errors".into(), kind: Some(Kind::ErrorRate(rate)), ..Default::default() };
    let changed = read(&pb::HealthPolicy { checks: vec![own.clone()], ..of(pb::Preset::Web) }).unwrap();
    assert_eq!(changed.checks.len(), Settings::default().checks.len());
    assert!(
        matches!(&changed.checks.last().unwrap().kind, CheckKind::ErrorRate(rate) if rate.margin == Some(3.0))
    );
    assert_eq!(ids(&pb::HealthPolicy { checks: vec![own], ..Default::default() }), ["errors"]);
}

#[test]
fn metrics_must_be_told_by_a_source() {
    let gauge = |metric: &str| {
        let check = pb::GaugeCheck { metric: metric.into(), ..Default::default() };
        pb::Check { id: "memory".into(), kind: Some(Kind::Gauge(check)), ..Default::default() }
    };
    let policy = |metric| pb::HealthPolicy {
        sources: telling(&["heap"]),
        checks: vec![gauge(metric)],
        ..Default::default()
    };
    assert_eq!(refused(&policy("heap")), Vec::<String>::new());
    assert_eq!(refused(&policy("stack")), ["checks[0].gauge.metric"]);
    let preset = pb::HealthPolicy { preset: pb::Preset::Business.into(), ..Default::default() };
    assert_eq!(refused(&preset), ["preset"]);
}

#[test]
fn all_probes_are_one_check() {
    let probes = |id: &str, margin| {
        let check = pb::ProbesCheck { margin_ratio: Some(margin), ..Default::default() };
        pb::Check { id: id.into(), kind: Some(Kind::Probes(check)), ..Default::default() }
    };
    let policy = |checks| pb::HealthPolicy { checks, ..Default::default() };
    let one = read(&policy(vec![probes("journeys", 2.0)])).unwrap();
    assert_eq!(one.checks[0].role, bellwether_judge::settings::Role::Guard);
    assert_eq!(refused(&policy(vec![probes("a", 2.0), probes("b", 2.0)])), ["checks"]);
    assert_eq!(refused(&policy(vec![probes("a", 0.5)])), ["checks[0].probes.margin_ratio"]);
}

#[test]
fn thresholds_of_counts_lie_on_the_worse_side() {
    let count = |worse: pb::Direction, fail: f64, warn: f64| {
        let check = pb::CountCheck {
            worse: worse.into(),
            fail_ratio: Some(fail),
            warn_ratio: Some(warn),
            ..Default::default()
        };
        let check = pb::Check { id: "c".into(), kind: Some(Kind::Count(check)), ..Default::default() };
        refused(&pb::HealthPolicy { checks: vec![check], ..Default::default() })
    };
    assert!(count(pb::Direction::Fewer, 0.5, 0.9).is_empty());
    assert!(count(pb::Direction::More, 2.0, 1.5).is_empty());
    assert_eq!(
        count(pb::Direction::Fewer, 1.5, 0.9),
        ["checks[0].count.fail_ratio", "checks[0].count.warn_ratio"]
    );
    assert_eq!(count(pb::Direction::More, 2.0, 3.0), ["checks[0].count.warn_ratio"]);
}
