//! What is done to the points before they are compared.

use super::config::Analysis;

/// The points that count, in ascending order.
pub fn clean(analysis: &Analysis, points: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = if analysis.replaces() {
        points.iter().map(|&x| if x.is_nan() { 0.0 } else { x }).collect()
    } else {
        points.iter().copied().filter(|x| !x.is_nan()).collect()
    };
    values.sort_by(f64::total_cmp);
    if let Some(factor) = analysis.outliers.fence() {
        let (low, high) = fences(&values, factor);
        values.retain(|&x| low <= x && x <= high);
    }
    values
}

/// Tukey's fences around the quartiles, widened to the first and the last percentile.
fn fences(sorted: &[f64], factor: f64) -> (f64, f64) {
    let at = |p| percentile(sorted, p).unwrap_or(0.0);
    let (q1, q3) = (at(0.25), at(0.75));
    let range = factor * (q3 - q1);
    ((q1 - range).min(at(0.01)), (q3 + range).max(at(0.99)))
}

/// The percentile `p` in 0–1 of ascending values, linear between the two nearest (R-7, Hyndman and Fan 1996).
/// None without values.
pub fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let at = p * sorted.len().checked_sub(1)? as f64;
    let (below, part) = (at.floor(), at.fract());
    let low = *sorted.get(below as usize)?;
    let high = *sorted.get(below as usize + 1).unwrap_or(&low);
    Some(low + part * (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kayenta::config::Outliers;

    #[test]
    fn percentiles_lie_between_values() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(percentile(&values, 0.25), Some(1.75));
        assert_eq!(percentile(&values, 1.0), Some(4.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn outliers_go_only_where_asked_and_far_out() {
        let mut points: Vec<f64> = (0..200).map(f64::from).collect();
        points.push(10_000.0);
        points.push(f64::NAN);
        let keep = Analysis::default();
        assert_eq!(clean(&keep, &points).len(), 201);
        let remove = Analysis {
            outliers: Outliers { strategy: "remove".to_owned(), outlier_factor: None },
            ..Analysis::default()
        };
        assert_eq!(clean(&remove, &points).len(), 200);
        // the fence never cuts into the first and last percentile: with few points nothing is far enough out
        assert_eq!(clean(&remove, &[1.0, 1.0, 1.0]).len(), 3);
    }

    #[test]
    fn what_is_no_number_is_removed_or_zero() {
        let replace = Analysis { nan_strategy: "replace".to_owned(), ..Analysis::default() };
        assert_eq!(clean(&replace, &[f64::NAN, 2.0, -1.0]), [-1.0, 0.0, 2.0]);
        assert_eq!(clean(&Analysis::default(), &[f64::NAN, 2.0, -1.0]), [-1.0, 2.0]);
    }
}
