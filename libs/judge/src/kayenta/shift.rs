//! By how much one side lies above the other: Mann and Whitney's test, turned into an interval.
//!
//! The interval holds every shift that the rank test, corrected for ties and continuity and approximated by the
//! normal distribution, does not reject; the estimate is the shift at which both sides rank alike (Hodges and
//! Lehmann 1963). As in R's `wilcox.test(exact = FALSE, conf.int = TRUE)` the limits are found by Brent's root
//! finder, which stops within 1e-4: metrics on a smaller scale are blurred by that, in Kayenta and here.

/// z at 98 %: Φ⁻¹(0.99).
pub const Z98: f64 = 2.326_347_874_040_841;
/// Where the root finder stops.
const TOLERANCE: f64 = 1e-4;
const MOST_STEPS: usize = 1_000;

/// An interval of the shift, and its estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The least shift that is not rejected.
    pub lower: f64,
    /// The largest shift that is not rejected.
    pub upper: f64,
    /// Hodges and Lehmann's estimate.
    pub estimate: f64,
}

/// The shift of `x` above `y`, both ascending, at the two-sided confidence that belongs to `z`. None when there is
/// nothing on a side, or all values are tied at a shift that must be looked at.
pub fn shift(x: &[f64], y: &[f64], z: f64) -> Option<Shift> {
    let least = x.first()? - y.last()?;
    let most = x.last()? - y.first()?;
    let at = |mu: f64, wanted: f64| statistic(x, y, mu).map(|value| value - wanted);
    let limit = |wanted: f64| {
        let (low, high) = (at(least, wanted)?, at(most, wanted)?);
        if low <= 0.0 {
            Some(least)
        } else if high >= 0.0 {
            Some(most)
        } else {
            brent((least, low), (most, high), |mu| at(mu, wanted))
        }
    };
    let estimate = brent((least, at(least, 0.0)?), (most, at(most, 0.0)?), |mu| at(mu, 0.0))?;
    Some(Shift { lower: limit(z)?, upper: limit(-z)?, estimate })
}

/// The standardised rank sum of x − μ among both. None when all are tied.
fn statistic(x: &[f64], y: &[f64], mu: f64) -> Option<f64> {
    let (m, n) = (x.len() as f64, y.len() as f64);
    let (mut rank_sum, mut ties) = (0.0, 0.0);
    let (mut i, mut j) = (0, 0);
    loop {
        let value = match (x.get(i), y.get(j)) {
            (Some(a), Some(b)) => (a - mu).min(*b),
            (Some(a), None) => a - mu,
            (None, Some(b)) => *b,
            (None, None) => break,
        };
        let own = x.iter().skip(i).take_while(|a| **a - mu == value).count();
        let others = y.iter().skip(j).take_while(|b| **b == value).count();
        if own + others == 0 {
            return None; // not a number
        }
        let tied = (own + others) as f64;
        rank_sum += own as f64 * ((i + j) as f64 + 0.5 * (tied + 1.0));
        ties += tied.powi(3) - tied;
        (i, j) = (i + own, j + others);
    }
    let distance = rank_sum - m * (m + 1.0) / 2.0 - m * n / 2.0;
    let correction = if distance == 0.0 { 0.0 } else { 0.5 * distance.signum() };
    let variance = m * n / 12.0 * (m + n + 1.0 - ties / ((m + n) * (m + n - 1.0)));
    (variance > 0.0).then(|| (distance - correction) / variance.sqrt())
}

/// Brent's root finder (1973, as in Netlib's `zeroin`): the signs at both ends should differ. None when `f` has no
/// value where it looks.
fn brent(start: (f64, f64), end: (f64, f64), f: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let ((mut a, mut fa), (mut b, mut fb)) = (start, end);
    let (mut c, mut fc) = (a, fa);
    if fa == 0.0 {
        return Some(a);
    }
    for _ in 0..MOST_STEPS {
        let previous = b - a;
        if fc.abs() < fb.abs() {
            (a, b, c) = (b, c, b);
            (fa, fb, fc) = (fb, fc, fb);
        }
        let tolerance = 2.0 * f64::EPSILON * b.abs() + TOLERANCE / 2.0;
        let half = (c - b) / 2.0;
        if half.abs() <= tolerance || fb == 0.0 {
            return Some(b);
        }
        let interpolates = previous.abs() >= tolerance && fa.abs() > fb.abs();
        let step =
            if interpolates { interpolated((a, fa), (b, fb), (c, fc), tolerance, previous) } else { half };
        let step = if step.abs() < tolerance { tolerance.copysign(step) } else { step };
        (a, fa) = (b, fb);
        b += step;
        fb = f(b)?;
        if (fb > 0.0 && fc > 0.0) || (fb < 0.0 && fc < 0.0) {
            (c, fc) = (a, fa);
        }
    }
    Some(b)
}

/// A secant or inverse quadratic step where it is short enough, else half the way.
fn interpolated(
    (a, fa): (f64, f64),
    (b, fb): (f64, f64),
    (c, fc): (f64, f64),
    tolerance: f64,
    previous: f64,
) -> f64 {
    let way = c - b;
    let (p, q) = if a == c {
        let t = fb / fa;
        (way * t, 1.0 - t)
    } else {
        let (q, t1, t2) = (fa / fc, fb / fc, fb / fa);
        (t2 * (way * q * (q - t1) - (b - a) * (t1 - 1.0)), (q - 1.0) * (t1 - 1.0) * (t2 - 1.0))
    };
    let (p, q) = if p > 0.0 { (p, -q) } else { (-p, q) };
    let short = p < 0.75 * way * q - (tolerance * q).abs() / 2.0 && p < (previous * q / 2.0).abs();
    if short { p / q } else { way / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kayenta's own published figures for these sides, at 95 %.
    #[test]
    fn known_figures() {
        let found = shift(&[10.0, 20.0, 30.0, 40.0], &[1.0, 2.0, 3.0, 4.0], 1.959_963_984_540_054).unwrap();
        assert!((found.lower - 6.0).abs() < 1e-6, "{found:?}");
        assert!((found.upper - 39.0).abs() < 1e-6, "{found:?}");
        assert!((found.estimate - 22.5).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn nothing_to_rank_has_no_shift() {
        assert_eq!(shift(&[], &[1.0], Z98), None);
        assert_eq!(shift(&[2.0], &[1.0], Z98), None, "one against one ends in a tie");
        assert_eq!(shift(&[f64::INFINITY, f64::INFINITY], &[f64::INFINITY], Z98), None);
    }
}
