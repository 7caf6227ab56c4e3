//! The check of a rate: how often something happens per exposure, against the live baseline.
//!
//! Given the total of both sides, the candidate's part is binomial with the share ρ·ec/(ρ·ec + eb), as for errors
//! ([`crate::ratio`]); where fewer is worse the alternatives are ratios from 0.01 to 0.91 of the margin. Exact for
//! counts that come independently (Poisson); orders that come in bulk are not, and φ tempers them.
//!
//! Range: any exposure that both sides have at the same time. Fails where the exposure is not what it seems: shares
//! under match rules or affinity (off there), or instances of unequal size.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Mixture,
    interval::{Interval, RatioInterval},
    ratio::{Comparison, RatioTest},
    settings::{Count, Worse},
    tick::Side,
    warning::WARN_CAP,
};

/// Counts of one side wait this long for the other, or three intervals, then are dropped.
const WAIT: Duration = Duration::from_secs(10);

/// The evidence of one check of a rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountCheck {
    spec: Count,
    fail: RatioTest,
    warn: Option<RatioTest>,
    /// "Not beyond the margin", fresh in each segment.
    pass: RatioTest,
    interval: RatioInterval,
    total: Comparison,
    pending: Comparison,
    /// When the first of what waits came.
    since: Option<Timestamp>,
    /// When either side last came.
    came: (Option<Timestamp>, Option<Timestamp>),
}

// === impl CountCheck ===

impl CountCheck {
    /// With no evidence; `horizon` seconds of late onset.
    pub fn new(spec: Count, horizon: u32) -> Self {
        let warn = spec.warn.map(|margin| beyond(spec.worse, margin, Mixture::late(horizon)));
        Self {
            fail: beyond(spec.worse, spec.fail, Mixture::late(horizon)),
            warn,
            pass: within(&spec),
            interval: RatioInterval::default(),
            total: Comparison::default(),
            pending: Comparison::default(),
            since: None,
            came: (None, None),
            spec,
        }
    }

    /// A stretch of time with counts and exposures of both sides.
    pub fn compare(&mut self, tick: Comparison, temper: f64, second: bool, for_pass: bool) {
        self.fail.update(tick, temper, second);
        if let Some(warn) = &mut self.warn {
            warn.update(tick, temper, second);
            warn.cap(WARN_CAP);
        }
        if for_pass {
            self.pass.update(tick, temper, false);
        }
        self.interval.update(tick, temper);
        self.total.add(tick);
    }

    /// A second of the rollout passed without anything counted.
    pub fn idle(&mut self) {
        for test in std::iter::once(&mut self.fail).chain(&mut self.warn) {
            test.update(Comparison::default(), 1.0, true);
        }
    }

    /// Adds what one counter of one side counted; both sides wait for each other.
    pub fn add(&mut self, side: Side, events: f64, exposure: f64, now: Timestamp) {
        self.since.get_or_insert(now);
        let (k, e, came) = match side {
            Side::Candidate => (&mut self.pending.kc, &mut self.pending.ec, &mut self.came.0),
            Side::Baseline => (&mut self.pending.kb, &mut self.pending.eb, &mut self.came.1),
        };
        *k += events;
        *e += exposure;
        *came = Some(now);
    }

    /// The counting of one side begins: what waits of it is of the time before.
    pub fn begin(&mut self, side: Side) {
        match side {
            Side::Candidate => (self.pending.kc, self.pending.ec) = (0.0, 0.0),
            Side::Baseline => (self.pending.kb, self.pending.eb) = (0.0, 0.0),
        }
    }

    /// Adds exposure of both sides.
    pub fn expose(&mut self, candidate: f64, baseline: f64) {
        self.pending.ec += candidate;
        self.pending.eb += baseline;
    }

    /// Compares what waits when an interval is over and both sides came; drops it when the other side never does.
    pub fn settle(&mut self, now: Timestamp, interval: Duration, temper: f64) {
        let Some(since) = self.since else { return };
        let age = now.duration_since(since).unsigned_abs();
        // sources are not punctual
        if self.came.0.is_some() && self.came.1.is_some() && age * 4 >= interval * 3 {
            self.compare_pending(temper);
        } else if age >= WAIT.max(interval * 3) {
            self.discard();
        }
    }

    /// Compares what waits when all of it came at this moment, of both sides.
    pub fn settle_together(&mut self, now: Timestamp, temper: f64) {
        if self.since == Some(now) && self.came == (Some(now), Some(now)) {
            self.compare_pending(temper);
        }
    }

    fn compare_pending(&mut self, temper: f64) {
        let tick = self.pending;
        self.discard();
        self.compare(tick, temper, false, true);
    }

    /// Drops what waits: it spans a change of the route, or the other side never came.
    pub fn discard(&mut self) {
        self.pending = Comparison::default();
        self.since = None;
        self.came = (None, None);
    }

    /// A new segment: PASS is earned anew.
    pub fn enter_segment(&mut self) {
        self.pass = within(&self.spec);
    }

    /// The settings.
    pub fn spec(&self) -> &Count {
        &self.spec
    }

    /// ln E of FAIL.
    pub fn log_e(&self) -> f64 {
        self.fail.log_e()
    }

    /// ln E of WARN, where it has one of its own.
    pub fn log_warn(&self) -> Option<f64> {
        self.warn.as_ref().map(RatioTest::log_e)
    }

    /// ln E of PASS.
    pub fn log_pass(&self) -> f64 {
        self.pass.log_e()
    }

    /// All counts so far.
    pub fn total(&self) -> Comparison {
        self.total
    }

    /// Confidence sequence of the ratio.
    pub fn ratio_interval(&self, alpha: f64) -> Interval {
        self.interval.at(alpha)
    }
}

fn beyond(worse: Worse, margin: f64, mixture: Mixture<24>) -> RatioTest {
    match worse {
        Worse::More => RatioTest::excess(margin, mixture),
        Worse::Fewer => RatioTest::drop(margin, mixture),
    }
}

fn within(spec: &Count) -> RatioTest {
    match spec.worse {
        Worse::More => RatioTest::drop(spec.fail, Mixture::plain()),
        Worse::Fewer => RatioTest::excess(spec.fail, Mixture::plain()),
    }
}
