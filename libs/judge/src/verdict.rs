//! What an analysis says.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{hard_limits::HardLimit, interval::Interval, kayenta::Said, settings::Role};

/// What the numbers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Shown to be good enough, for this segment.
    Pass,
    /// Shown to be worse than allowed. Final.
    Fail,
    /// Not enough evidence yet, either way.
    Undecided,
    /// Nothing came where traffic should be.
    NoData,
}

/// Why a decision is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The combined evidence reached its limit.
    CheckFailed,
    /// A limit that acts before statistics; outside α.
    HardLimit(HardLimit),
    /// A critical SECURITY or CORRUPTION event.
    CriticalEvent,
    /// Every blocking check passed.
    AllPassed,
    /// More requests are needed.
    Collecting,
    /// Sources report, and the candidate has had no request in this segment.
    NoTraffic,
    /// No source reported for 3 intervals.
    NoSamples,
    /// The candidate gets less than half of its share.
    TrafficShare,
    /// What would be a FAIL hits the baseline as well.
    CommonMode,
    /// Everything passed, but the minimum is not over.
    MinBake,
    /// The evidence for rolling back is at least 10; PASS waits.
    Suspicious,
    /// The evidence would be a FAIL, but the baseline differs as much from itself.
    NoisyBaseline,
    /// The statistics cannot decide, and the policy may let the step pass: low risk, the minimum is over, nothing failed.
    PassByPolicy,
    /// A probe fails at the candidate; PASS waits. Said by whoever makes the probes.
    ProbeFailed,
    /// A probe was not tried at the candidate yet; PASS waits. Said by whoever makes the probes.
    ProbePending,
    /// Kayenta's judge said so.
    Kayenta(Said),
}

/// A decision in short.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// What.
    pub decision: Decision,
    /// Why.
    pub why: Why,
    /// ln E of the combined evidence for rolling back.
    pub log_evidence: f64,
}

/// How a value stands on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Nothing to see.
    Ok,
    /// Worth a look.
    Warn,
    /// Part of a FAIL.
    Fail,
}

/// What the candidate is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BaselineKind {
    /// The stable version at the same time.
    Live,
    /// The stable version's past.
    History,
    /// The policy's absolute limits.
    None,
}

/// A decision with everything that led to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The decision.
    pub assessment: Assessment,
    /// The segment's index.
    pub segment: i32,
    /// The worst level of the checks.
    pub level: Level,
    /// Every check.
    pub checks: Vec<CheckReport>,
    /// What the candidate is compared with in this segment.
    pub baseline: BaselineKind,
    /// ln(1/α).
    pub log_limit: f64,
    /// Whether dispersion was measured.
    pub calibrated: bool,
    /// max ln E of the running placebo; None before it compared anything. At `log_limit` or above, the baseline differs
    /// from itself.
    pub log_placebo: Option<f64>,
    /// Samples until here are part of it.
    pub observed_through: Option<Timestamp>,
}

/// One quantile of the latency of both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantileReport {
    /// Which, e.g. 0.99.
    pub q: f64,
    /// In ms on the candidate, and its anytime-valid band at 1 − α.
    pub candidate: Option<(f64, Interval)>,
    /// The same of the baseline.
    pub baseline: Option<(f64, Interval)>,
}

/// Where one check stands.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckReport {
    /// Its id.
    pub id: String,
    /// What it may do.
    pub role: Role,
    /// How it stands.
    pub level: Level,
    /// What it says by itself.
    pub decision: Decision,
    /// `percent`, `ms` or `requests`.
    pub unit: &'static str,
    /// On the candidate, in `unit`.
    pub candidate: Option<f64>,
    /// On the baseline, in `unit`.
    pub baseline: Option<f64>,
    /// Candidate ÷ baseline.
    pub effect: Option<f64>,
    /// Anytime-valid interval of `effect` at 1 − α.
    pub interval: Option<Interval>,
    /// ln E for FAIL.
    pub log_evidence: f64,
    /// ln E that it alone would need for FAIL; +∞ when it cannot fail anything.
    pub log_limit: f64,
    /// ln E for PASS, where it can pass.
    pub log_pass: Option<f64>,
    /// Requests of the candidate that count for it.
    pub candidate_samples: u64,
    /// Requests of the baseline that count for it.
    pub baseline_samples: u64,
    /// The limit that is compared with, in `unit`.
    pub threshold: Option<f64>,
    /// About how much longer it needs to PASS.
    pub time_needed: Option<Duration>,
    /// Quantiles of both sides with their bands, of a check of latency.
    pub quantiles: Vec<QuantileReport>,
    /// Journeys that carry the excess.
    pub journeys: Vec<String>,
    /// One sentence for people.
    pub text: String,
}
