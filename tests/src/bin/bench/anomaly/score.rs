//! NAB's rule of scoring (Lavin and Ahmad 2015).
//!
//! In a window the earliest detection counts, the more the earlier it is; a window without one costs. A detection
//! outside of windows costs, less so soon after one. The first part of each series is not scored.

use std::ops::RangeInclusive;

use super::corpus::Series;

/// What detections are worth.
#[derive(Clone, Copy)]
pub struct Profile {
    /// At most, a window that is found.
    found: f64,
    /// At most, a detection that is none.
    false_positive: f64,
    /// A window that is not found.
    missed: f64,
}

/// The best that one threshold for all series reaches.
pub struct Best {
    /// 0: no detection at all; 100: every window found at its start and nothing else.
    pub score: f64,
    /// The threshold.
    pub threshold: f64,
}

/// The standard profile.
pub const STANDARD: Profile = Profile { found: 1.0, false_positive: 0.11, missed: 1.0 };
/// False positives cost double.
pub const LOW_FALSE_POSITIVES: Profile = Profile { found: 1.0, false_positive: 0.22, missed: 1.0 };
/// Misses cost double.
pub const LOW_FALSE_NEGATIVES: Profile = Profile { found: 1.0, false_positive: 0.11, missed: 2.0 };

/// The share of a series that is not scored, and the most records of it.
const PROBATION: (f64, usize) = (0.15, 750);
/// Beyond this many lengths of the window before it, a false positive costs all.
const FAR: f64 = 3.0;

/// One record.
struct Record {
    score: f64,
    /// What a detection here is worth: in a window, unless there is an earlier one.
    worth: f64,
    window: Option<usize>,
}

/// The best threshold's score.
pub fn best(corpus: &[Series], scores: &[Vec<f64>], profile: &Profile) -> Best {
    let mut records = Vec::new();
    let mut windows = 0;
    for (series, scores) in corpus.iter().zip(scores) {
        records.extend(worths(series, scores, windows, profile));
        windows += series.windows.len();
    }
    records.sort_by(|a, b| b.score.total_cmp(&a.score));
    let null = -profile.missed * windows as f64;
    let mut found = vec![None; windows];
    let (mut total, mut best, mut threshold) = (null, null, 1.0);
    for (index, record) in records.iter().enumerate() {
        if record.score <= 0.0 {
            break;
        }
        total += match record.window.and_then(|window| found.get_mut(window)) {
            None => record.worth,
            Some(found) => {
                let gain = record.worth - found.unwrap_or(-profile.missed);
                *found = Some(found.map_or(record.worth, |earlier: f64| earlier.max(record.worth)));
                gain.max(0.0)
            }
        };
        let last_alike = records.get(index + 1).is_none_or(|next| next.score < record.score);
        if last_alike && total > best {
            (best, threshold) = (total, record.score);
        }
    }
    let perfect = profile.found * windows as f64;
    Best { score: 100.0 * (best - null) / (perfect - null), threshold }
}

fn worths(series: &Series, scores: &[f64], first_window: usize, profile: &Profile) -> Vec<Record> {
    let probation = ((PROBATION.0 * scores.len() as f64) as usize).min(PROBATION.1);
    let record = |(index, score): (usize, &f64)| {
        let inside = series.windows.iter().position(|window| window.contains(&index));
        let (worth, window) = match inside.and_then(|at| Some((at, series.windows.get(at)?))) {
            Some((at, window)) => (profile.found * early(window, index), Some(first_window + at)),
            None => (profile.false_positive * outside(&series.windows, index), None),
        };
        Record { score: *score, worth, window }
    };
    scores.iter().enumerate().skip(probation).map(record).collect()
}

/// 1 at the window's start, falling to 0 at its end.
fn early(window: &RangeInclusive<usize>, index: usize) -> f64 {
    let length = (window.end() - window.start() + 1) as f64;
    let left = (window.end() - index + 1) as f64;
    sigmoid(-left / length) / sigmoid(-1.0)
}

/// From 0 just after a window to −1 far from any.
fn outside(windows: &[RangeInclusive<usize>], index: usize) -> f64 {
    let Some(before) = windows.iter().rev().find(|window| *window.end() < index) else { return -1.0 };
    let length = (before.end() - before.start()).max(1) as f64;
    let distance = (index - before.end()) as f64 / length;
    if distance > FAR { -1.0 } else { sigmoid(distance) }
}

fn sigmoid(y: f64) -> f64 {
    2.0 / (1.0 + (5.0 * y).exp()) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(windows: Vec<RangeInclusive<usize>>) -> Series {
        Series { times: Vec::new(), values: Vec::new(), windows }
    }

    fn score(detections: &[usize]) -> f64 {
        let mut scores = vec![0.0; 1_000];
        for at in detections {
            scores[*at] = 0.9;
        }
        best(&[series(vec![400..=499])], &[scores], &STANDARD).score
    }

    #[test]
    fn the_first_detection_of_a_window_counts_and_false_ones_cost() {
        assert!((score(&[400]) - 100.0).abs() < 1e-9);
        assert!((score(&[400, 450, 490]) - 100.0).abs() < 1e-9);
        let late = score(&[480]);
        assert!(late > 50.0 && late < 90.0, "{late}");
        assert!((score(&[400, 990]) - (100.0 - 0.5 * 11.0)).abs() < 1e-9);
        assert_eq!(score(&[]), 0.0);
        // within the probation
        assert_eq!(score(&[400, 20]), score(&[400]));
    }
}
