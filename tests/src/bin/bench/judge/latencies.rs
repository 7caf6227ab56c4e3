//! Latencies of the simulated service, and what faults do to them: shares of the histogram's buckets.

use std::f64::consts::PI;

use bellwether_judge::{
    Histogram,
    histogram::{BUCKETS, bucket_of, upper_edge},
    sim::Random,
};

/// Lognormal: this median, and this standard deviation of the logarithm. Its p99 is 320 ms.
const MEDIAN_MILLIS: f64 = 100.0;
const SPREAD: f64 = 0.5;
/// z of 95 % and of 99 %.
const Z95: f64 = 1.644_853_626_951_472_2;
const Z99: f64 = 2.326_347_874_040_841;

/// How a version's latencies differ from the service's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slowness {
    /// Not at all.
    None,
    /// Every request takes so many times as long.
    All(f64),
    /// Requests above the p95 take so many times as long.
    Tail(f64),
    /// This share of the requests takes so many times as long.
    Some(f64, f64),
}

/// The share of requests in each bucket in use.
#[derive(Clone, Debug)]
pub struct Shape(Vec<(usize, f64)>);

/// The p99 of the service itself, in ms.
pub fn p99_millis() -> f64 {
    MEDIAN_MILLIS * (SPREAD * Z99).exp()
}

/// The quantile 99 % of a histogram, interpolated within its bucket as dashboards do.
pub fn measured_p99(histogram: &Histogram) -> f64 {
    let (wanted, mut below) = (0.99 * histogram.total() as f64, 0.0);
    for (bucket, count) in histogram.iter().filter(|(_, count)| *count > 0) {
        let count = count as f64;
        if below + count >= wanted {
            let (lower, upper) = (upper_edge(bucket.saturating_sub(1)), upper_edge(bucket));
            return lower + (upper - lower) * (wanted - below) / count;
        }
        below += count;
    }
    f64::NAN
}

// === impl Slowness ===

impl Slowness {
    /// The share of requests that take longer than this.
    fn above(self, millis: f64) -> f64 {
        let p95 = MEDIAN_MILLIS * (SPREAD * Z95).exp();
        match self {
            Self::None => survival(millis),
            Self::All(factor) => survival(millis / factor),
            Self::Tail(factor) => {
                (survival(millis) - survival(p95)).max(0.0) + survival(p95.max(millis / factor))
            }
            Self::Some(share, factor) => (1.0 - share) * survival(millis) + share * survival(millis / factor),
        }
    }
}

fn survival(millis: f64) -> f64 {
    normal_below(-(millis / MEDIAN_MILLIS).ln() / SPREAD)
}

/// Φ: the series around 0, or the first terms of the tail's expansion.
fn normal_below(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return f64::from(u8::from(x > 0.0));
    }
    let (mut term, mut sum) = (x, x);
    for i in 1..120 {
        term *= x * x / f64::from(2 * i + 1);
        sum += term;
    }
    (0.5 + sum * (-0.5 * x * x).exp() / (2.0 * PI).sqrt()).clamp(0.0, 1.0)
}

// === impl Shape ===

impl Shape {
    /// The shares under a fault; what is rarer than one in ten million is left out.
    pub fn of(slowness: Slowness) -> Self {
        let share =
            |bucket: usize| slowness.above(upper_edge(bucket - 1)) - slowness.above(upper_edge(bucket));
        let from = bucket_of(1.0);
        Self((from..BUCKETS - 1).map(|bucket| (bucket, share(bucket))).filter(|(_, p)| *p > 1e-7).collect())
    }

    /// Adds `mean` requests on average, in Poisson numbers; returns how many.
    pub fn draw(&self, mean: f64, histogram: &mut Histogram, random: &mut Random) -> u64 {
        let mut all = 0;
        for (bucket, share) in &self.0 {
            let count = random.poisson(mean * share);
            histogram.add(*bucket, count);
            all += count;
        }
        all
    }
}
