use bellwether_proto::monitor::v1 as pb;

use super::*;

fn place() -> Place {
    Place { fleet: "new".into(), instance: "i".into(), revision: 0 }
}

fn requests() -> Meaning {
    Meaning { requests: true, ..Meaning::default() }
}

fn errors() -> Meaning {
    Meaning { requests: true, errors: true, status: Some(500), route: Some(("/pay".into(), "POST".into())) }
}

fn journeys() -> JourneyRules {
    let pay = pb::Journey { id: "pay".into(), path_prefix: "/pay".into(), ..Default::default() };
    JourneyRules::of(&pb::HealthPolicy { journeys: vec![pay], ..Default::default() })
}

fn sample(ledger: &mut Ledger) -> Sample {
    ledger.fresh(&journeys()).remove(0).sample
}

fn count(at: i64, count: f64) -> Value {
    Value { began: 0, at, reading: Reading::Count(count) }
}

#[test]
fn series_add_up() {
    let mut ledger = Ledger::default();
    ledger.note(&place(), 1, &requests(), count(10, 95.0));
    ledger.note(&place(), 2, &errors(), count(10, 5.0));
    let sample = sample(&mut ledger);
    assert_eq!((sample.requests, sample.errors), (100, 5));
    assert_eq!((sample.statuses, sample.journeys), (vec![(500, 5)], vec![("pay".to_owned(), 5, 5)]));
    assert!(ledger.take_fresh().is_empty(), "nothing is new");
}

#[test]
fn a_counter_that_begins_anew_goes_on() {
    let mut ledger = Ledger::default();
    for (at, value) in [(1, 100.0), (2, 150.0), (3, 7.0), (4, 10.0)] {
        assert_eq!(ledger.note(&place(), 1, &requests(), count(at, value)), Noted::New);
    }
    assert_eq!(sample(&mut ledger).requests, 160);
}

#[test]
fn what_is_known_changes_nothing() {
    let mut ledger = Ledger::default();
    ledger.note(&place(), 1, &requests(), count(5, 100.0));
    assert_eq!(sample(&mut ledger).requests, 100);
    for at in [5, 4, 1] {
        assert_eq!(ledger.note(&place(), 1, &requests(), count(at, 3.0)), Noted::Known);
        assert_eq!(ledger.add(&place(), 1, &requests(), count(at, 3.0)), Noted::Known);
    }
    assert!(ledger.take_fresh().is_empty());
    ledger.add(&place(), 1, &requests(), count(6, 3.0));
    assert_eq!(sample(&mut ledger).requests, 103);
}

#[test]
fn fewer_in_other_buckets_began_anew_and_as_many_are_not_counted_again() {
    let latency = |at, bucket, count| {
        let histogram = Histogram::from_counts(bucket, &[count]);
        Value {
            began: 0,
            at,
            reading: Reading::Latency(Distribution { slowest: histogram.clone(), fastest: histogram }),
        }
    };
    for (moved, grown, expected) in [(4, 6, (10, 6)), (12, 15, (10, 3))] {
        let mut ledger = Ledger::default();
        ledger.note(&place(), 1, &Meaning::default(), latency(1, 100, 10));
        ledger.note(&place(), 1, &Meaning::default(), latency(2, 120, moved));
        ledger.note(&place(), 1, &Meaning::default(), latency(3, 120, grown));
        let total = sample(&mut ledger).latency;
        assert_eq!((total.count(100), total.count(120)), expected);
    }
}

#[test]
fn a_million_label_values_cost_a_bounded_amount() {
    let mut ledger = Ledger::default();
    let full = (0..1_000_000u64)
        .filter(|series| ledger.note(&place(), *series, &requests(), count(1, 1.0)) == Noted::Full)
        .count();
    assert_eq!(full, 1_000_000 - MOST_SERIES);
    ledger.forget(2);
    assert_eq!(ledger.note(&place(), 1, &requests(), count(3, 1.0)), Noted::New);
}

#[test]
fn errors_never_outnumber_requests() {
    let mut ledger = Ledger::default();
    let only_errors = Meaning { errors: true, ..Meaning::default() };
    ledger.note(&place(), 1, &requests(), count(1, 10.0));
    ledger.note(&place(), 2, &only_errors, count(2, 12.0));
    assert_eq!(sample(&mut ledger).errors, 10);
}

#[test]
fn a_counter_that_says_when_it_began_is_known_to_begin_anew() {
    let mut ledger = Ledger::default();
    ledger.note(&place(), 1, &requests(), Value { began: 1, ..count(10, 5.0) });
    ledger.note(&place(), 1, &requests(), Value { began: 1, ..count(20, 8.0) });
    ledger.note(&place(), 1, &requests(), Value { began: 25, ..count(30, 9.0) });
    assert_eq!((sample(&mut ledger).requests, ledger.spacing()), (17, Some(10)));
}
