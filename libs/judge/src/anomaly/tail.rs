//! The probability of a tail, learned from what was seen.

use serde::{Deserialize, Serialize};

/// Counts are halved here, so that what was long ago fades.
const MEMORY: f64 = 40_000.0;
const LEAST_PROBABILITY: f64 = 1e-300;

/// The upper tail of one residual: peaks over a threshold follow a generalised Pareto distribution (Pickands 1975),
/// fitted by moments: shape ½(1 − m²/v), at least 0, scale ½·m·(1 + m²/v) for mean m and variance v of the excesses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    state: State,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    /// The threshold is not known yet.
    Learning { wanted: usize, quantile: f64, seen: Vec<f64> },
    /// It is.
    Known { threshold: f64, values: f64, excesses: Moments },
}

/// Count, mean and squared deviations (Welford 1962).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

/// Both tails of one residual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoTails {
    upper: Tail,
    lower: Tail,
}

// === impl Tail ===

impl Tail {
    /// Learns its threshold, the `quantile` of the first `wanted` residuals.
    pub fn new(wanted: usize, quantile: f64) -> Self {
        Self { state: State::Learning { wanted, quantile, seen: Vec::new() } }
    }

    /// −log10 of the probability of a residual this large, by those before it; then it counts itself.
    pub fn surprise(&mut self, residual: f64) -> f64 {
        match &mut self.state {
            State::Learning { wanted, quantile, seen } => {
                seen.push(residual);
                if seen.len() >= *wanted {
                    self.state = State::known(std::mem::take(seen), *quantile);
                }
                0.0
            }
            State::Known { threshold, values, excesses } => {
                let surprise = -excesses.probability(residual - *threshold, *values).log10();
                *values += 1.0;
                if residual > *threshold {
                    excesses.add(residual - *threshold);
                }
                if *values > MEMORY {
                    *values *= 0.5;
                    excesses.halve();
                }
                surprise
            }
        }
    }
}

// === impl State ===

impl State {
    fn known(mut seen: Vec<f64>, quantile: f64) -> Self {
        seen.sort_by(f64::total_cmp);
        let at = ((quantile * seen.len() as f64) as usize).min(seen.len().saturating_sub(1));
        let threshold = seen.get(at).copied().unwrap_or(0.0);
        let mut excesses = Moments::default();
        seen.iter().filter(|x| **x > threshold).for_each(|x| excesses.add(x - threshold));
        Self::Known { threshold, values: seen.len() as f64, excesses }
    }
}

// === impl Moments ===

impl Moments {
    fn add(&mut self, x: f64) {
        self.count += 1.0;
        let from = x - self.mean;
        self.mean += from / self.count;
        self.squares += from * (x - self.mean);
    }

    fn halve(&mut self) {
        self.count *= 0.5;
        self.squares *= 0.5;
    }

    /// Of a value that lies `excess` above the threshold, when these are the excesses of `of` values.
    fn probability(&self, excess: f64, of: f64) -> f64 {
        if excess <= 0.0 || self.count == 0.0 {
            return 1.0;
        }
        let variance = self.squares / self.count;
        let tail = if variance > 0.0 {
            // never a tail that ends: what was seen is too little to know that
            let ratio = (self.mean * self.mean / variance).min(1.0);
            pareto(excess, 0.5 * (1.0 - ratio), 0.5 * self.mean * (1.0 + ratio))
        } else {
            (-excess / self.mean).exp()
        };
        (self.count / of * tail).max(LEAST_PROBABILITY)
    }
}

/// The survival function of the generalised Pareto distribution.
fn pareto(excess: f64, shape: f64, scale: f64) -> f64 {
    if shape.abs() < 1e-9 {
        return (-excess / scale).exp();
    }
    let base = 1.0 + shape * excess / scale;
    if base <= 0.0 { 0.0 } else { base.powf(-1.0 / shape) }
}

// === impl TwoTails ===

impl TwoTails {
    /// Both alike.
    pub fn new(tail: Tail) -> Self {
        Self { upper: tail.clone(), lower: tail }
    }

    /// The larger surprise of both.
    pub fn surprise(&mut self, residual: f64) -> f64 {
        self.upper.surprise(residual).max(self.lower.surprise(-residual))
    }
}
