//! When will it be full? The trend of a utilisation, with an interval.
//!
//! A straight line by least squares. Utilisation is no white noise: the line's standard error is widened by
//! √((1 + ρ)/(1 − ρ)), ρ the lag-1 autocorrelation of the residuals (at least 0, at most 0.95). What the line says
//! outside of what was seen is as good as the assumption that things go on as they did.

/// Fewer points than this have no trend.
const LEAST_POINTS: usize = 12;
/// Φ⁻¹(0.975).
const Z95: f64 = 1.959_963_984_540_054;
const MOST_CORRELATED: f64 = 0.95;

/// A trend, and when it reaches the limit. Times in the unit of the points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// The line's value at the last point.
    pub level: f64,
    /// Growth per unit of time.
    pub slope: f64,
    /// The slope at 95 %: at least,
    pub slope_low: f64,
    /// and at most.
    pub slope_high: f64,
    /// From the last point until the limit is reached: with the largest slope. None: not even then.
    pub earliest: Option<f64>,
    /// With the estimated slope. None: never.
    pub expected: Option<f64>,
    /// With the smallest slope. None: never.
    pub latest: Option<f64>,
}

/// The trend of points (time, value), in order of time, against a limit. None when there are too few, or all at one
/// time.
pub fn forecast(points: &[(f64, f64)], limit: f64) -> Option<Forecast> {
    let n = points.len() as f64;
    if points.len() < LEAST_POINTS {
        return None;
    }
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (t, v) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|p| (p.0 - t).powi(2)).sum();
    if spread <= 0.0 {
        return None;
    }
    let slope = points.iter().map(|p| (p.0 - t) * (p.1 - v)).sum::<f64>() / spread;
    let residuals: Vec<f64> = points.iter().map(|p| p.1 - v - slope * (p.0 - t)).collect();
    let squares: f64 = residuals.iter().map(|r| r * r).sum();
    let rho = autocorrelation(&residuals, squares);
    let error = (squares / (n - 2.0) / spread).sqrt() * ((1.0 + rho) / (1.0 - rho)).sqrt();
    let last = points.last()?.0;
    let level = v + slope * (last - t);
    let (low, high) = (slope - Z95 * error, slope + Z95 * error);
    let until = |slope: f64| match (level >= limit, slope > 0.0) {
        (true, _) => Some(0.0),
        (false, true) => Some((limit - level) / slope),
        (false, false) => None,
    };
    Some(Forecast {
        level,
        slope,
        slope_low: low,
        slope_high: high,
        earliest: until(high),
        expected: until(slope),
        latest: until(low),
    })
}

fn autocorrelation(residuals: &[f64], squares: f64) -> f64 {
    if squares <= 0.0 {
        return 0.0;
    }
    let pairs = residuals.iter().zip(residuals.iter().skip(1));
    (pairs.map(|(a, b)| a * b).sum::<f64>() / squares).clamp(0.0, MOST_CORRELATED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Random;

    #[test]
    fn a_steady_growth_reaches_the_limit_when_it_should() {
        let mut random = Random::new(11);
        let points: Vec<(f64, f64)> =
            (0..400).map(|i| (f64::from(i), 20.0 + 0.1 * f64::from(i) + random.normal())).collect();
        let found = forecast(&points, 80.0).unwrap();
        let expected = found.expected.unwrap();
        assert!((expected - 200.0).abs() < 15.0, "{found:?}");
        assert!(found.earliest.unwrap() < expected && expected < found.latest.unwrap());
    }

    #[test]
    fn noise_without_a_trend_has_no_latest_end() {
        let mut random = Random::new(5);
        let mut drift = 0.0;
        let points: Vec<(f64, f64)> = (0..200)
            .map(|i| {
                drift = 0.9 * drift + random.normal();
                (f64::from(i), 50.0 + drift)
            })
            .collect();
        assert_eq!(forecast(&points, 80.0).unwrap().latest, None);
    }

    #[test]
    fn what_is_full_is_full_now_and_little_is_not_enough() {
        let points: Vec<(f64, f64)> = (0..20).map(|i| (f64::from(i), 95.0)).collect();
        assert_eq!(forecast(&points, 90.0).unwrap().expected, Some(0.0));
        assert_eq!(forecast(&points[..5], 90.0), None);
        assert_eq!(forecast(&[(1.0, 2.0); 20], 90.0), None);
    }
}
