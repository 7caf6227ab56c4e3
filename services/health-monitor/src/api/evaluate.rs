//! What Kayenta's judge says of series that were measured.

use bellwether_judge::kayenta::{self, Class, Config, Outcome, Series, statistics::Statistics};
use bellwether_policy::kayenta::configuration;
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;
use tonic::Status;

const MOST_SERIES: usize = 1_000;
const MOST_POINTS: usize = 10_000;
const MOST_POINTS_TOGETHER: usize = 400_000;

/// The answer. Takes up to a second of a processor for the largest request: not for a thread that others wait on.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub(super) fn evaluate(request: pb::EvaluateSamplesRequest) -> Result<pb::EvaluateSamplesResponse, Status> {
    let mut violations = Violations::new();
    let scores = (request.pass_score, request.marginal_score);
    let (config, thresholds) = configuration(&mut violations, &request.config, scores, MOST_SERIES);
    check_series(&mut violations, &config, &request.series);
    violations.finish()?;
    let series: Vec<Series> = request.series.into_iter().map(series).collect();
    Ok(answer(kayenta::judge(&config, thresholds, &series)))
}

fn check_series(violations: &mut Violations, config: &Config, given: &[pb::MetricSeries]) {
    violations.check(given.len() <= MOST_SERIES, "series", given.len(), "at most 1000 series");
    let together: usize = given.iter().map(|series| series.candidate.len() + series.baseline.len()).sum();
    violations.check(together <= MOST_POINTS_TOGETHER, "series", together, "at most 400000 points together");
    let known = |name: &str| config.metrics.is_empty() || config.metrics.iter().any(|m| m.name == name);
    for (index, series) in given.iter().take(MOST_SERIES).enumerate() {
        violations.element("series", index, |violations| {
            violations.check(
                known(&series.metric),
                "metric",
                &series.metric,
                "a metric of the configuration",
            );
            for (field, points) in [("candidate", &series.candidate), ("baseline", &series.baseline)] {
                violations.check(points.len() <= MOST_POINTS, field, points.len(), "at most 10000 points");
            }
        });
    }
}

fn series(given: pb::MetricSeries) -> Series {
    Series { metric: given.metric, candidate: given.candidate, baseline: given.baseline }
}

fn answer(found: kayenta::Judgement) -> pb::EvaluateSamplesResponse {
    let outcome = match found.outcome {
        Outcome::Pass => pb::EvaluationOutcome::Pass,
        Outcome::Marginal => pb::EvaluationOutcome::Marginal,
        Outcome::Fail => pb::EvaluationOutcome::Fail,
    };
    let group = |group: kayenta::GroupScore| pb::GroupEvaluation {
        name: group.name,
        score: group.score,
        weight: group.weight,
    };
    pb::EvaluateSamplesResponse {
        metrics: found.metrics.into_iter().map(metric).collect(),
        groups: found.groups.into_iter().map(group).collect(),
        score: found.score,
        outcome: outcome.into(),
        reason: found.reason,
    }
}

fn metric(found: kayenta::MetricResult) -> pb::MetricEvaluation {
    pb::MetricEvaluation {
        metric: found.metric,
        groups: found.groups,
        classification: class(found.class).into(),
        critical: found.critical,
        muted: found.muted,
        effect: found.effect.is_finite().then_some(found.effect),
        shift_low: found.shift.map(|shift| shift.lower),
        shift_high: found.shift.map(|shift| shift.upper),
        shift_estimate: found.shift.map(|shift| shift.estimate),
        candidate: Some(statistics(found.candidate)),
        baseline: Some(statistics(found.baseline)),
        reason: found.reason,
    }
}

fn class(class: Class) -> pb::MetricClass {
    match class {
        Class::Pass => pb::MetricClass::Pass,
        Class::High => pb::MetricClass::High,
        Class::Low => pb::MetricClass::Low,
        Class::Nodata => pb::MetricClass::Nodata,
        Class::NodataFailMetric => pb::MetricClass::NodataFailMetric,
        Class::Error => pb::MetricClass::Error,
    }
}

fn statistics(of: Statistics) -> pb::SideStatistics {
    let Statistics { min, max, mean, std, count } = of;
    pb::SideStatistics { min, max, mean, std, count: i32::try_from(count).unwrap_or(i32::MAX) }
}
