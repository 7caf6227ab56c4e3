//! Whatever sources send, and in whatever order.

use std::time::Duration;

use bellwether_judge::{Batch, Settings, sample::Sample};
use proptest::prelude::*;

use crate::rig::{Rig, history, idle, split};

/// What one instance adds between two reports.
fn growth() -> impl Strategy<Value = (u64, u64)> {
    (0u64..50).prop_flat_map(|requests| (Just(requests), 0..=requests))
}

/// Reports of two instances on each side.
fn reports(growths: &[[(u64, u64); 4]]) -> Vec<Vec<Sample>> {
    let mut samples: Vec<Sample> =
        [("new", "c1"), ("new", "c2"), ("old", "b1"), ("old", "b2")].map(|(f, i)| idle(f, i, 1)).into();
    let step = |growth: &[(u64, u64); 4]| {
        for (sample, (requests, errors)) in samples.iter_mut().zip(growth) {
            sample.requests += requests;
            sample.errors += errors;
        }
        samples.clone()
    };
    growths.iter().map(step).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn order_and_repetition_do_not_matter(
        growths in prop::collection::vec([growth(), growth(), growth(), growth()], 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        // counts of one side wait for the other: in the last report all have grown
        let reports = reports(&[&growths[..], &[[(1, 0); 4]]].concat());
        let mut rig = Rig::new(Settings::default(), history(), split(0.5));
        let start = rig.now;
        let last = reports.len() - 1;
        let batch = |rig: &Rig, index: usize| Batch {
            time: start + Duration::from_millis(index as u64),
            samples: reports[index].clone(),
            ..rig.batch()
        };
        for index in order.iter().map(|index| index.index(reports.len())).chain([last, last, 0]) {
            let batch = batch(&rig, index);
            rig.analysis.ingest(&batch, start);
        }
        let sum = |range: std::ops::Range<usize>, of: fn(&Sample) -> u64| {
            reports[last][range].iter().map(of).sum::<u64>()
        };
        let report = rig.analysis.report(start);
        prop_assert_eq!(report.checks[0].candidate_samples, sum(0..2, |s| s.requests));
        prop_assert_eq!(report.checks[0].baseline_samples, sum(2..4, |s| s.requests));
    }

    #[test]
    fn nonsense_neither_panics_nor_poisons(
        batches in prop::collection::vec(
            prop::collection::vec((0usize..2, any::<u32>(), any::<u32>(), 0i64..4, -3600i64..60), 0..6),
            1..20,
        ),
    ) {
        let mut rig = Rig::new(Settings::default(), history(), split(0.5));
        for batch in batches {
            let time = batch.first().map_or(rig.now, |first| rig.now + jiff::SignedDuration::from_secs(first.4));
            let sample = |(side, requests, errors, revision, _): &(usize, u32, u32, i64, i64)| Sample {
                requests: u64::from(*requests),
                errors: u64::from(*errors),
                ..idle(["new", "old"][*side], "i", *revision)
            };
            let batch = Batch { time, samples: batch.iter().map(sample).collect(), ..rig.batch() };
            rig.wait(Duration::from_millis(700));
            let now = rig.now;
            rig.analysis.ingest(&batch, now);
            let report = rig.analysis.report(now);
            prop_assert!(!report.assessment.log_evidence.is_nan());
            let text = serde_json::to_string(&rig.analysis).unwrap();
            rig.analysis = serde_json::from_str(&text).unwrap();
        }
    }
}
