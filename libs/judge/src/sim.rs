//! Simulated rollouts, seeded: what the judge does to equal and to faulty versions.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    Analysis, Decision, History, Segment, SegmentKind, Settings,
    histogram::bucket_of,
    settings::CheckKind,
    tick::{Counts, Tick},
};

mod random;

pub use random::Random;

/// One kind of rollout.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Requests per second to both versions together.
    pub requests_per_second: f64,
    /// The candidate's share, in (0, 1).
    pub share: f64,
    /// The baseline's error rate.
    pub baseline_errors: f64,
    /// The candidate's error rate from `onset` on.
    pub candidate_errors: f64,
    /// Factor on the candidate's latencies from `onset` on.
    pub slower: f64,
    /// Only requests above the baseline's p95 are slower.
    pub only_tail: bool,
    /// When the fault begins.
    pub onset: Duration,
    /// How long the rollout lasts.
    pub length: Duration,
    /// How often sources report.
    pub interval: Duration,
    /// Dispersion as measured before the rollout; None: not measured (UNCALIBRATED, margin 1.5).
    pub dispersion: Option<f64>,
    /// What the monitor is told.
    pub settings: Settings,
}

/// What became of one rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When the candidate's first error was reported, if there was one.
    pub first_error_after: Option<Duration>,
    /// When FAIL was given, if it was.
    pub failed_after: Option<Duration>,
    /// When PASS was first given, if it was.
    pub passed_after: Option<Duration>,
}

/// Share of rollouts of equal versions that were failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FalseAlarms {
    /// Rollouts that were simulated.
    pub rollouts: u32,
    /// Of these, failed.
    pub failed: u32,
}

/// Median latency of the simulated service in ms; its logarithm has a standard deviation of ½.
const MEDIAN_MILLIS: f64 = 100.0;
const LOG_SPREAD: f64 = 0.5;
/// z of the 95th percentile.
const P95: f64 = 1.644_853_626_951_472_2;

/// Runs `rollouts` rollouts of versions that are equal in everything, with seeds from `seed` on, and counts how
/// many were failed. With default settings at most α = 1 % may be.
pub fn false_alarm(scenario: &Scenario, rollouts: u32, seed: u64) -> FalseAlarms {
    let equal = Scenario { candidate_errors: scenario.baseline_errors, slower: 1.0, ..scenario.clone() };
    let failed = (0..rollouts).filter(|i| equal.run(seed + u64::from(*i)).failed_after.is_some()).count();
    FalseAlarms { rollouts, failed: u32::try_from(failed).unwrap_or(u32::MAX) }
}

/// Times from the fault's onset to FAIL over `rollouts` seeded rollouts, sorted; those that never failed are
/// missing.
pub fn delays(scenario: &Scenario, rollouts: u32, seed: u64) -> Vec<Duration> {
    let delay = |i: u32| {
        let failed = scenario.run(seed + u64::from(i)).failed_after?;
        failed.checked_sub(scenario.onset)
    };
    let mut all: Vec<Duration> = (0..rollouts).filter_map(delay).collect();
    all.sort();
    all
}

// === impl FalseAlarms ===

impl FalseAlarms {
    /// In percent of all rollouts.
    pub fn percent(&self) -> f64 {
        100.0 * f64::from(self.failed) / f64::from(self.rollouts.max(1))
    }
}

// === impl Scenario ===

impl Default for Scenario {
    /// An hour at 100 requests a second, a tenth to the candidate, 1 % errors, equal versions.
    fn default() -> Self {
        Self {
            requests_per_second: 100.0,
            share: 0.1,
            baseline_errors: 0.01,
            candidate_errors: 0.01,
            slower: 1.0,
            only_tail: false,
            onset: Duration::ZERO,
            length: Duration::from_secs(3_600),
            interval: Duration::from_secs(1),
            dispersion: Some(1.0),
            settings: Settings { warm_up: Duration::ZERO, one_sided: true, ..Settings::default() },
        }
    }
}

impl Scenario {
    /// One rollout. Ends at FAIL.
    pub fn run(&self, seed: u64) -> Outcome {
        let mut random = Random::new(seed);
        let start = Timestamp::UNIX_EPOCH;
        let segment = Segment {
            index: 1,
            kind: SegmentKind::Split,
            share: self.share,
            revision: 1,
            ..Segment::NOWHERE
        };
        let history = self.history(&mut random);
        let mut analysis =
            Analysis::new(self.settings.clone(), "new".into(), "old".into(), history, segment, start);
        let mut outcome = Outcome { first_error_after: None, failed_after: None, passed_after: None };
        let mut tick = Tick::sized(self.settings.statuses().len(), 0);
        let mut elapsed = Duration::ZERO;
        while elapsed < self.length {
            elapsed += self.interval;
            self.fill(&mut tick, elapsed > self.onset, &mut random);
            if tick.candidate.errors > 0 {
                outcome.first_error_after.get_or_insert(elapsed);
            }
            analysis.tick(&mut tick, None, self.interval, start + elapsed);
            match analysis.assess(start + elapsed).decision {
                Decision::Fail => {
                    outcome.failed_after = Some(elapsed);
                    return outcome;
                }
                Decision::Pass => _ = outcome.passed_after.get_or_insert(elapsed),
                Decision::Undecided | Decision::NoData => {}
            }
        }
        outcome
    }

    /// What the monitor knows from an hour before: enough for edges and thresholds.
    fn history(&self, random: &mut Random) -> History {
        let mut counts = Counts::default();
        let requests = 20_000;
        self.fill_side(&mut counts, requests, self.baseline_errors, 1.0, random);
        History {
            requests,
            errors: counts.errors,
            statuses: Vec::new(),
            latency: counts.latency,
            dispersion: self.dispersion,
            ..History::default()
        }
    }

    fn fill(&self, tick: &mut Tick, faulty: bool, random: &mut Random) {
        tick.clear();
        let (errors, slower) =
            if faulty { (self.candidate_errors, self.slower) } else { (self.baseline_errors, 1.0) };
        let requests = self.requests_per_second * self.interval.as_secs_f64();
        let nc = random.poisson(requests * self.share);
        let nb = random.poisson(requests * (1.0 - self.share));
        self.fill_side(&mut tick.candidate, nc, errors, slower, random);
        self.fill_side(&mut tick.baseline, nb, self.baseline_errors, 1.0, random);
    }

    fn fill_side(&self, counts: &mut Counts, requests: u64, errors: f64, slower: f64, random: &mut Random) {
        counts.requests = requests;
        counts.errors = random.binomial(requests, errors);
        if !self.settings.checks.iter().any(|check| matches!(check.kind, CheckKind::Latency(_))) {
            return; // nobody looks
        }
        for _ in 0..requests {
            let z = random.normal();
            let factor = if self.only_tail && z < P95 { 1.0 } else { slower };
            counts.latency.add(bucket_of(MEDIAN_MILLIS * (LOG_SPREAD * z).exp() * factor), 1);
        }
    }
}
