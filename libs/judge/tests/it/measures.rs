//! What is compared beside requests, and what the environment does to decisions.

use std::time::Duration;

use bellwether_judge::{
    Decision, Level, Reading, Readings, Segment, Settings, Value, Why,
    settings::{
        CheckKind, CheckSpec, Connections, Count, Counter, ErrorRate, Exposure, Gauge, Role, Saturation,
    },
    sim::Random,
};

use crate::rig::{Rig, count, history, idle, split};

const SCRAPE: Duration = Duration::from_secs(15);

/// An analysis of errors and one more check.
fn rig(id: &str, role: Role, kind: CheckKind) -> Rig {
    let errors = CheckSpec::new("errors", Role::Blocking, CheckKind::ErrorRate(ErrorRate::default()));
    let settings = Settings { checks: vec![errors, CheckSpec::new(id, role, kind)], ..Settings::default() };
    Rig::new(settings, history(), split(0.5))
}

fn reading(fleet: &str, metric: &str, value: Value) -> Reading {
    Reading { metric: metric.into(), fleet: fleet.into(), instance: "i".into(), revision: 0, value }
}

/// Both sides' values, read now.
fn read(rig: &mut Rig, metric: &str, candidate: Value, baseline: Value) {
    let readings = Readings {
        source: "prometheus".into(),
        incarnation: "1".into(),
        time: rig.now,
        interval: SCRAPE,
        readings: vec![reading("new", metric, candidate), reading("old", metric, baseline)],
    };
    rig.analysis.read(&readings, rig.now);
}

/// Scrapes of gauges that wander around these means with a standard deviation of a twentieth.
fn gauges(rig: &mut Rig, scrapes: u32, candidate: f64, baseline: f64) -> Decision {
    let mut random = Random::new(7);
    for _ in 0..scrapes {
        rig.seconds(15, (10, 0), (10, 0));
        let mut near = |mean: f64| Value::Gauge(mean * (1.0 + 0.05 * random.normal()));
        let (c, b) = (near(candidate), near(baseline));
        read(rig, "memory", c, b);
    }
    rig.analysis.assess(rig.now).decision
}

fn level(rig: &mut Rig, id: &str) -> Level {
    let report = rig.analysis.report(rig.now);
    report.checks.iter().find(|check| check.id == id).unwrap().level
}

#[test]
fn a_gauge_warns_and_fails_only_when_it_is_asked_to() {
    for (role, expected) in [(Role::Advisory, Decision::Pass), (Role::Guard, Decision::Fail)] {
        let mut rig = rig("memory", role, CheckKind::Gauge(Gauge::of("memory")));
        assert_eq!(gauges(&mut rig, 200, 2.0, 1.0), expected, "{role:?}");
        assert_eq!(level(&mut rig, "memory"), if role == Role::Guard { Level::Fail } else { Level::Warn });
        let report = rig.analysis.report(rig.now);
        let interval = report.checks[1].interval.unwrap();
        assert!(interval.lower > 1.25 && interval.lower < 2.0 && interval.upper > 2.0, "{interval:?}");
    }
}

#[test]
fn a_blocking_gauge_passes_within_its_margin_and_not_at_it() {
    for (candidate, expected) in [(1.0, Decision::Pass), (1.25, Decision::Undecided)] {
        let mut rig = rig("memory", Role::Blocking, CheckKind::Gauge(Gauge::of("memory")));
        assert_eq!(gauges(&mut rig, 200, candidate, 1.0), expected, "{candidate}");
    }
}

/// Orders of a twentieth of the requests on the baseline, of `part` of that on the candidate; seconds to FAIL.
fn orders(part: f64, exposure: Exposure, scrapes: u32) -> (Rig, Option<u32>) {
    let mut rig = rig("orders", Role::Guard, CheckKind::Count(Count::business("orders", exposure)));
    let (mut random, mut sums) = (Random::new(3), (0.0, 0.0));
    for scrape in 0..scrapes {
        rig.seconds(15, (100, 0), (100, 0));
        sums.0 += random.poisson(75.0 * part) as f64;
        sums.1 += random.poisson(75.0) as f64;
        read(&mut rig, "orders", Value::Counter(sums.0), Value::Counter(sums.1));
        if rig.analysis.assess(rig.now).decision == Decision::Fail {
            return (rig, Some((scrape + 1) * 15));
        }
    }
    (rig, None)
}

#[test]
fn a_business_drop_fails_beyond_a_quarter_and_warns_beyond_a_tenth() {
    for exposure in [Exposure::Requests, Exposure::Share, Exposure::Instances] {
        let (mut rig, failed) = orders(0.5, exposure, 200);
        assert!(failed.is_some_and(|seconds| seconds <= 300), "{exposure:?}: {failed:?}");
        assert_eq!(level(&mut rig, "orders"), Level::Fail);
        let (mut rig, failed) = orders(0.8, exposure, 200);
        assert_eq!((failed, level(&mut rig, "orders")), (None, Level::Warn), "{exposure:?}");
        let (mut rig, failed) = orders(1.0, exposure, 200);
        assert_eq!((failed, level(&mut rig, "orders")), (None, Level::Ok), "{exposure:?}");
    }
}

#[test]
fn requests_before_a_counter_is_first_read_are_not_held_against_it() {
    let mut rig = rig("orders", Role::Guard, CheckKind::Count(Count::business("orders", Exposure::Requests)));
    // the candidate's exporter is late: 20 of its orders were never read
    for second in 1..=60 {
        rig.seconds(1, (100, 0), (100, 0));
        let sum = Value::Counter(f64::from(second) * 5.0);
        let mut both = vec![reading("old", "orders", sum)];
        both.extend((second > 5).then(|| reading("new", "orders", sum)));
        let (time, interval) = (rig.now, Duration::from_secs(1));
        let (source, incarnation) = ("app".to_owned(), "1".to_owned());
        rig.analysis.read(&Readings { source, incarnation, time, interval, readings: both }, rig.now);
    }
    let report = rig.analysis.report(rig.now);
    let orders = report.checks.iter().find(|check| check.id == "orders").unwrap();
    assert!(orders.effect.is_some_and(|effect| (effect - 1.0).abs() < 0.02), "{orders:?}");
}

#[test]
fn repeated_readings_and_resets_count_nothing() {
    let (mut rig, _) = orders(1.0, Exposure::Requests, 20);
    let before = rig.analysis.report(rig.now).checks[1].candidate_samples;
    for _ in 0..3 {
        read(&mut rig, "orders", Value::Counter(9e9), Value::Counter(9e9)); // no newer than the last
    }
    rig.seconds(15, (100, 0), (100, 0));
    read(&mut rig, "orders", Value::Counter(0.0), Value::Counter(0.0));
    rig.seconds(15, (100, 0), (100, 0));
    read(&mut rig, "orders", Value::Counter(f64::NAN), Value::Counter(-1.0));
    assert_eq!(rig.analysis.report(rig.now).checks[1].candidate_samples, before);
}

#[test]
fn throughput_below_half_fails() {
    let throughput = Count::throughput(Counter::Answered, Exposure::Share);
    let mut slow = rig("throughput", Role::Guard, CheckKind::Count(throughput.clone()));
    assert_eq!(slow.seconds(60, (20, 0), (100, 0)).decision, Decision::Fail);
    let mut slower = rig("throughput", Role::Guard, CheckKind::Count(throughput));
    slower.seconds(60, (65, 0), (100, 0));
    assert_eq!(level(&mut slower, "throughput"), Level::Warn);
}

#[test]
fn a_full_disk_warns_and_a_freed_one_is_forgiven() {
    let mut rig = rig("disk", Role::Advisory, CheckKind::Saturation(Saturation::of("disk")));
    let scrapes = |rig: &mut Rig, n: u32, value: f64| {
        for _ in 0..n {
            rig.seconds(15, (10, 0), (10, 0));
            read(rig, "disk", Value::Gauge(value), Value::Gauge(0.3));
        }
        level(rig, "disk")
    };
    assert_eq!(scrapes(&mut rig, 60, 0.79), Level::Ok);
    assert_eq!(scrapes(&mut rig, 300, 0.97), Level::Warn);
    assert_eq!(scrapes(&mut rig, 40, 0.5), Level::Ok);
}

#[test]
fn attempts_without_a_connection_warn_and_fail() {
    let mut rig = rig("connections", Role::Guard, CheckKind::Connections(Connections::default()));
    for (failures, expected) in [(2, Level::Ok), (30, Level::Fail)] {
        for _ in 0..8 {
            rig.wait(Duration::from_secs(1));
            count(&mut rig.candidate, 100, failures, 1.0);
            rig.candidate.connect_failures += failures;
            count(&mut rig.baseline, 100, 2, 1.0);
            rig.baseline.connect_failures += 2;
            rig.send();
        }
        assert_eq!(level(&mut rig, "connections"), expected, "{failures}");
    }
}

#[test]
fn a_warning_of_errors_ends_after_they_end() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    rig.seconds(60, (100, 3), (100, 3));
    assert_eq!(level(&mut rig, "errors"), Level::Warn);
    rig.seconds(300, (100, 0), (100, 0));
    assert_eq!(level(&mut rig, "errors"), Level::Ok);
}

#[test]
fn a_warning_comes_soon_even_after_a_long_good_time() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    rig.seconds(1_800, (100, 0), (100, 0));
    assert_eq!(level(&mut rig, "errors"), Level::Ok);
    rig.seconds(30, (100, 5), (100, 5));
    assert_eq!(level(&mut rig, "errors"), Level::Warn);
}

/// Five baseline instances of which the placebo's own is ill; the candidate has this many errors of ten after the
/// first second.
fn with_an_ill_baseline(candidate_errors: u64) -> Why {
    let mut rig = Rig::new(Settings::default(), history(), split(0.1));
    let mut baseline: Vec<_> = (0..5).map(|i| idle("old", &format!("b{i}"), 1)).collect();
    let mut ill = None;
    let mut last = Why::Collecting;
    for second in 0..120 {
        rig.wait(Duration::from_secs(1));
        count(&mut rig.candidate, 10, if second > 0 { candidate_errors } else { 0 }, 1.0);
        for (index, instance) in baseline.iter_mut().enumerate() {
            count(instance, 10, u64::from(ill == Some(index)) * 5, 1.0);
        }
        let mut batch = rig.batch();
        batch.samples = std::iter::once(rig.candidate.clone()).chain(baseline.iter().cloned()).collect();
        rig.analysis.ingest(&batch, rig.now);
        last = rig.analysis.assess(rig.now).why;
        if second == 0 {
            // which one is the placebo is the judge's secret: try each
            let is_placebo = |index: &usize| {
                let mut trial = rig.analysis.clone();
                let mut more = batch.clone();
                (1..30).any(|after| {
                    for (at, sample) in more.samples.iter_mut().enumerate() {
                        count(sample, 10, u64::from(at == index + 1) * 5, 1.0);
                    }
                    let now = rig.now + Duration::from_secs(after);
                    more.time = now;
                    trial.ingest(&more, now);
                    trial.report(now).log_placebo.is_some_and(|log_e| log_e >= 4.6)
                })
            };
            ill = (0..5).find(is_placebo);
            assert!(ill.is_some(), "no instance is the placebo");
        }
    }
    last
}

#[test]
fn where_stable_differs_from_itself_the_candidate_must_differ_by_more() {
    assert_eq!(with_an_ill_baseline(5), Why::NoisyBaseline);
    assert_eq!(with_an_ill_baseline(0), Why::AllPassed);
}

#[test]
fn low_risk_may_pass_by_policy_without_an_error_and_with_green_probes() {
    let segment = Segment { min: Duration::from_secs(60), ..split(0.5) };
    let settings = Settings { pass_by_policy: true, ..Settings::default() };
    let mut rig = Rig::new(settings.clone(), history(), segment);
    assert_eq!(rig.seconds(59, (0, 0), (0, 0)).why, Why::NoTraffic);
    rig.analysis.probed("login", false);
    assert_eq!(rig.seconds(5, (0, 0), (0, 0)).why, Why::NoTraffic);
    rig.analysis.probed("login", true);
    let passed = rig.seconds(1, (0, 0), (0, 0));
    assert_eq!((passed.decision, passed.why), (Decision::Undecided, Why::PassByPolicy));
    // one error is one too many
    count(&mut rig.candidate, 2, 1, 1.0);
    assert_eq!(rig.seconds(1, (0, 0), (1, 0)).why, Why::Collecting);
    // and so is another policy
    let mut strict = Rig::new(Settings { pass_by_policy: false, ..settings }, history(), segment);
    strict.analysis.probed("login", true);
    assert_eq!(strict.seconds(70, (0, 0), (0, 0)).why, Why::NoTraffic);
}

#[test]
fn every_kind_of_check_survives_a_restart() {
    let mut rig = rig("orders", Role::Guard, CheckKind::Count(Count::business("orders", Exposure::Requests)));
    gauges(&mut rig, 5, 1.0, 1.0);
    let text = serde_json::to_string(&rig.analysis).unwrap();
    let restored: bellwether_judge::Analysis = serde_json::from_str(&text).unwrap();
    assert!((restored.log_evidence() - rig.analysis.log_evidence()).abs() < 1e-9);
    let (mut whole, _) = orders(0.9, Exposure::Instances, 50);
    let text = serde_json::to_string(&whole.analysis).unwrap();
    assert!(text.len() < 64 * 1024, "{}", text.len());
    whole.analysis = serde_json::from_str(&text).unwrap();
    assert_eq!(level(&mut whole, "orders"), Level::Ok);
}
