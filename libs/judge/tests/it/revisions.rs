//! Which route revisions are remembered of an instance.

use std::time::Duration;

use bellwether_judge::{
    Batch, Side,
    counters::{Context, Counters},
};
use jiff::Timestamp;

use crate::rig::idle;

/// What is new of one instance whose counters under these revisions stand there.
fn new(counters: &mut Counters, second: i64, stand: &[(i64, u64)]) -> Vec<(i64, u64)> {
    let now = Timestamp::from_second(second).unwrap();
    let sample = |(revision, requests): &(i64, u64)| bellwether_judge::Sample {
        requests: *requests,
        ..idle("new", "c", *revision)
    };
    let batch = Batch {
        source: "gateway/a".into(),
        incarnation: "1".into(),
        time: now,
        interval: Duration::from_secs(1),
        samples: stand.iter().map(sample).collect(),
    };
    let context = Context {
        now,
        started: Timestamp::UNIX_EPOCH,
        first_revision: 1,
        warm_up: Duration::ZERO,
        statuses: &[],
        journeys: &[],
    };
    let mut found = Vec::new();
    counters.difference(
        &batch,
        context,
        |_| Some(Side::Candidate),
        |delta| found.push((delta.revision, delta.counts.requests)),
    );
    found.retain(|(_, requests)| *requests > 0);
    found
}

#[test]
fn requests_under_the_revision_before_count_and_those_under_older_ones_are_late() {
    let mut counters = Counters::default();
    assert_eq!(new(&mut counters, 1, &[(1, 10)]), [(1, 10)]);
    assert_eq!(new(&mut counters, 2, &[(1, 11), (2, 20)]), [(1, 1), (2, 20)]);
    assert_eq!(new(&mut counters, 3, &[(1, 12), (2, 21), (3, 30)]), [(1, 1), (2, 1), (3, 30)]);
    assert_eq!(new(&mut counters, 4, &[(1, 13), (2, 22), (3, 31)]), [(2, 1), (3, 1)]);
    // a source that tells the newest first
    let mut other = Counters::default();
    assert_eq!(new(&mut other, 1, &[(3, 30), (2, 20), (1, 10)]), [(3, 30), (2, 20)]);
    assert_eq!(new(&mut other, 2, &[(3, 31), (2, 21), (1, 11)]), [(3, 1), (2, 1)]);
}

#[test]
fn an_instance_keeps_as_much_after_a_hundred_revisions_as_after_three() {
    let size = |counters: &Counters| serde_json::to_vec(counters).unwrap().len();
    let mut counters = Counters::default();
    for revision in 1..=3 {
        new(&mut counters, 1_000 + revision, &[(revision, 1_000)]);
    }
    let three = size(&counters);
    for revision in 4..=100 {
        new(&mut counters, 1_000 + revision, &[(revision, 1_000)]);
    }
    assert!(size(&counters) <= three + 16, "{} of {three}", size(&counters));
}
