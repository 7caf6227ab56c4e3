//! How long a rollout needs.

use bellwether_judge::{
    kayenta::Spec,
    power::{self, Question, Times},
    settings::{CheckKind, ErrorRate, Settings},
};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::{Violations, time};
use tonic::Status;

/// The answer.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub(super) fn plan(request: &pb::PlanAnalysisRequest) -> Result<pb::PlanAnalysisResponse, Status> {
    let mut violations = Violations::new();
    let given = request.requests_per_second;
    violations.check(given > 0.0 && given <= 1e7, "requests_per_second", given, "above 0, at most 10000000");
    let share = request.share_percent;
    violations.check(share > 0.0 && share <= 100.0, "share_percent", share, "above 0, at most 100");
    violations.range("baseline_percent", request.baseline_percent, 0.0..=99.0);
    let above = request.effect_percent > request.baseline_percent && request.effect_percent <= 100.0;
    violations.check(above, "effect_percent", request.effect_percent, "above baseline_percent, at most 100");
    let policy = request.policy.clone().unwrap_or_default();
    let (settings, kayenta) = violations.within("policy", |violations| {
        (crate::convert::settings(violations, &policy), bellwether_policy::kayenta::read(violations, &policy))
    });
    violations.finish()?;
    if let Some(spec) = kayenta {
        return Ok(by_kayenta(&spec));
    }
    let question = Question {
        requests_per_second: given,
        share: share / 100.0,
        baseline: request.baseline_percent / 100.0,
        effect: request.effect_percent / 100.0,
    };
    // plans end with all traffic on the candidate
    Ok(answer(&question, &Settings { one_sided: true, ..settings }))
}

/// Kayenta's judge says nothing before it has its points, and then says it of good and bad ones alike.
fn by_kayenta(spec: &Spec) -> pb::PlanAnalysisResponse {
    let points = u32::try_from(spec.min_points).unwrap_or(u32::MAX);
    let first = Some(time::to_duration(spec.interval.saturating_mul(points)));
    pb::PlanAnalysisResponse {
        fail_p50: first,
        fail_p95: first,
        pass_p50: first,
        pass_p95: first,
        notes: vec![format!(
            "Kayenta's judge decides: the times are those of its first {points} points, whatever the traffic"
        )],
    }
}

fn answer(question: &Question, settings: &Settings) -> pb::PlanAnalysisResponse {
    let errors = settings.checks.iter().find_map(|check| match &check.kind {
        CheckKind::ErrorRate(rate) if rate.journey.is_none() => Some(rate.clone()),
        _ => None,
    });
    let mut notes = Vec::new();
    if errors.is_none() {
        notes
            .push("the policy has no check of all errors: the times are those of the default one".to_owned());
    }
    let rate = errors.unwrap_or_else(ErrorRate::default);
    let pass_below = rate.pass_below.unwrap_or_else(|| settings.pass_below());
    let weight = power::weight(settings, question.share);
    let fail = power::time_to_fail(question, settings, rate.tolerate.max(1e-6), weight);
    let pass = power::time_to_pass(question, settings, rate.pass_ratio, pass_below);
    notes.extend(remarks(question, &rate, fail, pass));
    pb::PlanAnalysisResponse {
        fail_p50: fail.p50.map(time::to_duration),
        fail_p95: fail.p95.map(time::to_duration),
        pass_p50: pass.p50.map(time::to_duration),
        pass_p95: pass.p95.map(time::to_duration),
        notes,
    }
}

fn remarks(question: &Question, rate: &ErrorRate, fail: Times, pass: Times) -> Vec<String> {
    let mut notes = Vec::new();
    let margin = bellwether_judge::settings::margin(rate.margin, true);
    if question.effect <= question.baseline * margin {
        notes.push(format!("the effect lies within the margin of {margin}: it is allowed, and never failed"));
    } else if question.effect <= rate.tolerate {
        notes.push(format!("an error rate of {} % is tolerated, and never failed", 100.0 * rate.tolerate));
    } else if fail.p95.is_none() {
        notes.push("the fault is not surely seen within a day: give the candidate a larger share".to_owned());
    }
    if pass.p95.is_none() {
        notes.push(
            "a good version does not surely pass within a day: a larger share, or more traffic by probes"
                .to_owned(),
        );
    }
    notes
}
