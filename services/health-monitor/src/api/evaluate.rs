//! What Kayenta's judge says of series that were measured.

use bellwether_judge::kayenta::{self, Class, Config, Outcome, Series, Thresholds, statistics::Statistics};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;
use serde::Deserialize;
use tonic::Status;

const MOST_CONFIG_BYTES: usize = 256 * 1024;
const MOST_SERIES: usize = 1_000;
const MOST_POINTS: usize = 10_000;
const MOST_POINTS_TOGETHER: usize = 400_000;

/// What Kayenta's ad-hoc endpoint takes, or the configuration alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdHoc {
    canary_config: Config,
    #[serde(default)]
    execution_request: ExecutionRequest,
}

#[derive(Default, Deserialize)]
struct ExecutionRequest {
    thresholds: Option<Thresholds>,
}

/// The answer. Takes up to a second of a processor for the largest request: not for a thread that others wait on.
///
/// # Errors
/// INVALID_ARGUMENT with every violation.
pub(super) fn evaluate(request: pb::EvaluateSamplesRequest) -> Result<pb::EvaluateSamplesResponse, Status> {
    let mut violations = Violations::new();
    let (config, thresholds) = configuration(&mut violations, &request);
    check_series(&mut violations, &config, &request.series);
    violations.finish()?;
    let series: Vec<Series> = request.series.into_iter().map(series).collect();
    Ok(answer(kayenta::judge(&config, thresholds, &series)))
}

fn configuration(violations: &mut Violations, request: &pb::EvaluateSamplesRequest) -> (Config, Thresholds) {
    let bytes = request.config.len();
    if !violations.check((1..=MOST_CONFIG_BYTES).contains(&bytes), "config", bytes, "1 to 262144 bytes") {
        return Default::default();
    }
    let (config, given) = match read(&request.config) {
        Ok(read) => read,
        Err(error) => {
            violations.add("config", error.to_string(), "Kayenta's canary configuration as JSON");
            return Default::default();
        }
    };
    let metrics = config.metrics.len();
    violations.check((1..=MOST_SERIES).contains(&metrics), "config", metrics, "1 to 1000 metrics");
    let given = given.or(config.classifier.score_thresholds).unwrap_or_default();
    let pass = request.pass_score.unwrap_or(given.pass);
    let marginal = request.marginal_score.unwrap_or(given.marginal.min(pass));
    violations.range("pass_score", pass, 0.0..=100.0);
    violations.range("marginal_score", marginal, 0.0..=pass);
    (config, Thresholds { pass, marginal })
}

fn read(json: &str) -> Result<(Config, Option<Thresholds>), serde_json::Error> {
    let value: serde_json::Value = serde_json::from_str(json)?;
    if value.get("canaryConfig").is_some() {
        let AdHoc { canary_config, execution_request } = serde_json::from_value(value)?;
        return Ok((canary_config, execution_request.thresholds));
    }
    Ok((serde_json::from_value(value)?, None))
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
