//! Comparing latency on histogram buckets: is the candidate slower than the baseline by more than a factor?
//!
//! The factor is a shift by whole buckets: the baseline's counts, moved up k buckets, are compared with the
//! candidate's as they are. H0: the candidate is stochastically not slower than the shifted baseline. Two
//! families share the evidence equally, because each is blind where the other sees: [`Edges`] (tails) and
//! [`Tilt`] (shifts of the whole).

use serde::{Deserialize, Serialize};

use crate::{Histogram, Mixture, histogram, math::log_mean_exp};

mod edges;
mod tilt;

pub use edges::{EdgeTest, hoeffding_log_factor};
pub use tilt::{LAMBDAS, TiltTest, tilt_log_factors};

/// Quantiles of the baseline whose nearest bucket edges are tested.
pub const EDGE_QUANTILES: [f64; 6] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

/// The bucket edges nearest to the baseline's quantiles, fixed before the rollout's first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyEdges(pub [usize; 6]);

/// E = ½·E_edges + ½·E_tilt for one shift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyTest {
    shift: usize,
    edges: [usize; 6],
    by_edge: Vec<EdgeTest>,
    tilt: TiltTest,
}

// === impl LatencyEdges ===

impl LatencyEdges {
    /// From what the baseline did before. None below 100 counts, too few to know its tail.
    pub fn of(history: &Histogram) -> Option<Self> {
        if history.total() < 100 {
            return None;
        }
        let mut edges = [0; 6];
        for (edge, q) in edges.iter_mut().zip(EDGE_QUANTILES) {
            *edge = history.quantile_bucket(q)?;
        }
        Some(Self(edges))
    }

    /// The bucket below whose upper edge 95 % of the baseline lie.
    pub fn p95(&self) -> usize {
        self.0[3]
    }
}

// === impl LatencyTest ===

impl LatencyTest {
    /// For slower by more than 2^{shift/8}; `horizon` seconds of late onset (0: none).
    pub fn new(edges: LatencyEdges, shift: usize, horizon: u32) -> Self {
        let by_edge = edges.0.iter().map(|_| EdgeTest::new(mixture(horizon))).collect();
        Self { shift, edges: edges.0, by_edge, tilt: TiltTest::new(mixture(horizon)) }
    }

    /// One tick of both sides; every factor is raised to `temper` = 1/φ.
    pub fn update(&mut self, candidate: &Histogram, baseline: &Histogram, temper: f64, new_second: bool) {
        let (nc, nb) = (candidate.total() as f64, baseline.total() as f64);
        for (&edge, test) in self.edges.iter().zip(&mut self.by_edge) {
            // moved up by the shift, the baseline has its quantiles there; below that edge it is where it was
            let kc = candidate.above(edge + self.shift) as f64;
            let kb = baseline.above(edge) as f64;
            test.update(kc, nc, kb, nb, temper, new_second);
        }
        let shift = self.shift;
        let moved = baseline.iter().map(move |(b, n)| ((b + shift).min(histogram::BUCKETS - 1), n));
        self.tilt.update(candidate.iter(), moved, temper, new_second);
    }

    /// The edges.
    pub fn edges(&self) -> LatencyEdges {
        LatencyEdges(self.edges)
    }

    /// Lowers ln E to about `most` where it is above (valid: evidence is only thrown away).
    pub fn cap(&mut self, most: f64) {
        if self.log_e() > most {
            self.by_edge.iter_mut().for_each(|test| test.cap(most));
            self.tilt.cap(most);
        }
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        let mut values = [f64::NEG_INFINITY; 6];
        for (value, test) in values.iter_mut().zip(&self.by_edge) {
            *value = test.log_e();
        }
        log_mean_exp(&[log_mean_exp(&values), self.tilt.log_e()])
    }
}

fn mixture<const J: usize>(horizon: u32) -> Mixture<J> {
    if horizon > 0 { Mixture::late(horizon) } else { Mixture::plain() }
}
