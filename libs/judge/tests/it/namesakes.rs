//! Instances of both sides that are called alike: each side is counted by itself.

use std::time::Duration;

use bellwether_judge::{
    Batch, Histogram, Sample, Side,
    counters::{Context, Counters},
};
use jiff::Timestamp;

use crate::rig::idle;

const WARM_UP: Duration = Duration::from_secs(30);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Requests and latencies of either side that are new, where both have one instance of the same name.
fn new(counters: &mut Counters, second: i64, candidate: u64, baseline: u64) -> Vec<(Side, u64, u64)> {
    let sample = |fleet: &str, requests: u64, bucket: usize| Sample {
        requests,
        latency: Histogram::from_counts(bucket, &[requests]),
        ..idle(fleet, "10.0.0.1:80", 0)
    };
    let batch = Batch {
        source: "prometheus/main".into(),
        incarnation: "1".into(),
        time: at(second),
        interval: Duration::from_secs(1),
        samples: vec![sample("new", candidate, 130), sample("old", baseline, 114)],
    };
    let context = Context {
        now: at(second),
        started: at(0),
        first_revision: 1,
        warm_up: WARM_UP,
        statuses: &[],
        journeys: &[],
    };
    let side = |of: &Sample| Some(if of.fleet == "new" { Side::Candidate } else { Side::Baseline });
    let mut found = Vec::new();
    counters.difference(&batch, context, side, |delta| {
        found.push((delta.side, delta.counts.requests, delta.counts.latency.total()));
    });
    found
}

#[test]
fn each_side_is_counted_and_warms_up_by_itself() {
    use Side::{Baseline, Candidate};
    let mut counters = Counters::default();
    // the baseline has served before; the candidate counts from zero
    assert_eq!(new(&mut counters, 1, 10, 5_000), [(Candidate, 10, 0)]);
    assert_eq!(new(&mut counters, 2, 30, 5_040), [(Candidate, 20, 0), (Baseline, 40, 40)]);
    let is_warm = |counters: &Counters, side| counters.is_warm((side, "10.0.0.1:80"), at(0), WARM_UP, at(10));
    assert!(is_warm(&counters, Baseline) && !is_warm(&counters, Candidate));
    // what is written down comes back as it was
    let mut counters: Counters = serde_json::from_slice(&serde_json::to_vec(&counters).unwrap()).unwrap();
    assert_eq!(new(&mut counters, 40, 60, 5_090), [(Candidate, 30, 30), (Baseline, 50, 50)]);
    counters.route_changed();
    assert_eq!(new(&mut counters, 41, 70, 5_100), []);
    assert_eq!(new(&mut counters, 42, 71, 5_102), [(Candidate, 1, 1), (Baseline, 2, 2)]);
}

#[test]
fn counters_that_were_written_down_without_their_side_go_on() {
    let mut counters = Counters::default();
    new(&mut counters, 1, 10, 5_000);
    let mut kept = serde_json::to_value(&counters).unwrap();
    let incarnation = &mut kept["sources"]["prometheus/main"][0];
    incarnation.as_object_mut().unwrap().remove("namesakes").unwrap();
    incarnation["instances"]["10.0.0.1:80"].as_object_mut().unwrap().remove("side").unwrap();
    let mut counters: Counters = serde_json::from_value(kept).unwrap();
    assert_eq!(new(&mut counters, 2, 15, 5_001)[0], (Side::Candidate, 5, 0));
}
