//! From metrics to one result.

use std::collections::BTreeMap;

use super::{Class, MetricResult, Thresholds};

/// From this share of metrics without data on, nothing passes.
const TOO_MANY_WITHOUT_DATA: f64 = 0.5;

/// The score of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupScore {
    /// Its name.
    pub name: String,
    /// Passed ÷ counted metrics, in percent. None: no metric of it had data; it counts as 100.
    pub score: Option<f64>,
    /// Its weight in the whole, in percent.
    pub weight: f64,
}

/// What the score means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Good enough.
    Pass,
    /// For people to look at.
    Marginal,
    /// Not good enough.
    Fail,
}

/// The whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Each metric, in the order of the configuration.
    pub metrics: Vec<MetricResult>,
    /// Each group, by name.
    pub groups: Vec<GroupScore>,
    /// 0–100, rounded to two decimals.
    pub score: f64,
    /// What the score means.
    pub outcome: Outcome,
    /// Why the score is 0 whatever the groups say; empty: the groups made it.
    pub reason: String,
}

/// Scores of groups, the score, and what it means. Muted metrics count for nothing.
pub fn judgement(
    weights: &BTreeMap<String, f64>,
    thresholds: Thresholds,
    metrics: Vec<MetricResult>,
) -> Judgement {
    let counted: Vec<&MetricResult> = metrics.iter().filter(|metric| !metric.muted).collect();
    let groups = groups(weights, &counted);
    let weighted = groups.iter().map(|group| group.score.unwrap_or(100.0) * group.weight / 100.0);
    let reason = failure(&counted).unwrap_or_default();
    let score = if reason.is_empty() { (100.0 * weighted.sum::<f64>()).round() / 100.0 } else { 0.0 };
    let outcome = if score >= thresholds.pass {
        Outcome::Pass
    } else if score >= thresholds.marginal {
        Outcome::Marginal
    } else {
        Outcome::Fail
    };
    Judgement { groups, score, outcome, reason, metrics }
}

fn groups(weights: &BTreeMap<String, f64>, metrics: &[&MetricResult]) -> Vec<GroupScore> {
    let mut classes: BTreeMap<&str, Vec<Class>> = BTreeMap::new();
    for metric in metrics {
        for group in &metric.groups {
            classes.entry(group).or_default().push(metric.class);
        }
    }
    let unweighted = classes.keys().filter(|group| !weights.contains_key(**group)).count();
    let rest = (100.0 - weights.values().sum::<f64>()) / unweighted.max(1) as f64;
    let scored = |(name, classes): (&str, Vec<Class>)| GroupScore {
        name: name.to_owned(),
        score: score(&classes),
        weight: weights.get(name).copied().unwrap_or(rest),
    };
    classes.into_iter().map(scored).collect()
}

fn score(classes: &[Class]) -> Option<f64> {
    let counts =
        |class: &&Class| matches!(class, Class::Pass | Class::High | Class::Low | Class::NodataFailMetric);
    let counted = classes.iter().filter(counts).count();
    let passed = classes.iter().filter(|class| **class == Class::Pass).count();
    (counted > 0).then(|| 100.0 * passed as f64 / counted as f64)
}

/// Why nothing else matters.
fn failure(metrics: &[&MetricResult]) -> Option<String> {
    if let Some(critical) = metrics.iter().find(|metric| metric.critical && metric.class != Class::Pass) {
        return Some(format!("a critical metric failed: {}", critical.reason));
    }
    let without = metrics.iter().filter(|metric| metric.class == Class::Nodata).count();
    let too_many = !metrics.is_empty() && without as f64 >= TOO_MANY_WITHOUT_DATA * metrics.len() as f64;
    too_many.then(|| "half of the metrics or more have no data".to_owned())
}
