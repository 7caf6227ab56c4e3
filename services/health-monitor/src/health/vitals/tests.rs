use super::*;

fn minute(index: i64, requests: u64, errors: u64) -> Minute {
    let mut latency = Histogram::default();
    latency.add(110, requests);
    Minute {
        at: Timestamp::from_second(1_800_000_000 + 60 * index).unwrap(),
        seconds: 60,
        requests,
        errors,
        connect_failures: 0,
        latency,
    }
}

#[test]
fn a_week_of_minutes_tells_what_is_usual_and_what_is_not() {
    let mut vitals = Vitals::default();
    for index in 0..15 * 24 * 60 {
        // busier by day, with some noise
        let day = if (index / 60) % 24 < 12 { 6_000 } else { 2_000 };
        vitals.add(&minute(index, day + (index as u64 * 7_919) % 300, 2));
    }
    let last = vitals.through().unwrap();
    let usual = vitals.week().usual(last).unwrap();
    assert_eq!(usual.weeks, 3);
    assert!((usual.rate() - 35.0).abs() < 3.0, "{}", usual.rate());
    let quiet = vitals.anomalies().count();
    let at = last + Duration::from_secs(60);
    let bad = Minute { at, ..minute(0, 2_000, 900) };
    vitals.add(&bad);
    assert!(vitals.anomalies().count() > quiet, "{quiet}");
    let newest = vitals.anomalies().next().unwrap();
    assert_eq!((newest.at, newest.signal), (at, Signal::Errors));
    let (points, what) = vitals.trend();
    assert_eq!((what, points.len() >= 12), ("PEAKS", true));
    // a minute that was added does not count twice
    let before = vitals.clone();
    vitals.add(&bad);
    assert_eq!(vitals, before);
}

#[test]
fn another_objective_begins_a_new_budget() {
    let mut vitals = Vitals::default();
    for index in 0..120 {
        vitals.add(&minute(index, 1_000, 30));
    }
    let now = vitals.through().unwrap();
    assert!(vitals.burn(now)[0].fires);
    vitals.objective(0.95);
    assert!(!vitals.burn(now)[0].fires);
    assert_eq!(vitals.slo(), 0.95);
}
