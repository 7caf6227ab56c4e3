//! Evidence out: the decision.

use jiff::Timestamp;

use super::Analysis;
use crate::{
    check::{Body, Check},
    math::ln_add_exp,
    placebo::Placebo,
    proportion::Measure,
    segment::{Mode, SegmentKind},
    settings::{Role, WARN_CONNECT_FAILURES},
    verdict::{Assessment, BaselineKind, Decision, Why},
    warning::WARN_LIMIT,
};

/// ln 10: PASS waits while the evidence for rolling back is at or above this.
const SUSPICIOUS: f64 = std::f64::consts::LN_10;

// === impl Analysis ===

impl Analysis {
    /// The decision as it is now. Constant time, no allocation; call it after each batch and at least once a
    /// second.
    pub fn assess(&mut self, now: Timestamp) -> Assessment {
        self.warn(now);
        let log_evidence = self.log_evidence();
        self.look_for_failure(log_evidence, now);
        if let Some(failure) = self.failed {
            return Assessment {
                decision: Decision::Fail,
                why: failure.why,
                log_evidence: failure.log_evidence,
            };
        }
        let (decision, why) = self.undecided_or_pass(log_evidence, now);
        Assessment { decision, why, log_evidence }
    }

    fn warn(&mut self, now: Timestamp) {
        let share = self.recent_unconnected.and_then(|recent| recent.candidate_share());
        let crowded = share.is_some_and(|share| share >= WARN_CONNECT_FAILURES);
        for check in &mut self.checks {
            let unconnected =
                matches!(&check.body, Body::Proportion(p) if p.measure() == Measure::Connections);
            // no statistic: the share of the last seconds, as the limit is worded
            let log_e = match unconnected {
                true => Some(if crowded { WARN_LIMIT } else { f64::NEG_INFINITY }),
                false => check.log_warn(),
            };
            if let Some(log_e) = log_e {
                check.warning.update(log_e, now);
            }
        }
    }

    fn look_for_failure(&mut self, log_evidence: f64, now: Timestamp) {
        if self.failed.is_some() {
            return;
        }
        let (errors, slow) = self.unwell();
        let shared = self.recent.is_common(errors) || self.recent_slow.is_common(slow);
        self.common &= shared;
        let limit = self.settings.fail_limit();
        if log_evidence >= limit {
            // comparison cancels what hits both sides; what was seen of the candidate alone does not
            let compared = self.weighted(true).fold(f64::NEG_INFINITY, ln_add_exp);
            if compared < limit && shared {
                self.hold_as_common();
            } else if !self.is_noisy(log_evidence) {
                self.fail(Why::CheckFailed);
            }
        }
        let no_baseline = self.baseline_kind() == BaselineKind::None;
        if let Some(crossed) = self.hard.crossed(no_baseline, now) {
            if shared { self.common = true } else { self.fail(Why::HardLimit(crossed)) }
        }
    }

    /// Whether the baseline has shown that it differs from itself, and the candidate not that it differs by more.
    fn is_noisy(&self, log_evidence: f64) -> bool {
        let limit = self.settings.fail_limit();
        let placebo = self.placebo.as_ref().and_then(Placebo::highest);
        placebo.is_some_and(|placebo| placebo >= limit && log_evidence - placebo < limit)
    }

    /// What was seen of the candidate alone while stable was unwell is no evidence against the candidate.
    fn hold_as_common(&mut self) {
        self.common = true;
        self.checks.iter_mut().for_each(Check::forgive);
        self.journeys.forgive();
    }

    fn undecided_or_pass(&mut self, log_evidence: f64, now: Timestamp) -> (Decision, Why) {
        if self.progress.passed {
            return (Decision::Pass, Why::AllPassed);
        }
        if self.common {
            return (Decision::Undecided, Why::CommonMode);
        }
        if self.progress.is_silent(now) {
            return (Decision::NoData, Why::NoSamples);
        }
        if self.share.as_ref().is_some_and(crate::share::ShareTest::is_starved) && self.watches_share() {
            return (Decision::NoData, Why::TrafficShare);
        }
        if self.trials() == 0 {
            let why = if self.may_pass_by_policy() { Why::PassByPolicy } else { Why::NoTraffic };
            return (Decision::Undecided, why);
        }
        if log_evidence >= self.settings.fail_limit() && self.is_noisy(log_evidence) {
            return (Decision::Undecided, Why::NoisyBaseline);
        }
        if log_evidence >= SUSPICIOUS {
            return (Decision::Undecided, Why::Suspicious);
        }
        if !self.has_passed() {
            let why = if self.may_pass_by_policy() { Why::PassByPolicy } else { Why::Collecting };
            return (Decision::Undecided, why);
        }
        if self.progress.observed < self.segment().min {
            return (Decision::Undecided, Why::MinBake);
        }
        self.progress.passed = true;
        (Decision::Pass, Why::AllPassed)
    }

    /// Requests of the candidate in the segment. On a preview, where nobody else comes, runs of probes count; those that come by its
    /// route are requests already.
    fn trials(&self) -> u64 {
        let requests = self.progress.requests;
        match self.segment().kind {
            SegmentKind::Preview => requests.max(self.probes.runs()),
            SegmentKind::Split | SegmentKind::Full | SegmentKind::Shadow => requests,
        }
    }

    fn watches_share(&self) -> bool {
        self.checks
            .iter()
            .any(|check| matches!(check.body, Body::TrafficShare) && check.role != Role::Advisory)
    }

    /// Whether every blocking check that applies in the segment has passed, and at least one does apply.
    fn has_passed(&self) -> bool {
        let limit = self.settings.pass_limit();
        let mut blocking =
            self.checks.iter().filter(|c| c.role == Role::Blocking && self.can_pass(c)).peekable();
        blocking.peek().is_some()
            && self.trials() >= self.segment().least_requests()
            && blocking.all(|check| self.log_pass(check).is_some_and(|log_e| log_e >= limit))
    }

    /// Whether a check applies in the segment, so that PASS may wait for it.
    pub(super) fn can_pass(&self, check: &Check) -> bool {
        match (&check.body, self.mode()) {
            (Body::TrafficShare | Body::Saturation(_), _) => false,
            (Body::Count(_) | Body::Gauge(_), mode) => mode == Mode::Live,
            (Body::Proportion(proportion), _) => !proportion.is_of_probes() || self.probes.have_run(),
            (Body::Latency(_), Mode::Live) => self.segment().judges_latency(),
            (Body::Latency(latency), Mode::Alone) => {
                self.segment().judges_latency() && latency.log_pass_alone().is_some()
            }
        }
    }

    /// ln E for PASS in the present segment; None before it can be known.
    pub(super) fn log_pass(&self, check: &Check) -> Option<f64> {
        match (&check.body, self.mode()) {
            (Body::Proportion(proportion), _) if proportion.is_of_probes() => {
                self.probes.log_pass(proportion)
            }
            (Body::Proportion(proportion), Mode::Live) => Some(proportion.log_pass_live()),
            (Body::Proportion(proportion), Mode::Alone) => proportion.log_pass_alone(),
            (Body::Latency(latency), Mode::Live) => latency.log_pass_live(),
            (Body::Latency(latency), Mode::Alone) => latency.log_pass_alone(),
            (Body::Count(count), Mode::Live) => Some(count.log_pass()),
            (Body::Gauge(gauge), Mode::Live) => Some(gauge.log_pass()),
            (Body::Count(_) | Body::Gauge(_), Mode::Alone) => None,
            (Body::TrafficShare | Body::Saturation(_), _) => None,
        }
    }
}
