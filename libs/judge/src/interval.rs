//! Confidence sequences: intervals that stay right under continuous looking, for display.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{
    Histogram,
    histogram::upper_edge,
    math::{bisect, ln_beta, log_mean_exp, log_spaced},
    mixture::Plain,
    ratio::Comparison,
};

/// Lower and upper limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

/// Robbins' confidence sequence for a proportion (uniform prior): all p with (n+1)·C(n,k)·p^k·(1−p)^{n−k} > α.
pub fn proportion(k: f64, n: f64, alpha: f64) -> Interval {
    let log_e = robbins(k, n);
    let above = |p: f64| log_e(p) + alpha.ln();
    let middle = if n > 0.0 { k / n } else { 0.5 };
    let (least, most) = (1e-300, 1.0 - 1e-15);
    let lower = if k <= 0.0 || above(least) < 0.0 { 0.0 } else { bisect(least, middle.max(least), above) };
    let upper =
        if k >= n || above(most) < 0.0 { 1.0 } else { bisect(middle.clamp(least, most), most, above) };
    Interval { lower, upper }
}

/// ln of the uniform mixture over the likelihood of p.
fn robbins(k: f64, n: f64) -> impl Fn(f64) -> f64 {
    let mixture = ln_beta(1.0 + k, 1.0 + n - k);
    move |p| {
        let hits = if k > 0.0 { k * p.ln() } else { 0.0 };
        let misses = if n > k { (n - k) * (-p).ln_1p() } else { 0.0 };
        mixture - hits - misses
    }
}

/// Robbins' band around the quantile `q` in ms, for display: from the lower edge of the first bucket to the upper
/// edge of the last whose share of requests below is compatible with `q`. None without counts.
pub fn quantile_band(histogram: &Histogram, q: f64, alpha: f64) -> Option<Interval> {
    let total = histogram.total() as f64;
    let centre = histogram.quantile_bucket(q)?;
    let (mut below, mut first, mut last) = (0.0, centre, centre);
    for (bucket, count) in histogram.iter() {
        below += count as f64;
        if robbins(below, total)(q) + alpha.ln() < 0.0 {
            first = first.min(bucket);
            last = last.max(bucket + 1);
        }
    }
    Some(Interval { lower: upper_edge(first.saturating_sub(1)), upper: upper_edge(last) })
}

/// Confidence sequence for a ratio of rates on a fixed grid of 47 ratios from 0.01 to 100, in constant memory.
///
/// A ratio belongs to the interval while mixture/likelihood < 1/α. The likelihood is concave in ln ρ, so the
/// ratios that belong are an interval; its limits are widened to the next grid ratios outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RatioInterval(Plain<GRID>);

const GRID: usize = 47;

// === impl RatioInterval ===

impl RatioInterval {
    /// One tick; every factor is raised to `temper` = 1/φ.
    pub fn update(&mut self, tick: Comparison, temper: f64) {
        if tick.is_informative() {
            let share = tick.ec / (tick.ec + tick.eb);
            let (kc, all) = (temper * tick.kc, temper * (tick.kc + tick.kb));
            let mut factors = GRIDS.0;
            for (factor, excess) in factors.iter_mut().zip(&GRIDS.1) {
                *factor = kc * *factor - all * (1.0 + excess * share).ln();
            }
            self.0.accumulate(&factors);
        }
    }

    /// The interval at confidence 1 − α; 0 and +∞ stand for "beyond the grid".
    pub fn at(&self, alpha: f64) -> Interval {
        let least = log_mean_exp(self.0.sums()) + alpha.ln();
        let mut inside = self.0.sums().iter().zip(grid()).enumerate().filter(|(_, (sum, _))| **sum > least);
        let first = inside.next();
        let last = inside.next_back().or(first);
        let limit = |index: Option<usize>, beyond: f64| {
            index.and_then(|i| grid().get(i).copied()).map_or(beyond, f64::exp)
        };
        match (first, last) {
            (Some((first, _)), Some((last, _))) => Interval {
                lower: limit(first.checked_sub(1), 0.0),
                upper: limit(Some(last + 1), f64::INFINITY),
            },
            // the likelihood is narrower than one step: the best grid ratio and its neighbours
            _ => self.around_the_best(limit),
        }
    }

    /// The ratio of the largest likelihood on the grid.
    pub fn estimate(&self) -> f64 {
        grid().get(self.best()).map_or(1.0, |ln_rho| ln_rho.exp())
    }

    fn best(&self) -> usize {
        let sums = self.0.sums().iter().enumerate();
        sums.max_by(|a, b| a.1.total_cmp(b.1)).map_or(GRID / 2, |(i, _)| i)
    }

    fn around_the_best(&self, limit: impl Fn(Option<usize>, f64) -> f64) -> Interval {
        let best = self.best();
        Interval { lower: limit(best.checked_sub(1), 0.0), upper: limit(Some(best + 1), f64::INFINITY) }
    }
}

/// ln ρ, and ρ − 1.
static GRIDS: LazyLock<([f64; GRID], [f64; GRID])> = LazyLock::new(|| {
    let logs = log_spaced::<GRID>(0.01, 100.0);
    (logs, logs.map(f64::exp_m1))
});

fn grid() -> [f64; GRID] {
    GRIDS.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_s_band_holds_it_and_shrinks() {
        let mut histogram = Histogram::default();
        let mut width = f64::INFINITY;
        for count in [5, 50, 500] {
            (100..140).for_each(|bucket| histogram.add(bucket, count));
            let band = quantile_band(&histogram, 0.5, 0.01).unwrap();
            let median = histogram.quantile(0.5).unwrap();
            assert!(band.lower <= median && median <= band.upper);
            assert!(band.upper / band.lower <= width);
            width = band.upper / band.lower;
        }
        assert!(width < 1.4, "{width}");
        assert_eq!(quantile_band(&Histogram::default(), 0.5, 0.01), None);
    }

    #[test]
    fn the_ratio_s_interval_shrinks_around_the_truth() {
        let mut interval = RatioInterval::default();
        assert_eq!(interval.at(0.05), Interval { lower: 0.0, upper: f64::INFINITY });
        for _ in 0..200 {
            interval.update(Comparison { kc: 2.0, ec: 100.0, kb: 9.0, eb: 900.0 }, 1.0);
        }
        let Interval { lower, upper } = interval.at(0.05);
        assert!(lower > 1.2 && lower < 2.0 && upper > 2.0 && upper < 3.0, "{lower} {upper}");
        assert!((interval.estimate() / 2.0).ln().abs() < 0.2);
    }
}
