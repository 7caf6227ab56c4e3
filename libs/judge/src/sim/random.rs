//! Seeded randomness for simulations; not for secrets.

use crate::math::ln_gamma;

/// SplitMix64 (Steele, Lea & Flood 2014) with the distributions that requests need.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    spare: Option<f64>,
}

// === impl Random ===

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        // far apart even for neighbouring seeds
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d, spare: None }
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box & Muller 1958).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (2.0 * std::f64::consts::PI * self.uniform()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// Poisson: by multiplication below a mean of 10, by transformed rejection above (PTRS, Hörmann 1993).
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean >= 10.0 {
            return self.large_poisson(mean);
        }
        let (floor, mut product, mut count) = ((-mean).exp(), self.uniform(), 0);
        while product > floor {
            product *= self.uniform();
            count += 1;
        }
        count
    }

    fn large_poisson(&mut self, mean: f64) -> u64 {
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.024_83 * b;
        let alpha = 1.1239 + 1.1328 / (b - 3.4);
        let quick = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let (u, v) = (self.uniform() - 0.5, self.uniform());
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= quick {
                return k as u64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            if (v * alpha / (a / (us * us) + b)).ln() <= k * mean.ln() - mean - ln_gamma(k + 1.0) {
                return k as u64;
            }
        }
    }

    /// Gamma with this shape and mean (Marsaglia & Tsang 2000; below a shape of 1 by boosting).
    pub fn gamma(&mut self, shape: f64, mean: f64) -> f64 {
        if shape < 1.0 {
            let boost = (1.0 - self.uniform()).powf(1.0 / shape);
            return self.gamma(shape + 1.0, mean * (shape + 1.0) / shape) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.uniform()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v * mean / shape;
            }
        }
    }

    /// Binomial: by waiting times between hits.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        if p <= 0.0 {
            return 0;
        }
        if p >= 1.0 {
            return n;
        }
        let (mut at, mut hits) = (0.0, 0);
        let scale = (-p).ln_1p();
        loop {
            at += ((1.0 - self.uniform()).ln() / scale).floor() + 1.0;
            if at > n as f64 {
                return hits;
            }
            hits += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_variances_are_right() {
        let mut random = Random::new(7);
        let draws = 20_000;
        let moments = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
        };
        let poisson: Vec<f64> = (0..draws).map(|_| random.poisson(90.0) as f64).collect();
        let binomial: Vec<f64> = (0..draws).map(|_| random.binomial(100, 0.05) as f64).collect();
        let few: Vec<f64> = (0..draws).map(|_| random.poisson(4.0) as f64).collect();
        let normal: Vec<f64> = (0..draws).map(|_| random.normal()).collect();
        let gamma: Vec<f64> = (0..draws).map(|_| random.gamma(4.0, 2.0)).collect();
        let small: Vec<f64> = (0..draws).map(|_| random.gamma(0.5, 1.0)).collect();
        for (values, mean, variance) in [
            (poisson, 90.0, 90.0),
            (binomial, 5.0, 4.75),
            (few, 4.0, 4.0),
            (normal, 0.0, 1.0),
            (gamma, 2.0, 1.0),
            (small, 1.0, 2.0),
        ] {
            let (m, v) = moments(&values);
            assert!((m - mean).abs() < 0.3 && (v / variance - 1.0).abs() < 0.06, "{m} {v}");
        }
    }
}
