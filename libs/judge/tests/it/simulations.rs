//! What the judge promises, by seeded simulation: false alarms, delays, and the plan's estimates of them.

use std::time::Duration;

use bellwether_judge::{
    Settings,
    power::{self, Question, time_to_fail, time_to_pass},
    settings::{CheckKind, CheckSpec},
    sim::{self, Scenario},
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Only these checks.
fn only(ids: &[&str]) -> Settings {
    let checks = CheckSpec::defaults().into_iter().filter(|check| ids.contains(&check.id.as_str())).collect();
    Settings { checks, warm_up: Duration::ZERO, ..Settings::default() }
}

/// The method as the figures were computed: margin 1, one check, no late onset.
fn method() -> Settings {
    let mut settings = only(&["errors"]);
    for check in &mut settings.checks {
        if let CheckKind::ErrorRate(rate) = &mut check.kind {
            rate.margin = Some(1.0);
            rate.tolerate = 1e-6;
        }
    }
    Settings { horizon: Duration::ZERO, ..settings }
}

fn median(mut delays: Vec<Duration>, of: u32) -> Duration {
    delays.resize(of as usize, Duration::MAX);
    delays.sort();
    delays[delays.len() / 2]
}

#[test]
fn equal_versions_are_left_alone() {
    // rates at the margin's edge of what is tolerated: α is what is promised there, for equal versions far less
    let short = Scenario { length: seconds(600), requests_per_second: 50.0, ..Scenario::default() };
    let alarms = sim::false_alarm(&short, 300, 1);
    assert!(alarms.percent() <= 1.0, "{alarms:?}");
}

#[test]
fn at_the_margin_alpha_holds() {
    // 2,000 rollouts of a version that is exactly as bad as margin and tolerance allow
    let mut settings = method();
    settings.horizon = seconds(600);
    let scenario = Scenario { length: seconds(600), settings, ..Scenario::default() };
    let alarms = sim::false_alarm(&scenario, 2_000, 2);
    assert!(alarms.percent() <= 1.0 + 3.0 * 0.22, "{alarms:?}");
    assert!(alarms.failed > 0, "a test without power proves nothing");
}

#[test]
fn the_method_is_as_fast_as_its_figures() {
    for (from, to, rps, figure) in
        [(0.001, 0.01, 100.0, 50), (0.01, 0.05, 100.0, 18), (0.01, 0.05, 10.0, 175)]
    {
        let scenario = Scenario {
            requests_per_second: rps,
            baseline_errors: from,
            candidate_errors: to,
            settings: method(),
            length: seconds(1_800),
            ..Scenario::default()
        };
        let found = median(sim::delays(&scenario, 300, 3), 300);
        assert!(found <= seconds(figure) * 5 / 4, "{from} → {to} at {rps}/s: {found:?}");
    }
}

#[test]
fn slower_versions_are_seen() {
    for (slower, only_tail, figure) in [(2.0, false, 10), (2.0, true, 45)] {
        let scenario = Scenario { slower, only_tail, length: seconds(900), ..Scenario::default() };
        let found = median(sim::delays(&scenario, 30, 4), 30);
        assert!(found <= seconds(figure), "× {slower}, tail {only_tail}: {found:?}");
    }
}

#[test]
fn late_faults_are_seen_soon() {
    let late = |horizon| Scenario {
        onset: seconds(1_200),
        candidate_errors: 0.05,
        settings: Settings { horizon, ..only(&["errors"]) },
        ..Scenario::default()
    };
    let with = median(sim::delays(&late(seconds(3_600)), 30, 5), 30);
    let without = median(sim::delays(&late(Duration::ZERO), 30, 5), 30);
    assert!(with * 3 / 2 < without, "{with:?} against {without:?}");
}

#[test]
fn five_percent_errors_are_failed_within_two_seconds_of_the_first() {
    // every default, no measured dispersion, reports ten times a second
    let scenario = Scenario {
        requests_per_second: 500.0,
        baseline_errors: 0.0,
        candidate_errors: 0.05,
        length: seconds(60),
        interval: Duration::from_millis(100),
        dispersion: None,
        ..Scenario::default()
    };
    let delay = |seed| {
        let outcome = scenario.run(seed);
        outcome.failed_after.unwrap() - outcome.first_error_after.unwrap()
    };
    let found = median((0..200).map(delay).collect(), 200);
    assert!(found < seconds(2), "{found:?}");
}

#[test]
fn plans_agree_with_simulation() {
    let settings = only(&["errors"]);
    for (baseline, effect, rps) in [(0.001, 0.01, 100.0), (0.01, 0.05, 100.0), (0.002, 0.05, 30.0)] {
        let question = Question { requests_per_second: rps, share: 0.1, baseline, effect };
        let scenario = Scenario {
            requests_per_second: rps,
            baseline_errors: baseline,
            candidate_errors: effect,
            settings: settings.clone(),
            ..Scenario::default()
        };
        let planned = time_to_fail(&question, &settings, 0.001, 1.0).p50.unwrap().as_secs_f64();
        let found = median(sim::delays(&scenario, 60, 6), 60).as_secs_f64();
        assert!(within(planned, found, 1.6), "fail {baseline} → {effect}: planned {planned}, found {found}");

        let good = Scenario { candidate_errors: baseline, ..scenario };
        let planned = time_to_pass(&question, &settings, 2.0, 0.01).p50.unwrap().as_secs_f64();
        let mut passed: Vec<Duration> =
            (0..60).filter_map(|seed| good.run(900 + seed).passed_after).collect();
        passed.sort();
        let found = median(passed, 60).as_secs_f64();
        assert!(within(planned, found, 1.6), "pass at {baseline}: planned {planned}, found {found}");
    }
}

#[test]
fn plans_agree_with_simulation_under_every_default() {
    let settings = Settings { warm_up: Duration::ZERO, one_sided: true, ..Settings::default() };
    let weight = power::weight(&settings, 0.1);
    for (baseline, effect, rps) in [(0.001, 0.01, 100.0), (0.01, 0.05, 100.0), (0.01, 0.05, 1_000.0)] {
        let question = Question { requests_per_second: rps, share: 0.1, baseline, effect };
        let bad = Scenario {
            requests_per_second: rps,
            baseline_errors: baseline,
            candidate_errors: effect,
            settings: settings.clone(),
            ..Scenario::default()
        };
        let planned = time_to_fail(&question, &settings, 0.001, weight);
        let delays: Vec<f64> = sim::delays(&bad, 60, 8).iter().map(Duration::as_secs_f64).collect();
        assert_eq!(delays.len(), 60);
        for (planned, found, name) in [(planned.p50, delays[29], "half"), (planned.p95, delays[56], "95 %")] {
            let planned = planned.unwrap().as_secs_f64();
            // of a few seconds a whole one is a large part
            let agrees = within(planned, found, 1.6) || (planned - found).abs() <= 2.0;
            assert!(
                agrees,
                "fail {baseline} → {effect} at {rps}/s, {name}: planned {planned}, found {found}"
            );
        }
    }
}

fn within(a: f64, b: f64, factor: f64) -> bool {
    a / b < factor && b / a < factor
}
