//! Kayenta's judge as a policy names it.

use std::{collections::BTreeSet, time::Duration};

use bellwether_judge::kayenta::{Config, Signal, Spec, Thresholds};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;
use serde::Deserialize;

use crate::metrics::Metrics;

const MOST_CONFIG_BYTES: usize = 256 * 1024;
const MOST_METRICS: usize = 32;
const MINUTE: Duration = Duration::from_secs(60);
const MIN_POINTS: i32 = 30;

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

/// A canary configuration and what its scores mean, with violations noted. Of use only when there are none.
pub fn configuration(
    violations: &mut Violations,
    json: &str,
    (pass, marginal): (Option<f64>, Option<f64>),
    most_metrics: usize,
) -> (Config, Thresholds) {
    if !violations.check(
        (1..=MOST_CONFIG_BYTES).contains(&json.len()),
        "config",
        json.len(),
        "1 to 262144 bytes",
    ) {
        return Default::default();
    }
    let (config, given) = match parse(json) {
        Ok(read) => read,
        Err(error) => {
            violations.add("config", error.to_string(), "Kayenta's canary configuration as JSON");
            return Default::default();
        }
    };
    let metrics = config.metrics.len();
    let allowed = format!("1 to {most_metrics} metrics");
    violations.check((1..=most_metrics).contains(&metrics), "config", metrics, allowed);
    let given = given.or(config.classifier.score_thresholds).unwrap_or_default();
    let pass = pass.unwrap_or(given.pass);
    let marginal = marginal.unwrap_or(given.marginal.min(pass));
    violations.range("pass_score", pass, 0.0..=100.0);
    violations.range("marginal_score", marginal, 0.0..=pass);
    (config, Thresholds { pass, marginal })
}

fn parse(json: &str) -> Result<(Config, Option<Thresholds>), serde_json::Error> {
    let value: serde_json::Value = serde_json::from_str(json)?;
    if value.get("canaryConfig").is_some() {
        let AdHoc { canary_config, execution_request } = serde_json::from_value(value)?;
        return Ok((canary_config, execution_request.thresholds));
    }
    Ok((serde_json::from_value(value)?, None))
}

/// Kayenta's judge of a policy, with violations noted; None where the policy does not name it.
pub fn read(violations: &mut Violations, policy: &pb::HealthPolicy) -> Option<Spec> {
    let given = policy.kayenta.as_ref()?;
    Some(violations.within("kayenta", |violations| {
        let scores = (given.pass_score, given.marginal_score);
        let (config, thresholds) = configuration(violations, &given.config, scores, MOST_METRICS);
        let second = Duration::from_secs(1);
        let interval = violations.duration("interval", given.interval.as_ref(), second..=10 * MINUTE);
        let min_points = if given.min_points == 0 { MIN_POINTS } else { given.min_points };
        violations.range("min_points", min_points, 5..=500);
        Spec {
            signals: signals(violations, given, &config, &Metrics::of(policy).ids()),
            config,
            thresholds,
            interval: interval.unwrap_or(MINUTE),
            min_points: usize::try_from(min_points).unwrap_or_default(),
        }
    }))
}

/// What each metric of the configuration is.
fn signals(
    violations: &mut Violations,
    given: &pb::KayentaJudge,
    config: &Config,
    known: &BTreeSet<&str>,
) -> Vec<Signal> {
    for name in given.series.keys() {
        let is_metric = config.metrics.iter().any(|metric| metric.name == *name);
        violations.check(is_metric, "series", name, "a metric of the configuration");
    }
    let mut signal = |metric: &bellwether_judge::kayenta::config::Metric| {
        let name = given.series.get(&metric.name).unwrap_or(&metric.name);
        let signal = Signal::named(name);
        let told = match &signal {
            Signal::Metric(metric) => known.contains(metric.as_str()),
            Signal::Errors | Signal::ConnectFailures | Signal::Latency(_) => true,
        };
        let allowed = "error_percent, connect_failure_percent, latency_p50_ms, latency_p90_ms, latency_p95_ms, \
                       latency_p99_ms, or a metric that a source of the policy tells";
        violations.check(told, "series", format!("{} is {name:?}", metric.name), allowed);
        signal
    };
    config.metrics.iter().map(&mut signal).collect()
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    const CONFIG: &str = r#"{"name":"web","metrics":[
        {"name":"Errors","groups":["Reliability"],"query":{"type":"prometheus","metricName":"http_errors"},
         "analysisConfigurations":{"canary":{"direction":"increase","critical":true}}},
        {"name":"latency_p99_ms","groups":["Latency"]}],
        "classifier":{"groupWeights":{"Reliability":60,"Latency":40},"scoreThresholds":{"pass":90,"marginal":50}}}"#;

    fn read_of(given: pb::KayentaJudge) -> Result<Spec, Vec<String>> {
        let mut violations = Violations::new();
        let policy = pb::HealthPolicy { kayenta: Some(given), ..Default::default() };
        let spec = read(&mut violations, &policy).unwrap();
        violations.finish().map(|()| spec).map_err(|problem| {
            let details = tonic::Status::from(problem).get_error_details();
            details.bad_request().unwrap().field_violations.iter().map(|it| it.field.clone()).collect()
        })
    }

    fn judge() -> pb::KayentaJudge {
        let series = [("Errors".to_owned(), "error_percent".to_owned())].into();
        pb::KayentaJudge { config: CONFIG.to_owned(), series, ..Default::default() }
    }

    #[test]
    fn a_configuration_is_read_as_it_is_and_its_metrics_become_series() {
        let spec = read_of(judge()).unwrap();
        assert_eq!(spec.signals, [Signal::Errors, Signal::Latency(0.99)]);
        assert_eq!((spec.interval, spec.min_points), (MINUTE, 30));
        assert_eq!(spec.thresholds, Thresholds { pass: 90.0, marginal: 50.0 });
    }

    #[test]
    fn what_nobody_measures_is_refused() {
        let unknown = pb::KayentaJudge { series: Default::default(), ..judge() };
        assert_eq!(read_of(unknown).unwrap_err(), ["kayenta.series"]);
        let of_no_metric = [("CPU".to_owned(), "error_percent".to_owned())];
        let series = judge().series.into_iter().chain(of_no_metric).collect();
        assert_eq!(read_of(pb::KayentaJudge { series, ..judge() }).unwrap_err(), ["kayenta.series"]);
        let wrong = pb::KayentaJudge { config: "metrics: none".to_owned(), min_points: 3, ..judge() };
        let fields = read_of(wrong).unwrap_err();
        assert!(fields.contains(&"kayenta.config".to_owned()), "{fields:?}");
        assert!(fields.contains(&"kayenta.min_points".to_owned()), "{fields:?}");
    }
}
