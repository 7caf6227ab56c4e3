//! Means of what is measured now and then (processor, memory, queue lengths, business values).
//!
//! One scrape gives a value of each side. Y = c − (1+m)·b is their difference beyond the margin m; its mean over a
//! block of L scrapes is one observation. Anytime-valid t (Lindon et al. 2022): for n blocks with mean Ȳ and sample
//! variance s², ν = n−1, t² = n·Ȳ²/s², r = g/(g+n), g = 2,
//! ln E = ½ ln r + ((ν+1)/2)·[ln(1 + t²/ν) − ln(1 + r·t²/ν)], one-sided by asking for Ȳ > 0.
//!
//! Range: from the third block on. Exact for Gaussian blocks that do not depend on each other, and for any variance;
//! under Ȳ's mean below 0 the bound only gets better. Fails where the blocks depend on each other: gauges wander, so
//! that L must be at least 2(1+ρ)/(1−ρ) for their lag-1 autocorrelation ρ. At ρ = 0.9 and a scrape each 15 s that is
//! ten minutes a block: gauges are slow witnesses, which is why they only warn unless one asks for more.

use serde::{Deserialize, Serialize};

use crate::interval::Interval;

/// Precision of the prior of the effect's size in standard deviations.
const PRIOR: f64 = 2.0;
/// The autocorrelation that is assumed where none was measured.
const UNKNOWN_AUTOCORRELATION: f64 = 0.8;
/// A block is never longer than this, in scrapes.
const LONGEST_BLOCK: u32 = 240;
/// Fewer pairs than this say nothing about autocorrelation.
const LEAST_PAIRS: f64 = 30.0;
/// A spread below this part of the mean is rounding.
const ROUNDING: f64 = 1e-9;

/// Mean and variance of blocks, without keeping them (Welford 1962).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Blocks {
    /// Scrapes in one block, at least 1.
    length: u32,
    sum: f64,
    filled: u32,
    n: f64,
    mean: f64,
    squares: f64,
}

/// Lag-1 autocorrelation of a series, without keeping it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Autocorrelation {
    last: Option<f64>,
    n: f64,
    sum_x: f64,
    sum_y: f64,
    sum_xx: f64,
    sum_yy: f64,
    sum_xy: f64,
}

/// ln E of n observations with this mean and sample variance against mean 0, two-sided.
pub fn log_t_mixture(n: f64, mean: f64, variance: f64) -> f64 {
    let nu = n - 1.0;
    let t2 = n * mean * mean / variance;
    let r = PRIOR / (PRIOR + n);
    0.5 * r.ln() + 0.5 * (nu + 1.0) * ((t2 / nu).ln_1p() - (r * t2 / nu).ln_1p())
}

/// L for a series with this lag-1 autocorrelation; None: not measured, 0.8 is assumed. At least 2, at most 240.
pub fn block_length(autocorrelation: Option<f64>) -> u32 {
    let rho = autocorrelation.unwrap_or(UNKNOWN_AUTOCORRELATION).clamp(0.0, 0.99);
    ((2.0 * (1.0 + rho) / (1.0 - rho) - 1e-9).ceil() as u32).clamp(2, LONGEST_BLOCK)
}

// === impl Blocks ===

impl Blocks {
    /// Of `length` scrapes each.
    pub fn of(length: u32) -> Self {
        Self { length: length.max(1), ..Self::default() }
    }

    /// The difference of one scrape; one that is no number is left out.
    pub fn add(&mut self, difference: f64) {
        if !difference.is_finite() {
            return;
        }
        self.sum += difference;
        self.filled += 1;
        if self.filled < self.length {
            return;
        }
        let block = self.sum / f64::from(self.filled);
        (self.sum, self.filled) = (0.0, 0);
        self.n += 1.0;
        let before = block - self.mean;
        self.mean += before / self.n;
        self.squares += before * (block - self.mean);
    }

    /// Forgets every block.
    pub fn restart(&mut self) {
        *self = Self::of(self.length);
    }

    /// ln E of "the mean is above 0": positive only while the measured mean is. `scale`: the size of the values, below
    /// 1e-9 of which a spread counts as rounding.
    pub fn log_above(&self, scale: f64) -> f64 {
        self.log_beyond(self.mean > 0.0, scale)
    }

    /// ln E of "the mean is below 0".
    pub fn log_below(&self, scale: f64) -> f64 {
        self.log_beyond(self.mean < 0.0, scale)
    }

    fn log_beyond(&self, on_that_side: bool, scale: f64) -> f64 {
        if self.n < 3.0 {
            return 0.0; // two blocks may agree by rounding
        }
        let log_e = log_t_mixture(self.n, self.mean, self.variance(scale));
        if on_that_side { log_e } else { log_e.min(0.0) }
    }

    fn variance(&self, scale: f64) -> f64 {
        let least = (ROUNDING * scale.abs().max(self.mean.abs())).powi(2).max(f64::MIN_POSITIVE);
        (self.squares / (self.n - 1.0)).max(least)
    }

    /// Confidence sequence of the mean: all values whose E is below 1/α. None before the third block.
    pub fn interval(&self, alpha: f64, scale: f64) -> Option<Interval> {
        if self.n < 3.0 {
            return None;
        }
        let r = PRIOR / (PRIOR + self.n);
        // (1 + x)/(1 + r·x) = a at x = t²/ν
        let a = ((2.0 / self.n) * (-alpha.ln() - 0.5 * r.ln())).exp();
        if r * a >= 1.0 {
            return Some(Interval { lower: f64::NEG_INFINITY, upper: f64::INFINITY });
        }
        let t2 = (self.n - 1.0) * (a - 1.0) / (1.0 - r * a);
        let width = (t2 * self.variance(scale) / self.n).sqrt();
        Some(Interval { lower: self.mean - width, upper: self.mean + width })
    }

    /// Blocks so far.
    pub fn count(&self) -> f64 {
        self.n
    }

    /// Scrapes that are still needed for the third block.
    pub fn scrapes_missing(&self) -> u32 {
        let have = self.n as u32 * self.length + self.filled;
        (3 * self.length).saturating_sub(have)
    }
}

// === impl Autocorrelation ===

impl Autocorrelation {
    /// The next value of the series; one that is no number breaks it.
    pub fn add(&mut self, value: f64) {
        let last = std::mem::replace(&mut self.last, value.is_finite().then_some(value));
        if let (Some(x), Some(y)) = (last, self.last) {
            self.n += 1.0;
            self.sum_x += x;
            self.sum_y += y;
            self.sum_xx += x * x;
            self.sum_yy += y * y;
            self.sum_xy += x * y;
        }
    }

    /// ρ in [−1, 1]; None below 30 pairs. A series that never moves has none to speak of: 0.
    pub fn rho(&self) -> Option<f64> {
        if self.n < LEAST_PAIRS {
            return None;
        }
        let n = self.n;
        let covariance = self.sum_xy / n - self.sum_x / n * (self.sum_y / n);
        let of = |sum: f64, squares: f64| (squares / n - (sum / n).powi(2)).max(0.0);
        let spread = (of(self.sum_x, self.sum_xx) * of(self.sum_y, self.sum_yy)).sqrt();
        let mean_square = self.sum_xx / n;
        Some(if spread > 1e-12 * mean_square { (covariance / spread).clamp(-1.0, 1.0) } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Random;

    /// A series with this autocorrelation and standard deviation 1.
    fn wandering(random: &mut Random, rho: f64) -> impl FnMut() -> f64 {
        let mut at = random.normal();
        move || {
            at = rho * at + (1.0 - rho * rho).sqrt() * random.normal();
            at
        }
    }

    #[test]
    fn autocorrelation_is_measured() {
        for rho in [0.0, 0.5, 0.9] {
            let mut random = Random::new(3);
            let mut series = wandering(&mut random, rho);
            let mut measured = Autocorrelation::default();
            (0..20_000).for_each(|_| measured.add(50.0 + series()));
            assert!((measured.rho().unwrap() - rho).abs() < 0.03, "{rho}: {:?}", measured.rho());
        }
        let mut still = Autocorrelation::default();
        (0..100).for_each(|_| still.add(0.3));
        assert_eq!(still.rho(), Some(0.0));
        assert_eq!((block_length(Some(0.0)), block_length(Some(0.9)), block_length(None)), (2, 38, 18));
    }

    #[test]
    fn blocks_keep_the_level_where_single_scrapes_do_not() {
        let alarms = |length: u32| {
            let alarm = |seed: u64| {
                let mut random = Random::new(seed);
                let mut series = wandering(&mut random, 0.9);
                let mut blocks = Blocks::of(length);
                (0..2_000).any(|_| {
                    blocks.add(series());
                    blocks.log_above(1.0) >= 100f64.ln()
                })
            };
            (0..1_000).filter(|seed| alarm(*seed)).count()
        };
        let (single, blocked) = (alarms(1), alarms(block_length(Some(0.9))));
        assert!(single > 100, "{single}");
        assert!(blocked <= 10, "{blocked}");
    }

    #[test]
    fn a_difference_is_seen_and_bounded() {
        let mut random = Random::new(5);
        let mut blocks = Blocks::of(2);
        (0..60).for_each(|_| blocks.add(1.0 + random.normal()));
        assert!(blocks.log_above(1.0) > 4.6 && blocks.log_below(1.0) <= 0.0);
        let interval = blocks.interval(0.01, 1.0).unwrap();
        assert!(interval.lower > 0.0 && interval.lower < 1.0 && interval.upper > 1.0 && interval.upper < 2.5);
        blocks.restart();
        assert_eq!((blocks.log_above(1.0), blocks.interval(0.01, 1.0)), (0.0, None));
    }

    #[test]
    fn values_that_never_move_neither_divide_by_zero_nor_overflow() {
        let mut blocks = Blocks::of(1);
        (0..10).for_each(|_| blocks.add(0.2));
        assert!(blocks.log_above(1.0).is_finite() && blocks.log_above(1.0) > 4.6);
        blocks.add(f64::NAN);
        assert_eq!(blocks.count(), 10.0);
    }
}
