//! Anomalies: the detector on labelled series (NAB), by that benchmark's rule of scoring.
//!
//! One setting, and one threshold for the whole corpus, chosen to maximise the profile's score: that is the rule.
//! The whole corpus is not in the repository; `--data` says where it is. Without it a part of it is scored.

mod corpus;
mod score;

use std::{path::Path, time::Duration};

use bellwether_judge::anomaly::{Detector, Settings};

use self::{
    corpus::Series,
    score::{LOW_FALSE_NEGATIVES, LOW_FALSE_POSITIVES, STANDARD},
};
use crate::{figures::Figures, run::Run};

const GOAL: f64 = 60.0;
const MOST_PER_RECORD: Duration = Duration::from_micros(50);
/// A part of the corpus.
const PART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/nab");

/// Scores the corpus in this directory, else the part of it that is in the repository.
///
/// # Errors
/// When the corpus cannot be read.
pub fn measure(run: &Run, data: Option<&Path>) -> anyhow::Result<Figures> {
    let corpus = corpus::read(data.unwrap_or(Path::new(PART)))?;
    let records: usize = corpus.iter().map(|series| series.values.len()).sum();
    let started = run.env.now();
    let scores: Vec<Vec<f64>> = corpus.iter().map(detect).collect();
    let spent = run.env.now().duration_since(started).unsigned_abs();
    let per_record = spent.as_secs_f64() * 1e6 / records.max(1) as f64;
    let found = [STANDARD, LOW_FALSE_POSITIVES, LOW_FALSE_NEGATIVES]
        .map(|profile| score::best(&corpus, &scores, &profile));

    let mut figures = Figures::default();
    let [standard, low_false_positives, low_false_negatives] = found;
    figures.number("standard", standard.score);
    figures.number("low_false_positives", low_false_positives.score);
    figures.number("low_false_negatives", low_false_negatives.score);
    figures.number("threshold_decades", standard.threshold / (1.0 - standard.threshold));
    figures.number("series", corpus.len() as f64);
    figures.number("windows", corpus.iter().map(|series| series.windows.len()).sum::<usize>() as f64);
    figures.number("records", records as f64);
    figures.number("per_record_us", per_record);
    let quick = per_record < MOST_PER_RECORD.as_secs_f64() * 1e6;
    figures.goal("a record takes less than 50 µs", quick);
    if data.is_some() {
        figures.goal(&format!("standard profile at least {GOAL}"), standard.score >= GOAL);
    } else {
        figures.note("a small part of the corpus: the score is of it alone; --data DIRECTORY for the whole");
    }
    Ok(figures)
}

/// A score for each record, from those before it.
fn detect(series: &Series) -> Vec<f64> {
    let mut detector = Detector::new(Settings::default());
    let records = series.times.iter().zip(&series.values);
    records.map(|(at, value)| detector.observe(*at, *value).score()).collect()
}
