//! One check of a proportion: errors, errors of a journey, or the share of one status.

use serde::{Deserialize, Serialize};

use crate::{
    Mixture,
    interval::{self, Interval, RatioInterval},
    non_inferiority::NonInferiority,
    one_sided::{AboveTest, BelowTest},
    ratio::{Comparison, ExcessTest},
    tick::Counts,
    warning::WARN_CAP,
};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measure {
    /// Failed requests of all.
    Errors,
    /// Failed requests of the journey with this index.
    JourneyErrors(usize),
    /// Answers with the status of this index, of all requests.
    Status(usize),
    /// Attempts without a connection, of all requests.
    Connections,
    /// Failed runs of probes: counted apart, in no tick of requests.
    Probes,
}

/// Thresholds of one check.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// FAIL: ratio to the baseline above this …
    pub margin: f64,
    /// … and rate above this.
    pub tolerate: f64,
    /// PASS: ratio below this …
    pub pass_ratio: f64,
    /// … or rate below this.
    pub pass_below: f64,
    /// FAIL without a live baseline: rate above this. None: the check does not apply there.
    pub alone: Option<f64>,
    /// Rate that warns.
    pub warn: f64,
}

/// The evidence of one check of a proportion.
///
/// Two forms, each with a weight of its own in the combination: against the live baseline, E = min(E_ratio,
/// E_absolute), because a difference must be large *and* matter; and alone, against a threshold fixed at the
/// start. PASS is the mean of its two tests, fresh in each segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    measure: Measure,
    limits: Limits,
    ratio: ExcessTest,
    absolute: AboveTest,
    alone: Option<Box<AboveTest>>,
    pass_ratio: NonInferiority,
    pass_absolute: BelowTest,
    pass_alone: Option<Box<BelowTest>>,
    warn: AboveTest,
    interval: RatioInterval,
    total: Comparison,
}

// === impl Measure ===

impl Measure {
    /// Count and exposure on one side.
    pub fn of(self, counts: &Counts) -> (f64, f64) {
        let (count, of) = match self {
            Self::Errors => (counts.errors, counts.requests),
            Self::JourneyErrors(index) => {
                counts.journeys.get(index).map_or((0, 0), |(requests, errors)| (*errors, *requests))
            }
            Self::Connections => (counts.connect_failures, counts.requests),
            Self::Probes => (0, 0),
            Self::Status(index) => (counts.statuses.get(index).copied().unwrap_or(0), counts.requests),
        };
        (count as f64, of as f64)
    }
}

// === impl Limits ===

impl Limits {
    fn pass_alone(&self) -> Option<Box<BelowTest>> {
        self.alone.map(|p0| Box::new(BelowTest::new(p0.max(self.pass_below))))
    }
}

// === impl Proportion ===

impl Proportion {
    /// With no evidence; `horizon` seconds of late onset.
    pub fn new(measure: Measure, limits: Limits, horizon: u32) -> Self {
        Self {
            measure,
            limits,
            ratio: ExcessTest::excess_of_requests(limits.margin, Mixture::late(horizon)),
            absolute: AboveTest::new(limits.tolerate, Mixture::late(horizon)),
            alone: limits.alone.map(|p0| Box::new(AboveTest::new(p0, Mixture::late(horizon)))),
            pass_ratio: NonInferiority::new(limits.pass_ratio),
            pass_absolute: BelowTest::new(limits.pass_below),
            pass_alone: limits.pass_alone(),
            warn: AboveTest::new(limits.warn, Mixture::late(horizon)),
            interval: RatioInterval::default(),
            total: Comparison::default(),
        }
    }

    /// A tick in which both sides had requests. `for_pass`: it belongs to the present segment.
    pub fn compare(
        &mut self,
        candidate: &Counts,
        baseline: &Counts,
        temper: f64,
        second: bool,
        for_pass: bool,
    ) {
        let (kc, ec) = self.measure.of(candidate);
        let (kb, eb) = self.measure.of(baseline);
        self.compare_counts(Comparison { kc, ec, kb, eb }, temper, second, for_pass);
    }

    /// The same of counts by themselves.
    pub fn compare_counts(&mut self, tick: Comparison, temper: f64, second: bool, for_pass: bool) {
        let Comparison { kc, ec, .. } = tick;
        self.ratio.update(tick, temper, second);
        self.absolute.update(kc, ec, temper, second);
        self.warn(kc, ec, temper, second);
        self.interval.update(tick, temper);
        self.total.add(tick);
        if for_pass {
            self.pass_ratio.update(tick, temper);
            self.pass_absolute.update(kc, ec, temper);
        }
    }

    /// A tick of the candidate alone. `frozen`: it is no evidence against the candidate (common mode).
    pub fn observe(&mut self, candidate: &Counts, temper: f64, second: bool, for_pass: bool, frozen: bool) {
        self.observe_counts(self.measure.of(candidate), temper, second, for_pass, frozen);
    }

    /// The same of counts by themselves: failed, of so many.
    pub fn observe_counts(
        &mut self,
        (kc, ec): (f64, f64),
        temper: f64,
        second: bool,
        for_pass: bool,
        frozen: bool,
    ) {
        if let Some(test) = &mut self.alone
            && !frozen
        {
            test.update(kc, ec, temper, second);
        }
        self.warn(kc, ec, temper, second);
        self.total.add(Comparison { kc, ec, ..Comparison::default() });
        if let Some(test) = &mut self.pass_alone
            && for_pass
        {
            test.update(kc, ec, temper);
        }
    }

    fn warn(&mut self, kc: f64, ec: f64, temper: f64, second: bool) {
        self.warn.update(kc, ec, temper, second);
        self.warn.cap(WARN_CAP);
    }

    /// A new segment: PASS is earned anew.
    pub fn enter_segment(&mut self) {
        self.pass_ratio = NonInferiority::new(self.limits.pass_ratio);
        self.pass_absolute = BelowTest::new(self.limits.pass_below);
        self.pass_alone = self.limits.pass_alone();
    }

    /// Forgets what was collected against the candidate alone.
    pub fn forgive(&mut self) {
        if let Some(test) = &mut self.alone {
            test.reset();
        }
    }

    /// ln E against the live baseline.
    pub fn log_live(&self) -> f64 {
        self.ratio.log_e().min(self.absolute.log_e())
    }

    /// ln E alone; None where no threshold is known.
    pub fn log_alone(&self) -> Option<f64> {
        self.alone.as_ref().map(|test| test.log_e())
    }

    /// ln E for PASS with a live baseline: the mean of both tests.
    pub fn log_pass_live(&self) -> f64 {
        crate::math::log_mean_exp(&[self.pass_ratio.log_e(), self.pass_absolute.log_e()])
    }

    /// ln E for PASS alone; None where no threshold is known.
    pub fn log_pass_alone(&self) -> Option<f64> {
        self.pass_alone.as_ref().map(|test| test.log_e())
    }

    /// ln E of the absolute warning.
    pub fn log_warn(&self) -> f64 {
        self.warn.log_e()
    }

    /// What is counted.
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// Whether it is the share of one kind of answer: a status, or no connection.
    pub fn is_of_answers(&self) -> bool {
        matches!(self.measure, Measure::Status(_) | Measure::Connections)
    }

    /// Whether it counts runs of probes.
    pub fn is_of_probes(&self) -> bool {
        self.measure == Measure::Probes
    }

    /// Whether it counts failed requests.
    pub fn is_of_errors(&self) -> bool {
        matches!(self.measure, Measure::Errors | Measure::JourneyErrors(_))
    }

    /// The thresholds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// All counts so far.
    pub fn total(&self) -> Comparison {
        self.total
    }

    /// The ratio of the rates as measured; None before both sides had events and requests.
    pub fn ratio(&self) -> Option<f64> {
        self.total.ratio()
    }

    /// Confidence sequence of the ratio.
    pub fn ratio_interval(&self, alpha: f64) -> Interval {
        self.interval.at(alpha)
    }

    /// Confidence sequence of the candidate's rate.
    pub fn rate_interval(&self, alpha: f64) -> Interval {
        interval::proportion(self.total.kc, self.total.ec, alpha)
    }
}
