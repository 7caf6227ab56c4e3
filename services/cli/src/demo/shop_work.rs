//! How long the shop takes for an answer.

use std::{f64::consts::TAU, time::Duration};

use bellwether_clock::Env;

/// Of a healthy version.
const MEDIAN_MILLIS: f64 = 4.0;
/// Of ln(duration): p99 is about 13 ms.
const SIGMA: f64 = 0.5;
/// Φ⁻¹(0.95).
const P95: f64 = 1.645;
const LONGEST_MILLIS: f64 = 5_000.0;

/// How a version is slow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Each request takes so many times as long.
    pub(super) all: f64,
    /// Those above the 95th percentile take so many times as long again.
    pub(super) tail: f64,
}

// === impl Pace ===

impl Pace {
    /// Lognormal, by Box and Muller (1958).
    pub(super) fn draw(self, env: &Env) -> Duration {
        let normal = (-2.0 * (1.0 - unit(env)).ln()).sqrt() * (TAU * unit(env)).cos();
        self.at(normal)
    }

    fn at(self, normal: f64) -> Duration {
        let tail = if normal > P95 { self.tail } else { 1.0 };
        let millis = MEDIAN_MILLIS * (SIGMA * normal).exp() * self.all * tail;
        Duration::from_secs_f64(millis.clamp(0.0, LONGEST_MILLIS) / 1000.0)
    }
}

/// Uniform in [0, 1).
pub(super) fn unit(env: &Env) -> f64 {
    (env.random() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_tail_leaves_the_rest_as_it_was() {
        let (good, slow) = (Pace { all: 1.0, tail: 1.0 }, Pace { all: 1.0, tail: 3.0 });
        assert_eq!(good.at(0.0), Duration::from_millis(4));
        assert_eq!(slow.at(1.6), good.at(1.6));
        assert_eq!(slow.at(1.7).as_millis(), (3 * good.at(1.7)).as_millis());
        assert_eq!(Pace { all: 1e9, tail: 3.0 }.at(2.0), Duration::from_secs(5));
    }
}
