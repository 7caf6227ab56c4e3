use std::time::Duration;

use super::*;
use crate::sim::Random;

/// Five-minute values of a signal with a day's rhythm, seeded noise, and a change at the end.
fn surprises(change: impl Fn(usize, f64) -> f64) -> Vec<Finding> {
    let mut random = Random::new(7);
    let mut detector = Detector::new(Settings::default());
    let mut at = Timestamp::UNIX_EPOCH;
    let mut observe = |i: usize| {
        at += Duration::from_secs(300);
        let day = (std::f64::consts::TAU * i as f64 / 288.0).sin();
        let value = 100.0 + 20.0 * day + 2.0 * random.normal();
        detector.observe(at, change(i, value))
    };
    (0..5_000).map(&mut observe).collect()
}

fn largest(findings: &[Finding]) -> Finding {
    findings.iter().copied().max_by(|a, b| a.surprise.total_cmp(&b.surprise)).unwrap()
}

#[test]
fn an_ordinary_signal_surprises_hardly_ever() {
    let found = surprises(|_, value| value);
    let told = found.iter().filter(|finding| finding.surprise >= TELL).count();
    assert!(told <= 3, "{told} in 5000");
    assert!(found.iter().all(|finding| (0.0..1.0).contains(&finding.score())));
}

#[test]
fn a_spike_surprises_once() {
    let found = surprises(|i, value| if (4_500..4_506).contains(&i) { value + 120.0 } else { value });
    assert!(found[4_500].surprise >= TELL, "{:?}", found[4_500]);
    let repeats = found[4_501..4_506].iter().filter(|finding| finding.surprise >= TELL).count();
    assert!(repeats <= 2, "{repeats} repeats");
}

#[test]
fn the_right_value_at_the_wrong_hour_surprises() {
    // the valley's level at the day's peak: within the range of all values
    let peak = 4_392;
    let found = surprises(|i, value| if (peak..peak + 12).contains(&i) { 80.0 } else { value });
    let finding = largest(&found[peak..peak + 12]);
    assert!(finding.surprise >= TELL && finding.cause == Cause::Season, "{finding:?}");
}

#[test]
fn what_is_no_number_is_passed_over() {
    let found = surprises(|i, value| if i % 50 == 7 { f64::NAN } else { value });
    assert!(found.iter().all(|finding| finding.surprise.is_finite()));
    assert_eq!(found[4_957].surprise, 0.0);
}

#[test]
fn it_goes_on_from_its_json_as_if_nothing_had_been() {
    let mut random = Random::new(3);
    let mut one = Detector::new(Settings::default());
    let mut at = Timestamp::UNIX_EPOCH;
    for _ in 0..1_000 {
        at += Duration::from_secs(60);
        one.observe(at, random.normal());
    }
    let mut other: Detector = serde_json::from_slice(&serde_json::to_vec(&one).unwrap()).unwrap();
    assert_eq!(one.level(), other.level());
    for _ in 0..1_000 {
        at += Duration::from_secs(60);
        let value = random.normal();
        let (a, b) = (one.observe(at, value), other.observe(at, value));
        assert!((a.surprise - b.surprise).abs() < 1e-9, "{a:?} {b:?}");
    }
}
