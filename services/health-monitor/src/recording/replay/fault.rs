//! What can be made wrong with a recorded candidate. Nothing is random: parts of requests are carried over.

use std::collections::BTreeMap;

use bellwether_judge::Histogram;
use bellwether_proto::monitor::v1 as pb;

use crate::recording::{
    chunk::{histogram, latency_of},
    readings::{self, Key},
};

/// 5 %.
const SHARE: f64 = 0.05;
/// The slowest 2 %, so that the 99th percentile is among them.
const SLOWEST: f64 = 0.02;
/// Buckets of a factor of three: 2^(13/8) = 3.08.
const THREE_TIMES: usize = 13;
/// Buckets of a factor of two.
const TWICE: usize = 8;
/// What is left of what the business counts.
const HALF: f64 = 0.5;

/// Makes one thing wrong.
#[derive(Debug)]
pub struct Injector {
    fault: pb::Fault,
    /// The part of a request that is still owed.
    owed: f64,
    /// Of each counter what was recorded last, and what was told.
    counters: BTreeMap<Key, (f64, f64)>,
}

// === impl Injector ===

impl Injector {
    pub fn new(fault: pb::Fault) -> Self {
        Self { fault, owed: 0.0, counters: BTreeMap::new() }
    }

    /// Changes what was counted within a second. False: it is not told at all.
    pub fn touch(&mut self, counts: &mut pb::RecordedCounts) -> bool {
        match self.fault {
            pb::Fault::Unspecified | pb::Fault::Business => {}
            pb::Fault::Errors => {
                let good = counts.requests.saturating_sub(counts.errors);
                counts.errors += self.share(SHARE, counts.requests).min(good);
            }
            pb::Fault::Unauthorized => {
                let count = self.share(SHARE, counts.requests);
                match counts.statuses.iter_mut().find(|status| status.status == 401) {
                    Some(status) => status.count += count,
                    None => counts.statuses.push(pb::StatusCount { status: 401, count }),
                }
            }
            pb::Fault::P99 => self.slow(counts, SLOWEST, THREE_TIMES),
            pb::Fault::Tail => self.slow(counts, SHARE, TWICE),
            pb::Fault::Silence => return false,
        }
        true
    }

    /// Changes what was read of the candidate, from when on it is `faulty`. False: it is not told at all.
    pub fn touch_reading(&mut self, reading: &mut pb::RecordedReading, faulty: bool) -> bool {
        match self.fault {
            pb::Fault::Silence => return !faulty,
            pb::Fault::Business if reading.kind() == pb::MetricKind::Counter => self.drop(reading, faulty),
            _ => {}
        }
        true
    }

    /// Lets a counter grow half as fast. One that begins anew does so for the judge too.
    fn drop(&mut self, reading: &mut pb::RecordedReading, faulty: bool) {
        let value = reading.value;
        let (last, told) = self.counters.entry(readings::key(reading)).or_insert((value, value));
        let grown = value - *last;
        *told = if grown < 0.0 { value } else { *told + grown * if faulty { HALF } else { 1.0 } };
        *last = value;
        reading.value = *told;
    }

    /// So many whole requests; the part that is left over is owed.
    fn share(&mut self, share: f64, of: u64) -> u64 {
        self.owed += share * of as f64;
        let whole = self.owed.floor();
        self.owed -= whole;
        whole as u64
    }

    /// Moves the slowest up.
    fn slow(&mut self, counts: &mut pb::RecordedCounts, share: f64, by: usize) {
        let latency = histogram(counts.latency.as_ref());
        let mut left = self.share(share, latency.total());
        let mut slower = Histogram::default();
        let buckets: Vec<(usize, u64)> = latency.iter().collect();
        for (bucket, count) in buckets.into_iter().rev() {
            let moved = left.min(count);
            left -= moved;
            slower.add(bucket + by, moved);
            slower.add(bucket, count - moved);
        }
        counts.latency = latency_of(&slower);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(fault: pb::Fault) -> pb::RecordedCounts {
        let mut injector = Injector::new(fault);
        let mut sum = pb::RecordedCounts::default();
        let mut latency = Histogram::default();
        for _ in 0..100 {
            let mut counts = pb::RecordedCounts {
                requests: 10,
                latency: latency_of(&Histogram::from_counts(100, &[9, 1])),
                ..Default::default()
            };
            assert!(injector.touch(&mut counts));
            sum.errors += counts.errors;
            sum.requests += counts.statuses.iter().map(|status| status.count).sum::<u64>();
            latency.merge(&histogram(counts.latency.as_ref()));
        }
        sum.latency = latency_of(&latency);
        sum
    }

    #[test]
    fn counters_grow_half_as_fast_from_when_on_they_are_faulty() {
        let mut injector = Injector::new(pb::Fault::Business);
        let mut told = |value: f64, faulty: bool| {
            let kind = pb::MetricKind::Counter.into();
            let mut reading =
                pb::RecordedReading { metric: "orders".into(), kind, value, ..Default::default() };
            assert!(injector.touch_reading(&mut reading, faulty));
            reading.value
        };
        assert_eq!(
            [told(10.0, false), told(20.0, false), told(30.0, true), told(50.0, true)],
            [10.0, 20.0, 25.0, 35.0]
        );
        assert_eq!([told(4.0, true), told(8.0, true)], [4.0, 6.0], "it began anew");
        let mut silent = Injector::new(pb::Fault::Silence);
        let mut gauge = pb::RecordedReading::default();
        assert!(silent.touch_reading(&mut gauge, false) && !silent.touch_reading(&mut gauge, true));
    }

    #[test]
    fn shares_come_out_whole_over_time() {
        assert_eq!(counted(pb::Fault::Errors).errors, 50);
        assert_eq!(counted(pb::Fault::Unauthorized).requests, 50);
        let slow = |fault| histogram(counted(fault).latency.as_ref());
        assert_eq!((slow(pb::Fault::P99).above(101), slow(pb::Fault::P99).total()), (20, 1_000));
        assert_eq!(slow(pb::Fault::Tail).above(101), 50);
        assert_eq!(slow(pb::Fault::Business).above(101), 0);
        assert!(!Injector::new(pb::Fault::Silence).touch(&mut pb::RecordedCounts::default()));
    }
}
