//! The exponentially tilted histogram: strong where the whole distribution moved.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{
    Mixture,
    histogram::{BUCKETS, upper_edge},
};

/// Exponents of the tilt, equally weighted.
pub const LAMBDAS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// E of "the candidate's latencies are those of the baseline" against tilts by x^λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TiltTest(Mixture<5>);

/// ln of a bucket's midpoint, and that midpoint to every λ.
struct Score {
    ln: f64,
    powers: [f64; 5],
}

static SCORES: LazyLock<Vec<Score>> = LazyLock::new(|| (0..BUCKETS).map(Score::of).collect());

/// Log factors of one tick, one for each of [`LAMBDAS`]:
/// λ·Σ c_x·ln x − nc·ln(Σ (c_x + b_x)·x^λ / N), over `(ln x, x^λ…, c_x, b_x)`.
///
/// The mean of the tilt over draws with replacement from the pooled counts bounds that over draws without
/// (Hoeffding 1963), hence the factor has mean at most 1 when both sides come from one distribution.
pub fn tilt_log_factors(buckets: impl Iterator<Item = (f64, [f64; 5], f64, f64)>) -> [f64; 5] {
    let (mut nc, mut n, mut scored) = (0.0, 0.0, 0.0);
    let mut pooled = [0.0; 5];
    for (ln, powers, c, b) in buckets {
        nc += c;
        n += c + b;
        scored += c * ln;
        for (sum, power) in pooled.iter_mut().zip(powers) {
            *sum += (c + b) * power;
        }
    }
    let mut factors = LAMBDAS;
    for (factor, sum) in factors.iter_mut().zip(pooled) {
        *factor = *factor * scored - nc * (sum / n).ln();
    }
    factors
}

// === impl TiltTest ===

impl TiltTest {
    /// With E of `mixture`.
    pub fn new(mixture: Mixture<5>) -> Self {
        Self(mixture)
    }

    /// One tick: `(bucket, count)` of either side.
    pub fn update(
        &mut self,
        candidate: impl Iterator<Item = (usize, u64)> + Clone,
        baseline: impl Iterator<Item = (usize, u64)> + Clone,
        temper: f64,
        new_second: bool,
    ) {
        let total = |side: &mut dyn Iterator<Item = (usize, u64)>| side.map(|(_, n)| n).sum::<u64>();
        if total(&mut candidate.clone()) == 0 || total(&mut baseline.clone()) == 0 {
            return self.0.idle(new_second);
        }
        let candidate = candidate.filter(|(_, n)| *n > 0).filter_map(|(b, n)| scored(b, n as f64, 0.0));
        let baseline = baseline.filter(|(_, n)| *n > 0).filter_map(|(b, n)| scored(b, 0.0, n as f64));
        let factors = tilt_log_factors(candidate.chain(baseline)).map(|factor| temper * factor);
        self.0.update(&factors, new_second);
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.0.log_e()
    }

    /// Lowers ln E to `most` where it is above.
    pub fn cap(&mut self, most: f64) {
        self.0.cap(most);
    }
}

fn scored(bucket: usize, c: f64, b: f64) -> Option<(f64, [f64; 5], f64, f64)> {
    SCORES.get(bucket).map(|score| (score.ln, score.powers, c, b))
}

// === impl Score ===

impl Score {
    fn of(bucket: usize) -> Self {
        let upper = upper_edge(bucket);
        let midpoint = match bucket {
            0 => (upper / 2.0).max(0.001),
            open if open == BUCKETS - 1 => upper_edge(open - 1),
            inner => 0.5 * (upper_edge(inner - 1) + upper),
        };
        Self { ln: midpoint.ln(), powers: LAMBDAS.map(|lambda| midpoint.powf(lambda)) }
    }
}
