//! Kayenta's canary configuration, as its JSON says it. What this judge has no use for (queries, templates,
//! accounts) is skipped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A canary configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Config {
    /// Its name.
    pub name: String,
    /// What is compared.
    pub metrics: Vec<Metric>,
    /// How scores are made.
    pub classifier: Classifier,
}

/// One metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// The groups that it counts for.
    pub groups: Vec<String>,
    /// How it is looked at; Kayenta keeps it under the key `canary`.
    pub analysis_configurations: AnalysisConfigurations,
}

/// See [`Metric`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnalysisConfigurations {
    /// Of the judge.
    pub canary: Analysis,
}

/// How a metric is looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Analysis {
    /// Which change is a failure: `increase`, `decrease`, anything else means either.
    pub direction: String,
    /// `replace`: what is not a number becomes zero; anything else: it is removed.
    pub nan_strategy: String,
    /// A failure of this metric fails the whole.
    pub critical: bool,
    /// Having no data counts as a failure.
    pub must_have_data: bool,
    /// Shown, but counts for nothing.
    pub muted: bool,
    /// What is done with outliers.
    pub outliers: Outliers,
    /// How large a change must be.
    pub effect_size: EffectSize,
}

/// What is done with outliers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Outliers {
    /// `remove`: they are; anything else: they stay.
    pub strategy: String,
    /// The fence is this many quartile ranges away. Default 3.
    pub outlier_factor: Option<f64>,
}

/// How large a change must be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EffectSize {
    /// `cles`: the share of pairs in which the candidate is above; anything else: the ratio of the means.
    pub measure: String,
    /// At least this for High. Default 1, for `cles` ½.
    pub allowed_increase: Option<f64>,
    /// At most this for Low.
    pub allowed_decrease: Option<f64>,
    /// At least this for a critical failure.
    pub critical_increase: Option<f64>,
    /// At most this for a critical failure.
    pub critical_decrease: Option<f64>,
}

/// How scores are made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Classifier {
    /// Weights of groups in percent; groups without one share the rest.
    pub group_weights: BTreeMap<String, f64>,
    /// Where older configurations keep the thresholds.
    pub score_thresholds: Option<Thresholds>,
}

/// What scores mean, 0–100, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// From here on: pass.
    pub pass: f64,
    /// From here on: marginal.
    pub marginal: f64,
}

/// Which change is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is.
    Increase,
    /// Less is.
    Decrease,
    /// Both are.
    Either,
}

/// How the size of a change is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Candidate's mean ÷ baseline's; not a number when either is zero.
    MeanRatio,
    /// The share of pairs in which the candidate is above (Vargha and Delaney 2000); ½ for equal sides.
    Cles,
}

// === impl Analysis ===

impl Analysis {
    /// Which change is a failure.
    pub fn direction(&self) -> Direction {
        match self.direction.as_str() {
            "increase" => Direction::Increase,
            "decrease" => Direction::Decrease,
            _ => Direction::Either,
        }
    }

    /// Whether what is not a number becomes zero.
    pub fn replaces(&self) -> bool {
        self.nan_strategy == "replace"
    }
}

// === impl Outliers ===

impl Outliers {
    /// The factor of the fence; None: outliers stay.
    pub fn fence(&self) -> Option<f64> {
        (self.strategy == "remove").then(|| self.outlier_factor.unwrap_or(3.0))
    }
}

// === impl EffectSize ===

impl EffectSize {
    /// How the size of a change is measured.
    pub fn measure(&self) -> Measure {
        if self.measure == "cles" { Measure::Cles } else { Measure::MeanRatio }
    }

    /// What stands for "no change".
    pub fn none(&self) -> f64 {
        match self.measure() {
            Measure::MeanRatio => 1.0,
            Measure::Cles => 0.5,
        }
    }
}

// === impl Thresholds ===

impl Default for Thresholds {
    /// The example of Kayenta's documentation.
    fn default() -> Self {
        Self { pass: 95.0, marginal: 75.0 }
    }
}
