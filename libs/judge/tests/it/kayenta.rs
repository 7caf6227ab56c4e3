//! The Kayenta-compatible judge: cases whose outcome Kayenta's own tests publish, its documented corner cases, and
//! a configuration in its JSON.

use bellwether_judge::kayenta::{
    Class, Config, Outcome, Series, Thresholds, classify,
    clean::clean,
    config::Analysis,
    judge,
    shift::{Shift, shift},
};
use serde_json::{Value, json};

const CASES: &str = include_str!("../vectors/kayenta_cases.json");
const Z95: f64 = 1.959_963_984_540_054;

fn points(value: &Value) -> Vec<f64> {
    let zeros = value["zeros"].as_u64().unwrap_or(0);
    let given = value["points"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap());
    given.chain((0..zeros).map(|_| 0.0)).collect()
}

/// Kayenta tests its classifier at 95 % with a tolerance of 0.1, its judge uses others: hence by hand here.
fn class(shift: &Shift, tolerance: f64) -> &'static str {
    let band = tolerance * shift.estimate.abs();
    if shift.lower > band {
        "High"
    } else if shift.upper < -band {
        "Low"
    } else {
        "Pass"
    }
}

#[test]
fn published_cases_come_out_as_published() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let keep = Analysis::default();
        let (x, y) = (clean(&keep, &points(&case["experiment"])), clean(&keep, &points(&case["control"])));
        let found = shift(&x, &y, Z95).unwrap();
        assert_eq!(class(&found, 0.1), case["class"].as_str().unwrap(), "{}: {found:?}", case["name"]);
    }
}

fn config(canary: Value) -> Config {
    serde_json::from_value(json!({
        "name": "shop", "configVersion": "1", "applications": ["shop"], "judge": {"name": "NetflixACAJudge-v1.0"},
        "metrics": [{
            "name": "m", "groups": ["g"], "scopeName": "default", "query": {"type": "prometheus"},
            "analysisConfigurations": {"canary": canary}
        }],
        "templates": {}, "classifier": {"groupWeights": {"g": 100}}
    }))
    .unwrap()
}

fn one(canary: Value, candidate: &[f64], baseline: &[f64]) -> (classify::MetricResult, f64) {
    let series =
        Series { metric: "m".to_owned(), candidate: candidate.to_vec(), baseline: baseline.to_vec() };
    let found = judge(&config(canary), Thresholds::default(), &[series]);
    (found.metrics.into_iter().next().unwrap(), found.score)
}

/// Steady points around a level.
fn around(level: f64) -> Vec<f64> {
    (0..60).map(|i| level * (1.0 + 0.02 * f64::from(i * 7 % 13 - 6))).collect()
}

#[test]
fn a_difference_that_is_allowed_passes() {
    let up = json!({"direction": "increase", "effectSize": {"allowedIncrease": 1.3}});
    assert_eq!(one(up.clone(), &around(120.0), &around(100.0)).0.class, Class::Pass);
    assert_eq!(one(up, &around(140.0), &around(100.0)).0.class, Class::High);
    let either = json!({});
    assert_eq!(one(either.clone(), &around(120.0), &around(100.0)).0.class, Class::High);
    assert_eq!(one(either, &around(80.0), &around(100.0)).0.class, Class::Low);
    assert_eq!(one(json!({"direction": "decrease"}), &around(120.0), &around(100.0)).0.class, Class::Pass);
}

#[test]
fn the_share_of_pairs_is_an_effect_too() {
    let strict = json!({"effectSize": {"measure": "cles", "allowedIncrease": 0.8}});
    let (found, _) = one(strict, &around(120.0), &around(100.0));
    assert_eq!((found.class, found.effect > 0.9), (Class::High, true));
    // allowed up to nearly every pair
    let lax = json!({"effectSize": {"measure": "cles", "allowedIncrease": 1.1}});
    assert_eq!(one(lax, &around(120.0), &around(100.0)).0.class, Class::Pass);
}

#[test]
fn missing_data_is_what_the_configuration_says() {
    let some = around(1.0);
    let missing = [f64::NAN; 10];
    assert_eq!(one(json!({}), &missing, &some).0.class, Class::Nodata);
    assert_eq!(one(json!({"mustHaveData": true}), &missing, &some).0.class, Class::NodataFailMetric);
    let critical = one(json!({"mustHaveData": true, "critical": true}), &missing, &some);
    assert_eq!((critical.0.class, critical.0.critical, critical.1), (Class::Nodata, true, 0.0));
    // both zero then: identical
    assert_eq!(one(json!({"nanStrategy": "replace"}), &missing, &[f64::NAN; 10]).0.class, Class::Pass);
    assert_eq!(one(json!({"nanStrategy": "replace"}), &[], &some).0.class, Class::Pass);
}

#[test]
fn errors_where_there_were_none_fail_a_critical_metric() {
    let canary = json!({"nanStrategy": "replace", "direction": "increase", "critical": true,
                        "effectSize": {"criticalIncrease": 1.5}});
    let (found, score) = one(canary, &around(5.0), &[f64::NAN; 60]);
    assert_eq!((found.class, found.critical, score), (Class::High, true, 0.0));
    assert!(found.effect.is_nan(), "no ratio to nothing");
}

#[test]
fn a_critical_metric_fails_the_whole_only_beyond_its_own_size() {
    let canary = json!({"critical": true, "effectSize": {"criticalIncrease": 1.5}});
    assert!(!one(canary.clone(), &around(120.0), &around(100.0)).0.critical);
    assert!(one(canary, &around(160.0), &around(100.0)).0.critical);
}

#[test]
fn constants_differ_by_what_they_differ_by() {
    assert_eq!(one(json!({}), &[2.0; 5], &[1.0; 5]).0.class, Class::High);
    assert_eq!(one(json!({}), &[1.0; 5], &[2.0; 5]).0.class, Class::Low);
    assert_eq!(one(json!({}), &[1.0; 5], &[1.0; 3]).0.class, Class::Pass);
}

#[test]
fn one_against_one_cannot_be_ranked_when_it_ends_in_a_tie() {
    let found = one(json!({}), &[f64::INFINITY, 1.0], &[f64::INFINITY, 1.0, 2.0]).0;
    assert_eq!(found.class, Class::Error);
}

#[test]
fn groups_share_the_weight_that_is_not_given() {
    let metric = |name: &str, groups: Value, canary: Value| json!({"name": name, "groups": groups, "analysisConfigurations": {"canary": canary}});
    let config: Config = serde_json::from_value(json!({
        "metrics": [
            metric("a", json!(["errors"]), json!({})),
            metric("b", json!(["errors"]), json!({})),
            metric("c", json!(["latency"]), json!({})),
            metric("d", json!(["load"]), json!({})),
            metric("quiet", json!(["load"]), json!({"muted": true})),
        ],
        "classifier": {"groupWeights": {"errors": 50.0}}
    }))
    .unwrap();
    let equal =
        |name: &str| Series { metric: name.to_owned(), candidate: around(1.0), baseline: around(1.0) };
    let worse = |name: &str| Series { candidate: around(2.0), ..equal(name) };
    let series = [worse("a"), equal("b"), equal("c"), equal("d"), worse("quiet")];
    let found = judge(&config, Thresholds::default(), &series);
    let scores: Vec<_> = found.groups.iter().map(|g| (g.name.as_str(), g.score, g.weight)).collect();
    assert_eq!(
        scores,
        [("errors", Some(50.0), 50.0), ("latency", Some(100.0), 25.0), ("load", Some(100.0), 25.0)]
    );
    assert_eq!((found.score, found.outcome), (75.0, Outcome::Marginal));
    // half without data
    let found = judge(&config, Thresholds::default(), &[equal("a"), equal("c")]);
    assert_eq!((found.score, found.outcome), (0.0, Outcome::Fail));
    assert!(found.reason.contains("no data"), "{}", found.reason);
}
