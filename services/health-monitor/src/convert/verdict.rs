//! Verdicts.

use std::collections::HashMap;

use bellwether_judge::{
    Assessment, BaselineKind, Decision, Level, Report, Why, hard_limits::HardLimit, kayenta::Said,
    settings::Role, verdict::CheckReport,
};
use bellwether_proto::{common::v1::Reason, monitor::v1 as pb};
use bellwether_resource::time;

/// The judge's report as a verdict. Sequence and decide time are the caller's to set.
pub fn verdict(analysis: &str, report: &Report, pass_limit: f64, warnings: &[Reason]) -> pb::Verdict {
    let mut warnings = warnings.to_vec();
    if !report.calibrated {
        let text = "no dispersion has been measured for this baseline: the margin is 1.5";
        warnings.push(plain("UNCALIBRATED", text));
    }
    pb::Verdict {
        analysis: analysis.to_owned(),
        segment: report.segment,
        sequence: 0,
        decision: decision(report.assessment.decision).into(),
        reason: Some(reason(report)),
        level: level(report.level).into(),
        checks: report.checks.iter().map(|check| check_result(check, pass_limit)).collect(),
        warnings,
        baseline: baseline(report.baseline).into(),
        observed_through: report.observed_through.map(time::to_timestamp),
        decide_time: None,
        log_evidence: told(report.assessment.log_evidence),
        log_evidence_limit: report.log_limit,
    }
}

/// Why, for programs and for people.
fn reason(report: &Report) -> Reason {
    let Assessment { why, log_evidence, .. } = report.assessment;
    let failed = report.checks.iter().filter(|check| check.level == Level::Fail);
    let waiting = report.checks.iter().filter(|check| waits(check));
    let text = match why {
        Why::Collecting => {
            let names: Vec<&str> = waiting.clone().map(|check| check.id.as_str()).collect();
            format!("more requests are needed to decide: {}", names.join(", "))
        }
        Why::CheckFailed => {
            let texts: Vec<&str> = failed.clone().map(|check| check.text.as_str()).collect();
            format!("worse than allowed: {}", texts.join("; "))
        }
        // its score is the first of the checks
        Why::Kayenta(_) => report.checks.first().map_or(text_of(why), |score| score.text.as_str()).to_owned(),
        other => text_of(other).to_owned(),
    };
    let mut values = HashMap::from([
        ("log_evidence".to_owned(), format!("{log_evidence:.3}")),
        ("log_evidence_limit".to_owned(), format!("{:.3}", report.log_limit)),
    ]);
    match why {
        Why::CheckFailed | Why::Kayenta(_) => values.extend(failed.flat_map(measured)),
        Why::Collecting | Why::Suspicious => values.extend(waiting.flat_map(measured)),
        Why::HardLimit(_)
        | Why::CriticalEvent
        | Why::AllPassed
        | Why::NoTraffic
        | Why::NoSamples
        | Why::TrafficShare
        | Why::CommonMode
        | Why::NoisyBaseline
        | Why::PassByPolicy
        | Why::ProbeFailed
        | Why::ProbePending
        | Why::MinBake => {}
    }
    Reason { code: code(why).to_owned(), text, values }
}

/// The code of a reason.
pub fn code(why: Why) -> &'static str {
    match why {
        Why::CheckFailed => "CHECK_FAILED",
        Why::HardLimit(_) => "HARD_LIMIT",
        Why::CriticalEvent => "CRITICAL_EVENT",
        Why::AllPassed => "ALL_PASSED",
        Why::Collecting => "COLLECTING",
        Why::NoTraffic => "NO_TRAFFIC",
        Why::NoSamples => "NO_SAMPLES",
        Why::TrafficShare => "TRAFFIC_SHARE",
        Why::CommonMode => "COMMON_MODE",
        Why::MinBake => "MIN_BAKE",
        Why::Suspicious => "SUSPICIOUS",
        Why::NoisyBaseline => "NOISY_BASELINE",
        Why::PassByPolicy => "PASS_BY_POLICY",
        Why::ProbeFailed => "PROBE_FAILED",
        Why::ProbePending => "PROBE_PENDING",
        Why::Kayenta(Said::Collecting) => "COLLECTING",
        Why::Kayenta(Said::Pass) => "KAYENTA_PASSED",
        Why::Kayenta(Said::Marginal) => "KAYENTA_MARGINAL",
        Why::Kayenta(Said::Fail) => "KAYENTA_FAILED",
    }
}

fn text_of(why: Why) -> &'static str {
    match why {
        Why::CheckFailed => "a check found the candidate worse than allowed",
        Why::HardLimit(HardLimit::Unreachable) => {
            "no instance of the candidate can be reached while stable can (a hard limit, outside α)"
        }
        Why::HardLimit(HardLimit::MostlyErrors) => {
            "more than half of the last 20 requests failed, and there is nothing to compare with (a hard limit, outside α)"
        }
        Why::CriticalEvent => "a critical security or corruption event was told of the candidate",
        Why::AllPassed => "every blocking check passed",
        Why::Collecting => "more requests are needed to decide",
        Why::NoTraffic => "sources report, but the candidate has had no request in this segment",
        Why::NoSamples => "no source has reported on the candidate for three intervals",
        Why::TrafficShare => "the candidate gets less than half of the traffic that it should",
        Why::CommonMode => {
            "what would fail the candidate hits stable as well; waiting until stable is well again"
        }
        Why::MinBake => "everything passed; the minimum time is not over",
        Why::NoisyBaseline => {
            "what would fail the candidate is seen between stable's own instances as well: the environment is unstable"
        }
        Why::PassByPolicy => {
            "there is too little traffic to decide; the minimum is over, nothing failed, and the policy may let it pass"
        }
        Why::Kayenta(_) => "Kayenta's judge decides",
        Why::ProbeFailed => "a probe fails at the candidate; PASS waits until it does not",
        Why::ProbePending => "a probe was not tried at the candidate yet; PASS waits for it",
        Why::Suspicious => "there is evidence against the candidate, not enough to fail it; PASS waits",
    }
}

/// Whether PASS waits for a check.
fn waits(check: &CheckReport) -> bool {
    check.role == Role::Blocking && check.log_pass.is_some() && check.decision != Decision::Pass
}

/// What a check measured, by name.
fn measured(check: &CheckReport) -> Vec<(String, String)> {
    let named = |name: &str, value: Option<f64>| {
        value.map(|value| (format!("{}.{name}_{}", check.id, check.unit), format!("{value:.3}")))
    };
    let mut values: Vec<_> = [
        named("candidate", check.candidate),
        named("baseline", check.baseline),
        named("limit", check.threshold),
        check.log_pass.map(|log_e| (format!("{}.log_pass_evidence", check.id), format!("{log_e:.3}"))),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !check.journeys.is_empty() {
        values.push((format!("{}.journeys", check.id), check.journeys.join(", ")));
    }
    values
}

fn check_result(check: &CheckReport, pass_limit: f64) -> pb::CheckResult {
    let finite = |value: f64| value.is_finite().then_some(value);
    pb::CheckResult {
        id: check.id.clone(),
        role: role(check.role).into(),
        level: level(check.level).into(),
        decision: decision(check.decision).into(),
        unit: check.unit.to_owned(),
        candidate: check.candidate.and_then(finite),
        baseline: check.baseline.and_then(finite),
        effect: check.effect.and_then(finite),
        effect_low: check.interval.and_then(|interval| finite(interval.lower)),
        effect_high: check.interval.and_then(|interval| finite(interval.upper)),
        log_evidence: told(check.log_evidence),
        log_evidence_limit: finite(check.log_limit).unwrap_or_default(),
        log_pass_evidence: check.log_pass.map(told),
        log_pass_limit: check.log_pass.map(|_| pass_limit),
        candidate_samples: check.candidate_samples,
        baseline_samples: check.baseline_samples,
        threshold: check.threshold.and_then(finite),
        time_needed: check.time_needed.map(time::to_duration),
        journeys: check.journeys.clone(),
        text: check.text.clone(),
    }
}

/// ln E as it is told: JSON, which the journal is written in, has no infinity. It is one where no check carries any weight.
fn told(log_e: f64) -> f64 {
    if log_e.is_finite() { log_e } else { 0.0 }
}

fn plain(code: &str, text: &str) -> Reason {
    Reason { code: code.to_owned(), text: text.to_owned(), values: HashMap::new() }
}

fn decision(decision: Decision) -> pb::Decision {
    match decision {
        Decision::Pass => pb::Decision::Pass,
        Decision::Fail => pb::Decision::Fail,
        Decision::Undecided => pb::Decision::Undecided,
        Decision::NoData => pb::Decision::NoData,
    }
}

fn level(level: Level) -> pb::Level {
    match level {
        Level::Ok => pb::Level::Ok,
        Level::Warn => pb::Level::Warn,
        Level::Fail => pb::Level::Fail,
    }
}

fn role(role: Role) -> pb::CheckRole {
    match role {
        Role::Blocking => pb::CheckRole::Blocking,
        Role::Guard => pb::CheckRole::Guard,
        Role::Advisory => pb::CheckRole::Advisory,
    }
}

fn baseline(kind: BaselineKind) -> pb::Baseline {
    match kind {
        BaselineKind::Live => pb::Baseline::Live,
        BaselineKind::History => pb::Baseline::History,
        BaselineKind::None => pb::Baseline::None,
    }
}
