//! The few numerical helpers that the tests share. All logarithms are natural.

/// ln Σ e^x, without overflow; −∞ for an empty sequence.
pub fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if !top.is_finite() {
        return top;
    }
    let share = |x: f64| if x - top > NEGLIGIBLE { (x - top).exp() } else { 0.0 };
    top + values.map(share).sum::<f64>().ln()
}

/// ln of a share of a sum that no f64 would notice.
const NEGLIGIBLE: f64 = -45.0;

/// ln of the mean of e^x: how e-values are averaged (valid under any dependence, Vovk & Wang 2021).
pub fn log_mean_exp(values: &[f64]) -> f64 {
    log_sum_exp(values.iter().copied()) - (values.len() as f64).ln()
}

/// ln(e^a + e^b).
pub fn ln_add_exp(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// The logarithms of `J` values from `lo` to `hi`, both included, evenly spaced in their logarithm.
pub fn log_spaced<const J: usize>(lo: f64, hi: f64) -> [f64; J] {
    let (first, last) = (lo.ln(), hi.ln());
    let step = (last - first) / J.saturating_sub(1).max(1) as f64;
    std::array::from_fn(|j| first + step * j as f64)
}

/// ln Γ(x) for x > 0 (Lanczos, g = 7, nine terms; relative error below 1e-13).
pub fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        // reflection
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let sum =
        TERMS.iter().zip(1..).fold(0.999_999_999_999_809_9, |sum, (term, i)| sum + term / (x + f64::from(i)));
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// ln B(a, b).
pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// ln Φ(x): the logarithm of the standard normal distribution. By the series around 0, and by the continued fraction of
/// Mills' ratio in the lower tail; relative error below 1e-9.
pub fn ln_normal_below(x: f64) -> f64 {
    let ln_density = -0.5 * x * x - 0.5 * (2.0 * std::f64::consts::PI).ln();
    if x < -3.0 {
        let fraction = (1..=80).rev().fold(-x, |fraction, i| -x + f64::from(i) / fraction);
        return ln_density - fraction.ln();
    }
    if x > 3.0 {
        return (-ln_normal_below(-x).exp()).ln_1p();
    }
    let (mut term, mut sum) = (x, x);
    for i in 1..60 {
        term *= x * x / f64::from(2 * i + 1);
        sum += term;
    }
    (0.5 + sum * ln_density.exp()).ln()
}

/// The root of an `f` that changes its sign between `lo` and `hi`, by bisection to the last bits.
pub fn bisect(mut lo: f64, mut hi: f64, f: impl Fn(f64) -> f64) -> f64 {
    let rising = f(hi) > 0.0;
    for _ in 0..200 {
        let mid = 0.5 * (lo + hi);
        if (f(mid) > 0.0) == rising {
            hi = mid;
        } else {
            lo = mid;
        }
    }
    0.5 * (lo + hi)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_gamma_of_known_points() {
        for (x, expected) in
            [(1.0, 0.0), (5.0, 24f64.ln()), (0.5, 0.572_364_942_924_700_1), (171.0, 706.573_062_245_787_4)]
        {
            assert!((ln_gamma(x) - expected).abs() < 1e-11, "{x}: {}", ln_gamma(x));
        }
    }

    #[test]
    fn the_normal_distribution_at_known_points() {
        for (x, expected) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-2.0, 0.022_750_131_948_179_2),
            (-3.5, 2.326_290_790_355_25e-4),
            (-6.0, 9.865_876_450_376_98e-10),
            (4.0, 0.999_968_328_758_166_9),
        ] {
            assert!((ln_normal_below(x).exp() / expected - 1.0).abs() < 1e-9, "{x}");
        }
        assert!((ln_normal_below(-40.0) + 804.608_442_013_754).abs() < 1e-6);
    }

    #[test]
    fn sums_of_exponentials_neither_overflow_nor_vanish() {
        assert!((ln_add_exp(1000.0, 1000.0) - (1000.0 + 2f64.ln())).abs() < 1e-12);
        assert_eq!(ln_add_exp(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert!((log_mean_exp(&[-2000.0, -2000.0]) + 2000.0).abs() < 1e-12);
    }
}
