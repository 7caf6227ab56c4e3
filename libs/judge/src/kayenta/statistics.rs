//! Figures of one side, for people, and the sizes of a change.

/// Figures of one side, after cleaning.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The least value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The sample's standard deviation; 0 below two values.
    pub std: f64,
    /// How many values.
    pub count: usize,
}

// === impl Statistics ===

impl Statistics {
    /// Of ascending values; all zero without values.
    pub fn of(sorted: &[f64]) -> Self {
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return Self::default() };
        let count = sorted.len();
        let mean = mean(sorted);
        let squares: f64 = sorted.iter().map(|x| (x - mean).powi(2)).sum();
        let std = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        Self { min, max, mean, std, count }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Candidate's mean ÷ baseline's. NaN when either is zero.
pub fn mean_ratio(candidate: &Statistics, baseline: &Statistics) -> f64 {
    if candidate.mean == 0.0 || baseline.mean == 0.0 { f64::NAN } else { candidate.mean / baseline.mean }
}

/// The share of pairs in which the candidate is above, ties counted half (Vargha and Delaney 2000). Both
/// ascending; NaN when there is nothing on a side.
pub fn cles(candidate: &[f64], baseline: &[f64]) -> f64 {
    let (mut below, mut through, mut sum) = (0, 0, 0.0);
    for x in candidate {
        below += baseline.iter().skip(below).take_while(|y| *y < x).count();
        through = through.max(below);
        through += baseline.iter().skip(through).take_while(|y| *y <= x).count();
        sum += 0.5 * (below + through) as f64;
    }
    sum / (candidate.len() * baseline.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_above_are_counted_and_ties_count_half() {
        assert_eq!(cles(&[1.0, 2.0], &[1.0, 2.0]), 0.5);
        assert_eq!(cles(&[3.0, 4.0], &[1.0, 2.0]), 1.0);
        assert_eq!(cles(&[1.0, 5.0], &[1.0, 2.0, 3.0]), (0.5 + 3.0) / 6.0);
        assert!(cles(&[], &[1.0]).is_nan());
    }

    #[test]
    fn figures() {
        let found = Statistics::of(&[1.0, 2.0, 3.0, 6.0]);
        assert_eq!((found.min, found.max, found.mean, found.count), (1.0, 6.0, 3.0, 4));
        assert!((found.std - (14.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!(mean_ratio(&found, &Statistics::default()).is_nan());
    }
}
