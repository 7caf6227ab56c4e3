//! What one analysis looks at, and how strictly.

use std::time::Duration;

use serde::{Deserialize, Serialize};

mod measures;

mod probes;

pub use measures::{Connections, Count, Counter, Exposure, Gauge, Preset, Saturation, Worse};
pub use probes::{Declared, Probes};

/// The settings of an analysis, fixed at its start. All rates and shares are fractions (0.01 = 1 %).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The chance per rollout of a FAIL for a version that is exactly as bad as its margin allows.
    pub alpha: f64,
    /// The chance per segment of a PASS for a version that is as bad as `pass_ratio`.
    pub beta: f64,
    /// Latency counts only from this long after an instance's first request.
    pub warm_up: Duration,
    /// Wanted share of requests without an error.
    pub slo: Option<f64>,
    /// S of the late onset: the sum of the longest bakes, at most 24 h. Zero: no late onset.
    pub horizon: Duration,
    /// Whether any planned segment has no live baseline; fixes the weights.
    pub one_sided: bool,
    /// Whether no planned segment has a live baseline (blue-green, recreate): then the forms alone carry most of the
    /// weight.
    #[serde(default)]
    pub compares_nowhere: bool,
    /// Whether there is a baseline fleet at all.
    pub has_baseline: bool,
    /// What is looked at.
    pub checks: Vec<CheckSpec>,
    /// Requests that are counted on their own.
    pub journeys: Vec<Journey>,
    /// Low risk: after the minimum without an error, with all probes green, a step may be passed by policy where the
    /// statistics cannot decide. The verdict stays UNDECIDED and says so.
    #[serde(default)]
    pub pass_by_policy: bool,
    /// Another judge compares with the live baseline: the comparisons are shown and carry no weight.
    #[serde(default)]
    pub compared_elsewhere: bool,
    /// Whether requests and latencies come from one source.
    #[serde(default)]
    pub coming: Coming,
    /// The probes that were declared at the start. None: there were none, and no check of them carries weight.
    #[serde(default)]
    pub probes: Option<Declared>,
}

/// How requests and latencies come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Coming {
    /// In the same samples, or there are no latencies.
    #[default]
    Together,
    /// From different sources, at different moments: each is judged as it comes, and time is observed while both come.
    Apart,
    /// No source tells requests.
    LatencyOnly,
}

/// One thing that is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckSpec {
    /// Its id, distinct within the settings.
    pub id: String,
    /// What it may do.
    pub role: Role,
    /// What it looks at.
    pub kind: CheckKind,
}

/// What a check may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// May FAIL, must PASS.
    Blocking,
    /// May FAIL, PASS does not wait for it.
    Guard,
    /// Warns only.
    Advisory,
}

/// What a check looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CheckKind {
    /// The share of requests that fail.
    ErrorRate(ErrorRate),
    /// How long requests take.
    Latency(Latency),
    /// The share of one HTTP status.
    StatusShare(StatusShare),
    /// Whether the candidate gets at least half the share it should.
    TrafficShare,
    /// The share of attempts without a connection.
    Connections(Connections),
    /// How often something happens: throughput, business.
    Count(Count),
    /// The mean of a gauge.
    Gauge(Gauge),
    /// A share of a capacity, against a threshold.
    Saturation(Saturation),
    /// The share of runs of probes that fail.
    Probes(Probes),
}

/// Settings of the comparison of error rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorRate {
    /// Ratio up to which a difference does not matter; None: 1.25, or 1.5 without measured dispersion.
    pub margin: Option<f64>,
    /// Rate up to which a difference does not matter.
    pub tolerate: f64,
    /// Ratio that PASS excludes.
    pub pass_ratio: f64,
    /// Rate that PASS excludes instead; None: 1 − SLO, else 1 %.
    pub pass_below: Option<f64>,
    /// Only the requests of this journey.
    pub journey: Option<String>,
}

/// Settings of the comparison of latencies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// FAIL: slower by more than 2^{shift/8}.
    pub shift: usize,
    /// WARN: the same for this shift.
    pub warn_shift: usize,
    /// Absolute limit where there is no baseline.
    pub limit: Option<LatencyLimit>,
}

/// "At most `share` of the requests may be slower than `millis` ms."
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyLimit {
    /// In ms.
    pub millis: f64,
    /// A fraction.
    pub share: f64,
}

/// Settings of the comparison of one status' share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusShare {
    /// The HTTP status.
    pub status: u16,
    /// As in [`ErrorRate`].
    pub margin: Option<f64>,
    /// As in [`ErrorRate`].
    pub tolerate: f64,
}

/// Requests that belong together for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    /// Its id.
    pub id: String,
    /// More than 5 % errors on it FAIL whatever the baseline does.
    pub critical: bool,
}

/// Share of errors on a critical journey that fails a rollout.
pub const CRITICAL_JOURNEY_LIMIT: f64 = 0.05;
/// Error rate that fails a rollout where there is neither a baseline nor a history.
pub const ABSOLUTE_ERROR_LIMIT: f64 = 0.05;
/// Error rate that warns.
pub const WARN_ERROR_RATE: f64 = 0.02;
/// Share of attempts without a connection that warns, over the last 10 s.
pub const WARN_CONNECT_FAILURES: f64 = 0.2;
/// p95 that warns, in ms.
pub const WARN_P95_MILLIS: f64 = 200.0;
/// Ratio margin with measured dispersion.
const CALIBRATED_MARGIN: f64 = 1.25;
/// Ratio margin without.
const UNCALIBRATED_MARGIN: f64 = 1.5;

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        Self {
            alpha: 0.01,
            beta: 0.05,
            warm_up: Duration::from_secs(30),
            slo: None,
            horizon: Duration::from_secs(3600),
            one_sided: false,
            compares_nowhere: false,
            has_baseline: true,
            checks: CheckSpec::defaults(),
            journeys: Vec::new(),
            pass_by_policy: false,
            compared_elsewhere: false,
            coming: Coming::Together,
            probes: None,
        }
    }
}

impl Settings {
    /// The rate that PASS may exclude instead of a ratio: 1 − SLO, else 1 %.
    pub fn pass_below(&self) -> f64 {
        self.slo.map_or(0.01, |slo| 1.0 - slo)
    }

    /// ln(1/α).
    pub fn fail_limit(&self) -> f64 {
        -self.alpha.ln()
    }

    /// ln(1/β).
    pub fn pass_limit(&self) -> f64 {
        -self.beta.ln()
    }

    /// S in whole seconds, at most a day.
    pub fn horizon_seconds(&self) -> u32 {
        u32::try_from(self.horizon.as_secs()).unwrap_or(u32::MAX).min(86_400)
    }

    /// The statuses that any check looks at, in the order of the checks.
    pub fn statuses(&self) -> Vec<u16> {
        let of = |check: &CheckSpec| match &check.kind {
            CheckKind::StatusShare(share) => Some(share.status),
            _ => None,
        };
        self.checks.iter().filter_map(of).collect()
    }
}

// === impl CheckKind ===

impl CheckKind {
    /// The role of a check that names none.
    pub fn default_role(&self) -> Role {
        match self {
            Self::ErrorRate(_) | Self::Latency(_) => Role::Blocking,
            Self::StatusShare(_)
            | Self::TrafficShare
            | Self::Connections(_)
            | Self::Count(_)
            | Self::Probes(_) => Role::Guard,
            Self::Gauge(_) | Self::Saturation(_) => Role::Advisory,
        }
    }
}

/// The ratio margin that applies: as set, else by whether dispersion was measured.
pub fn margin(set: Option<f64>, calibrated: bool) -> f64 {
    set.unwrap_or(if calibrated { CALIBRATED_MARGIN } else { UNCALIBRATED_MARGIN })
}

// === impl ErrorRate, Latency ===

impl Default for ErrorRate {
    fn default() -> Self {
        Self { margin: None, tolerate: 0.001, pass_ratio: 2.0, pass_below: None, journey: None }
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self { shift: 4, warn_shift: 1, limit: None }
    }
}
