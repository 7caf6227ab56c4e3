//! A decision with everything that led to it, for people and for the record.

use std::time::Duration;

use jiff::Timestamp;

use super::Analysis;
use crate::{
    Histogram,
    check::{Body, Check},
    interval::{Interval, quantile_band},
    journeys::JourneyState,
    latency_check::LatencyCheck,
    placebo::Placebo,
    proportion::Proportion,
    ratio::Comparison,
    segment::Mode,
    settings::{CRITICAL_JOURNEY_LIMIT, Role},
    verdict::{CheckReport, Decision, Level, QuantileReport, Report, Why},
};

/// The time needed is not guessed before this much evidence.
const LEAST_TO_EXTRAPOLATE: f64 = 0.2;

// === impl Analysis ===

impl Analysis {
    /// Everything about the decision as it is now.
    pub fn report(&mut self, now: Timestamp) -> Report {
        let assessment = self.assess(now);
        let failed = matches!((assessment.decision, assessment.why), (Decision::Fail, Why::CheckFailed));
        let mut checks = Vec::with_capacity(self.checks.len() * 2);
        for check in &self.checks {
            checks.extend(self.check_reports(check));
        }
        let critical = self.journeys.critical();
        checks.extend(critical.map(|(journey, log_e)| self.journey_report(journey, log_e)));
        if failed {
            blame(&mut checks);
        }
        Report {
            assessment,
            segment: self.segment().index,
            level: checks.iter().map(|check| check.level).max().unwrap_or(Level::Ok),
            checks,
            baseline: self.baseline_kind(),
            log_limit: self.settings.fail_limit(),
            calibrated: self.history.dispersion.is_some(),
            log_placebo: self.placebo.as_ref().and_then(Placebo::highest),
            observed_through: self.progress.through,
        }
    }

    /// One report for the form against the live baseline and one for the form alone, where they exist.
    fn check_reports(&self, check: &Check) -> Vec<CheckReport> {
        let mut reports = Vec::with_capacity(2);
        match &check.body {
            Body::Proportion(proportion) => {
                if self.settings.has_baseline {
                    reports.push(self.live_proportion(check, proportion));
                }
                if let Some(log_e) = proportion.log_alone() {
                    reports.push(self.proportion_alone(check, proportion, log_e));
                }
            }
            Body::Latency(latency) => {
                if self.settings.has_baseline {
                    reports.push(self.live_latency(check, latency));
                }
                if let Some(log_e) = latency.log_alone() {
                    reports.push(self.latency_alone(check, latency, log_e));
                }
            }
            Body::TrafficShare => reports.extend(self.traffic_share(check)),
            Body::Count(count) => reports.push(self.count_report(check, count)),
            Body::Gauge(gauge) => reports.push(self.gauge_report(check, gauge)),
            Body::Saturation(saturation) => reports.push(self.saturation_report(check, saturation)),
        }
        reports
    }

    fn live_proportion(&self, check: &Check, proportion: &Proportion) -> CheckReport {
        let total = proportion.total();
        let (candidate, baseline) = (percent(total.kc, total.ec), percent(total.kb, total.eb));
        let alpha = self.settings.alpha;
        CheckReport {
            unit: "percent",
            candidate,
            baseline,
            effect: proportion.ratio(),
            interval: (total.eb > 0.0).then(|| proportion.ratio_interval(alpha)),
            candidate_samples: total.ec as u64,
            baseline_samples: total.eb as u64,
            threshold: baseline
                .map(|b| (b * proportion.limits().margin).max(100.0 * proportion.limits().tolerate)),
            journeys: self.carriers(check),
            text: match proportion.is_of_probes() && total.eb == 0.0 {
                true => format!("{}: no run at both versions was compared yet", check.id),
                false => format!(
                    "{}: {} of {} on the candidate, {} of {} on the baseline",
                    check.id, total.kc, total.ec, total.kb, total.eb
                ),
            },
            ..self.base(check, Mode::Live, proportion.log_live())
        }
    }

    fn proportion_alone(&self, check: &Check, proportion: &Proportion, log_e: f64) -> CheckReport {
        let total = proportion.total();
        let threshold = proportion.limits().alone.map(|p0| 100.0 * p0);
        let Interval { lower, upper } = proportion.rate_interval(self.settings.alpha);
        CheckReport {
            id: format!("{}-alone", check.id),
            unit: "percent",
            candidate: percent(total.kc, total.ec),
            candidate_samples: total.ec as u64,
            threshold,
            journeys: self.carriers(check),
            text: format!(
                "{}: {} of {} on the candidate ({:.2} to {:.2} %), at most {:.2} % allowed",
                check.id,
                total.kc,
                total.ec,
                100.0 * lower,
                100.0 * upper,
                threshold.unwrap_or(100.0)
            ),
            ..self.base(check, Mode::Alone, log_e)
        }
    }

    fn live_latency(&self, check: &Check, latency: &LatencyCheck) -> CheckReport {
        let (candidate, baseline) = latency.totals();
        let (pc, pb) = (candidate.quantile(0.99), baseline.quantile(0.99));
        let margin = (latency.spec().shift as f64 / 8.0).exp2();
        let band = |histogram| quantile_band(histogram, 0.99, self.settings.alpha);
        let interval = band(candidate)
            .zip(band(baseline))
            .map(|(c, b)| Interval { lower: c.lower / b.upper, upper: c.upper / b.lower });
        let text = match (pc, pb) {
            (Some(pc), Some(pb)) => {
                format!("{}: p99 {pc:.1} ms on the candidate, {pb:.1} ms on the baseline", check.id)
            }
            _ => format!("{}: nothing to compare yet (warm-up, or no requests)", check.id),
        };
        CheckReport {
            unit: "ms",
            candidate: pc,
            baseline: pb,
            effect: pc.zip(pb).map(|(pc, pb)| pc / pb),
            interval,
            candidate_samples: candidate.total(),
            baseline_samples: baseline.total(),
            threshold: pb.map(|pb| pb * margin),
            quantiles: quantiles(candidate, baseline, self.settings.alpha),
            text,
            ..self.base(check, Mode::Live, latency.log_live().unwrap_or(-std::f64::consts::LN_2))
        }
    }

    fn latency_alone(&self, check: &Check, latency: &LatencyCheck, log_e: f64) -> CheckReport {
        let (candidate, _) = latency.totals();
        CheckReport {
            id: format!("{}-alone", check.id),
            unit: "ms",
            candidate: candidate.quantile(0.95),
            baseline: self.history.latency.quantile(0.95),
            candidate_samples: candidate.total(),
            baseline_samples: self.history.latency.total(),
            threshold: self.history.latency.quantile(0.95).or(latency.spec().limit.map(|limit| limit.millis)),
            text: format!(
                "{}: at most {:.1} % of the candidate's requests may be slower than before",
                check.id,
                100.0 * latency.alone_threshold().unwrap_or(1.0)
            ),
            ..self.base(check, Mode::Alone, log_e)
        }
    }

    fn traffic_share(&self, check: &Check) -> Option<CheckReport> {
        let share = self.share.as_ref()?;
        let level = if share.is_starved() { Level::Warn } else { Level::Ok };
        let wanted = 100.0 * self.segment().share;
        Some(CheckReport {
            level,
            unit: "percent",
            threshold: Some(0.5 * wanted),
            text: format!("{}: the candidate should get {wanted:.1} % of the requests", check.id),
            ..self.base(check, Mode::Live, share.log_e())
        })
    }

    fn journey_report(&self, journey: &JourneyState, log_e: f64) -> CheckReport {
        let Comparison { kc, ec, kb, eb } = journey.total;
        CheckReport {
            id: format!("journey-{}", journey.id),
            role: Role::Guard,
            level: Level::Ok,
            decision: Decision::Undecided,
            unit: "percent",
            candidate: percent(kc, ec),
            baseline: percent(kb, eb),
            effect: None,
            interval: None,
            log_evidence: log_e,
            log_limit: self.settings.fail_limit() - self.journey_weight.ln(),
            log_pass: None,
            candidate_samples: ec as u64,
            baseline_samples: eb as u64,
            threshold: Some(100.0 * CRITICAL_JOURNEY_LIMIT),
            time_needed: None,
            quantiles: Vec::new(),
            journeys: vec![journey.id.clone()],
            text: format!("critical journey {}: {kc} of {ec} failed on the candidate", journey.id),
        }
    }

    /// What every check's report has; the rest is filled in.
    pub(super) fn base(&self, check: &Check, form: Mode, log_evidence: f64) -> CheckReport {
        let weight = match form {
            Mode::Live => check.weight_live,
            Mode::Alone => check.weight_alone,
        };
        let applies = form == self.mode();
        let log_pass = (applies && self.can_pass(check)).then(|| self.log_pass(check).unwrap_or(0.0));
        let passed = log_pass.is_some_and(|log_e| log_e >= self.settings.pass_limit());
        CheckReport {
            id: check.id.clone(),
            role: check.role,
            level: if check.warning.is_on() { Level::Warn } else { Level::Ok },
            decision: if passed { Decision::Pass } else { Decision::Undecided },
            unit: "",
            candidate: None,
            baseline: None,
            effect: None,
            interval: None,
            log_evidence,
            log_limit: self.settings.fail_limit() - weight.ln(),
            log_pass,
            candidate_samples: 0,
            baseline_samples: 0,
            threshold: None,
            time_needed: log_pass.and_then(|log_e| self.time_needed(log_e)),
            quantiles: Vec::new(),
            journeys: Vec::new(),
            text: String::new(),
        }
    }

    /// The time still needed if the evidence for PASS goes on growing as it did in this segment.
    fn time_needed(&self, log_pass: f64) -> Option<Duration> {
        let missing = (self.settings.pass_limit() - log_pass).max(0.0);
        let bake = self.segment().min.saturating_sub(self.progress.observed);
        if missing == 0.0 {
            return Some(bake);
        }
        let seconds = self.progress.observed.as_secs_f64() * missing / log_pass;
        (log_pass >= LEAST_TO_EXTRAPOLATE && seconds < 86_400.0)
            .then(|| bake.max(Duration::from_secs_f64(seconds)))
    }

    fn carriers(&self, check: &Check) -> Vec<String> {
        match &check.body {
            Body::Proportion(proportion) if proportion.is_of_errors() => {
                self.journeys.excess().into_iter().map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Marks the checks that a FAIL rests on: those that would have reached the limit alone, else the one nearest
/// to it.
fn blame(checks: &mut [CheckReport]) {
    let short = |check: &CheckReport| check.log_limit - check.log_evidence;
    let nearest = checks.iter().map(short).fold(f64::INFINITY, f64::min);
    for check in checks {
        if short(check) <= nearest.max(0.0) {
            check.level = Level::Fail;
            check.decision = Decision::Fail;
        }
    }
}

/// p50, p95 and p99 of both sides.
fn quantiles(candidate: &Histogram, baseline: &Histogram, alpha: f64) -> Vec<QuantileReport> {
    let of = |histogram: &Histogram, q: f64| histogram.quantile(q).zip(quantile_band(histogram, q, alpha));
    let report = |q| QuantileReport { q, candidate: of(candidate, q), baseline: of(baseline, q) };
    [0.5, 0.95, 0.99].map(report).into()
}

fn percent(count: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| 100.0 * count / of)
}
