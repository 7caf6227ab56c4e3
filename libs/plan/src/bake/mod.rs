//! How long each bake lasts: by statistics where the traffic is known, else by the risk band.

mod lengths;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::EnvironmentId;

pub(crate) use lengths::{Baking, planned};

/// Where the expected traffic is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TrafficBasis {
    /// What stable had during the last hour.
    Measured,
    /// What the application's health policy says.
    Declared,
}

/// The traffic that is expected in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Requests per second to the whole application, above 0.
    pub requests_per_second: f64,
    /// The share of them that fails, 0–100 %; `None`: unknown.
    pub errors_percent: Option<f64>,
    /// Where that is known from.
    pub basis: TrafficBasis,
}

/// What a health policy says that bakes depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HealthBounds {
    /// An error rate that is never failed by comparison, percent.
    pub tolerate_percent: f64,
    /// An error rate that is passed whatever the old version's is, percent: 100 − SLO, or 1.
    pub pass_below_percent: f64,
    /// Latency counts only from this long after an instance's first request.
    pub warm_up: Duration,
}

/// What is asked of the health-monitor: how long this takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Whose health policy counts.
    pub environment: EnvironmentId,
    /// Requests per second to the whole application.
    pub requests_per_second: f64,
    /// The candidate's share, above 0, at most 100 %.
    pub share_percent: f64,
    /// The error rate of today, 0–100 %.
    pub baseline_percent: f64,
    /// The smallest error rate that must be seen, above the baseline, at most 100 %.
    pub effect_percent: f64,
}

/// Its answer. `None`: not within a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Half of the rollouts with the effect fail within this.
    pub fail_p50: Option<Duration>,
    /// 95 % of them do.
    pub fail_p95: Option<Duration>,
    /// Half of the good ones pass within this.
    pub pass_p50: Option<Duration>,
    /// 95 % of them do.
    pub pass_p95: Option<Duration>,
    /// What it remarked, for people.
    pub notes: Vec<String>,
}

/// What the health-monitor answered so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// By question.
    pub known: Vec<(Question, Forecast)>,
    /// Why there are none where there are none, for people.
    pub missing_because: String,
}

/// Where the lengths of a bake come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BakeBasis {
    /// The risk band.
    RiskBand,
    /// Statistics, for the expected traffic.
    Analysis,
    /// Somebody asked for them.
    AskedFor,
}

/// One bake of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedBake {
    /// The candidate's share of traffic meanwhile, percent; 0: no user is on it.
    pub share_percent: f64,
    /// At least this long.
    pub min: Duration,
    /// Undecided after this: the policy decides.
    pub max: Duration,
    /// Where the lengths come from.
    pub basis: BakeBasis,
    /// Why, for people.
    pub text: String,
    /// The traffic that is expected; `None`: nothing is known of it.
    pub traffic: Option<Traffic>,
    /// What the statistics were asked; `None`: nothing can be asked.
    pub question: Option<Question>,
    /// What they answered; `None`: nothing.
    pub forecast: Option<Forecast>,
}

// === impl HealthBounds ===

impl Default for HealthBounds {
    /// Those of a policy that says nothing.
    fn default() -> Self {
        Self { tolerate_percent: 0.1, pass_below_percent: 1.0, warm_up: Duration::from_secs(30) }
    }
}

// === impl Answers ===

impl Answers {
    fn to(&self, question: &Question) -> Option<&Forecast> {
        self.known.iter().find(|(asked, _)| asked == question).map(|(_, forecast)| forecast)
    }
}

// === impl PlannedBake ===

impl PlannedBake {
    /// Whether statistics were asked, and there is too little traffic for them.
    pub fn lacks_traffic(&self) -> bool {
        self.basis == BakeBasis::RiskBand && self.forecast.is_some()
    }
}
