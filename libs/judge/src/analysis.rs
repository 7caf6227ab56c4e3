//! The watch over one rollout: samples in, a decision out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    check::{self, Body, Check},
    counters::Counters,
    hard_limits::HardLimits,
    history::History,
    journeys::Journeys,
    math::ln_add_exp,
    placebo::Placebo,
    readings::LastReadings,
    recent::Recent,
    sample::Sample,
    segment::{Mode, Segment},
    settings::{ABSOLUTE_ERROR_LIMIT, Settings},
    share::ShareTest,
    tick::Side,
    verdict::{BaselineKind, Why},
};

mod assess;
mod ingest;
mod measures;
mod pending;
mod probes;
mod progress;
mod read;
mod report;

pub use probes::ProbeRun;

use pending::Pending;
use probes::Probes;
use progress::Progress;

/// The analysis of one rollout.
///
/// # Guarantees
/// The evidence for rolling back is one e-process over the whole rollout: the weighted mean of those of its
/// checks, each tempered by 1/φ. FAIL is given at E ≥ 1/α, so the chance of ever failing a version that is
/// within its margins is at most α, however often one looks. PASS is earned anew in each segment.
///
/// # State
/// Constant in the number of samples; grows with instances and journeys. Serialise the whole of it: the
/// evidence and the counters that it was drawn from belong together, so that a restart neither forgets
/// evidence nor counts twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    settings: Settings,
    names: Names,
    history: History,
    started: Timestamp,
    checks: Vec<Check>,
    journeys: Journeys,
    journey_weight: f64,
    counters: Counters,
    /// The newest last, at most [`SEGMENTS`].
    segments: Vec<Segment>,
    pending: Vec<Pending>,
    progress: Progress,
    share: Option<ShareTest>,
    hard: HardLimits,
    recent: Recent,
    recent_slow: Recent,
    /// The bucket above which 5 % of the baseline's past lie.
    #[serde(default)]
    p95: Option<usize>,
    /// Attempts without a connection.
    #[serde(default)]
    recent_unconnected: Option<Recent>,
    #[serde(default)]
    readings: LastReadings,
    /// None: there is no baseline.
    #[serde(default)]
    placebo: Option<Placebo>,
    #[serde(default)]
    probes: Probes,
    /// Set by FAIL; final.
    failed: Option<Failure>,
    /// What would be a FAIL hits the baseline as well, for now.
    common: bool,
}

/// What samples are matched with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Names {
    candidate: String,
    /// None: there is no fleet to compare with.
    baseline: Option<String>,
    /// The settings' statuses, in order.
    statuses: Vec<u16>,
    /// The settings' journeys, in order.
    journeys: Vec<String>,
}

/// Segments remembered, for samples that come late.
const SEGMENTS: usize = 8;

/// A FAIL.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Failure {
    why: Why,
    log_evidence: f64,
}

// === impl Analysis ===

impl Analysis {
    /// Begins with its first segment. Fleets by id; `settings.has_baseline` says whether `baseline` means
    /// anything.
    pub fn new(
        mut settings: Settings,
        candidate: String,
        baseline: String,
        history: History,
        segment: Segment,
        now: Timestamp,
    ) -> Self {
        settings.one_sided |= segment.mode(settings.has_baseline) == Mode::Alone;
        let (checks, journey_weight) = check::build(&settings, &history);
        let placebo = settings.has_baseline.then(|| Placebo::new(&settings, &checks, &candidate));
        Self {
            placebo,
            p95: history.edges().map(|edges| edges.p95()),
            readings: LastReadings::default(),
            probes: Probes::default(),
            recent_unconnected: Some(Recent::new(now)),
            checks,
            journeys: Journeys::new(&settings),
            journey_weight,
            counters: Counters::default(),
            segments: vec![segment],
            pending: Vec::new(),
            progress: Progress::new(now),
            share: segment.testable_share().map(ShareTest::new),
            hard: HardLimits::default(),
            recent: Recent::new(now),
            recent_slow: Recent::new(now),
            failed: None,
            common: false,
            names: Names {
                candidate,
                baseline: settings.has_baseline.then_some(baseline),
                statuses: settings.statuses(),
                journeys: settings.journeys.iter().map(|journey| journey.id.clone()).collect(),
            },
            settings,
            history,
            started: now,
        }
    }

    /// Enters a segment; one with the index of the present one corrects it.
    pub fn enter(&mut self, segment: Segment, now: Timestamp) {
        let present = *self.segment();
        let moved = (present.revision, present.share, present.kind)
            != (segment.revision, segment.share, segment.kind);
        if moved {
            self.counters.route_changed();
            self.readings.route_changed();
            self.checks.iter_mut().for_each(Check::route_changed);
            self.pending.iter_mut().filter(|p| p.revision == 0).for_each(Pending::clear);
            self.share = segment.testable_share().map(ShareTest::new);
        }
        if segment.index == present.index {
            self.segments.pop();
        } else {
            self.progress.enter(now);
            self.probes.clear();
            self.checks.iter_mut().for_each(Check::enter_segment);
        }
        if self.segments.len() >= SEGMENTS {
            self.segments.remove(0);
        }
        self.segments.push(segment);
    }

    /// Goes on after a restart of whoever keeps it. The evidence is as old as the last save; what was decided since
    /// is told: the segment that had been entered, and whether PASS had been given in it. The time without a judge
    /// is nobody's silence.
    pub fn resume(&mut self, segment: Segment, passed: bool, now: Timestamp) {
        if *self.segment() != segment {
            self.enter(segment, now);
        }
        self.progress.passed |= passed;
        self.progress.resume(now);
    }

    /// A critical SECURITY or CORRUPTION event on the candidate: FAIL at once.
    pub fn critical_event(&mut self) {
        self.fail(Why::CriticalEvent);
    }

    /// The present segment.
    pub fn segment(&self) -> &Segment {
        // never empty: begins with one, `enter` removes only to add
        self.segments.last().unwrap_or(&Segment::NOWHERE)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the present segment is compared with.
    pub fn baseline_kind(&self) -> BaselineKind {
        match self.mode() {
            Mode::Live => BaselineKind::Live,
            Mode::Alone if self.history.is_known() => BaselineKind::History,
            Mode::Alone => BaselineKind::None,
        }
    }

    /// ln E of the combined evidence for rolling back.
    pub fn log_evidence(&self) -> f64 {
        self.weighted(true).chain(self.weighted(false)).fold(f64::NEG_INFINITY, ln_add_exp)
    }

    /// ln(w·E) of every check that may fail; the live forms, or those alone.
    fn weighted(&self, live: bool) -> impl Iterator<Item = f64> + '_ {
        let checks = self.checks.iter().filter_map(move |check| {
            let (weight, log_e) = match live {
                true => (check.weight_live, check.log_live()),
                // not looked at where it was not planned
                false => (check.weight_alone, check.log_alone()),
            };
            // edges that are still being learned have E = ½ like every process that has seen nothing
            (weight > 0.0).then(|| weight.ln() + log_e.unwrap_or(-std::f64::consts::LN_2))
        });
        let weight = self.journey_weight;
        let critical =
            self.journeys.critical().filter(move |_| !live).map(move |(_, log_e)| weight.ln() + log_e);
        checks.chain(critical)
    }

    fn mode(&self) -> Mode {
        self.segment().mode(self.settings.has_baseline)
    }

    /// What every log factor of a comparison is multiplied with.
    fn temper(&self) -> f64 {
        1.0 / self.history.phi()
    }

    /// The same for what is seen of the candidate alone: nothing cancels there.
    fn temper_alone(&self) -> f64 {
        1.0 / self.history.phi_over_time()
    }

    fn fail(&mut self, why: Why) {
        let log_evidence = self.log_evidence();
        self.failed.get_or_insert(Failure { why, log_evidence });
    }

    /// Thresholds of errors and of slow requests above which the baseline counts as unwell itself.
    fn unwell(&self) -> (f64, f64) {
        let errors = self.checks.iter().find_map(|check| match &check.body {
            Body::Proportion(p) if p.is_of_errors() => p.limits().alone,
            _ => None,
        });
        let slow = self.checks.iter().find_map(|check| match &check.body {
            Body::Latency(latency) => latency.alone_threshold(),
            _ => None,
        });
        (errors.unwrap_or(ABSOLUTE_ERROR_LIMIT), slow.unwrap_or(0.5))
    }
}

// === impl Names ===

impl Names {
    fn side(&self, sample: &Sample) -> Option<Side> {
        self.side_of(&sample.fleet)
    }

    fn side_of(&self, fleet: &str) -> Option<Side> {
        if fleet == self.candidate {
            Some(Side::Candidate)
        } else {
            (self.baseline.as_deref() == Some(fleet)).then_some(Side::Baseline)
        }
    }
}
