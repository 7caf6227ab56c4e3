//! Every test alone, at the edge of its null: the chance of ever reaching 1/α is at most α.

use bellwether_judge::{
    Histogram, LatencyEdges, LatencyTest, Mixture,
    histogram::bucket_of,
    non_inferiority::NonInferiority,
    one_sided::{AboveTest, BelowTest},
    ratio::{Comparison, ExcessTest},
    share::ShareTest,
    sim::Random,
};

const STREAMS: u64 = 2_000;
const TICKS: u32 = 300;
const ALPHA: f64 = 0.05;
/// Three standard deviations of the share of 2,000 streams.
const SLACK: f64 = 0.015;

/// The share of streams in which `step` reports ln E ≥ ln(1/α) at any tick.
#[track_caller]
fn keeps_its_level<T>(new: impl Fn() -> T, mut step: impl FnMut(&mut T, &mut Random) -> f64) {
    let limit = -ALPHA.ln();
    let mut crossed = |seed| {
        let (mut test, mut random) = (new(), Random::new(seed));
        (0..TICKS).any(|_| step(&mut test, &mut random) >= limit)
    };
    let share = (0..STREAMS).filter(|seed| crossed(*seed)).count() as f64 / STREAMS as f64;
    assert!(share <= ALPHA + SLACK, "{share}");
    assert!(share > 0.0, "a test that never rejects proves nothing");
}

/// Counts whose rates differ by exactly `ratio`; both rates wander.
fn counts(random: &mut Random, ratio: f64) -> Comparison {
    let (ec, eb) = (random.poisson(10.0) as f64, random.poisson(90.0) as f64);
    let rate = 0.02 * (0.5 + random.uniform());
    let (kc, kb) = (random.poisson(ec * rate * ratio) as f64, random.poisson(eb * rate) as f64);
    Comparison { kc, ec, kb, eb }
}

#[test]
fn excess_at_its_margin() {
    for horizon in [0, 100] {
        let new =
            || ExcessTest::excess(1.25, if horizon > 0 { Mixture::late(horizon) } else { Mixture::plain() });
        keeps_its_level(new, |test, random| {
            test.update(counts(random, 1.25), 1.0, true);
            test.log_e()
        });
    }
}

#[test]
fn non_inferiority_at_its_margin() {
    keeps_its_level(
        || NonInferiority::new(2.0),
        |test, random| {
            test.update(counts(random, 2.0), 1.0);
            test.log_e()
        },
    );
}

#[test]
fn one_sided_tests_at_their_thresholds() {
    keeps_its_level(
        || AboveTest::new(0.02, Mixture::late(100)),
        |test, random| {
            test.update(random.binomial(20, 0.02) as f64, 20.0, 1.0, true);
            test.log_e()
        },
    );
    keeps_its_level(
        || BelowTest::new(0.1),
        |test, random| {
            test.update(random.binomial(20, 0.1) as f64, 20.0, 1.0);
            test.log_e()
        },
    );
}

#[test]
fn share_at_half_of_what_was_configured() {
    keeps_its_level(
        || ShareTest::new(0.2),
        |test, random| {
            let candidate = random.binomial(50, 0.1) as f64;
            // a limit out of reach: the level is read from ln E
            test.update(candidate, 50.0 - candidate, f64::INFINITY);
            test.log_e()
        },
    );
}

#[test]
fn latency_of_one_distribution() {
    let draw = |random: &mut Random, n: u64| {
        let mut histogram = Histogram::default();
        for _ in 0..n {
            histogram.add(bucket_of(100.0 * (0.5 * random.normal()).exp()), 1);
        }
        histogram
    };
    let edges = LatencyEdges::of(&draw(&mut Random::new(9), 20_000)).unwrap();
    keeps_its_level(
        || LatencyTest::new(edges, 0, 100),
        |test, random| {
            let (nc, nb) = (random.poisson(3.0), random.poisson(12.0));
            test.update(&draw(random, nc), &draw(random, nb), 1.0, true);
            test.log_e()
        },
    );
}
