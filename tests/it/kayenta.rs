//! Rollouts that Kayenta's judge decides, with a canary configuration as Spinnaker has it.

use std::collections::HashMap;

use bellwether_proto::{
    executor::v1::{Rollout, rollout::State},
    monitor::v1::{Decision, HealthPolicy, KayentaJudge, Verdict},
    planner::v1::{Deployment, Environment},
};
use bellwether_tests::{
    ports::free_address,
    shop::{self, ENVIRONMENT, Release},
    stack::Stack,
    wait::until,
};

use super::PROGRAM;

/// Of Kayenta's documentation, with the queries and accounts that it has there.
const CONFIG: &str = r#"{
  "name": "shop", "applications": ["shop"], "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
  "metrics": [
    {"name": "Error rate", "scopeName": "default", "groups": ["Reliability"],
     "query": {"type": "prometheus", "serviceType": "prometheus", "customInlineTemplate": "PromQL:sum(rate(errors[1m]))"},
     "analysisConfigurations": {"canary": {"direction": "increase", "nanStrategy": "replace", "critical": false,
       "effectSize": {"allowedIncrease": 1.1, "criticalIncrease": 5.0}}}},
    {"name": "Latency p95", "scopeName": "default", "groups": ["Latency"],
     "query": {"type": "prometheus", "serviceType": "prometheus", "metricName": "http_request_duration_seconds"},
     "analysisConfigurations": {"canary": {"direction": "increase", "effectSize": {"allowedIncrease": 1.5}}}}],
  "classifier": {"groupWeights": {"Reliability": 50, "Latency": 50}, "scoreThresholds": {"marginal": 50, "pass": 95}}
}"#;

/// A point each second, judged from eight on.
fn policy() -> HealthPolicy {
    let series = [("Error rate", "error_percent"), ("Latency p95", "latency_p95_ms")];
    let kayenta = KayentaJudge {
        config: CONFIG.to_owned(),
        series: series.map(|(metric, series)| (metric.to_owned(), series.to_owned())).into(),
        interval: shop::millis(1_000),
        min_points: 8,
        ..Default::default()
    };
    HealthPolicy { warm_up: shop::millis(500), kayenta: Some(kayenta), ..Default::default() }
}

fn verdict(rollout: &Rollout) -> &Verdict {
    rollout.evidence.as_ref().and_then(|evidence| evidence.verdict.as_ref()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_passes_fails_and_waits_for_people_as_kayenta_says() {
    let stack = Stack::up(PROGRAM).await.unwrap();
    let front = free_address().unwrap();
    let environment = Environment { name: ENVIRONMENT.to_owned(), ..Default::default() };
    shop::apply_environment(&stack, environment).await.unwrap();
    let deployment = Deployment { health: Some(policy()), ..shop::deployment(2, &front.to_string()) };
    shop::apply_to(&stack, "shop", HashMap::from([(ENVIRONMENT.to_owned(), deployment)])).await.unwrap();
    // the first has nothing to be compared with: the tests judge it
    let first = shop::submit(&stack, "shop", &Release::unjudged("1")).await.unwrap();
    shop::ended(&stack, &first).await.unwrap();
    let load = shop::load(&stack, front, 200);
    until("the load is answered", || async { (load.tally().good > 20).then_some(()) }).await.unwrap();

    let good = shop::submit(&stack, "shop", &Release::canary("2")).await.unwrap();
    let passed =
        |it: &Rollout| it.verdict.as_ref().is_some_and(|verdict| verdict.decision() == Decision::Pass);
    let seen = shop::rollout_until(&stack, &good, passed).await.unwrap();
    let found = seen.verdict.as_ref().unwrap();
    assert_eq!(found.reason.as_ref().unwrap().code, "KAYENTA_PASSED", "{found:#?}");
    let good = shop::ended(&stack, &good).await.unwrap();
    assert_eq!(good.state(), State::Succeeded, "{good:#?}");

    let bad = Release::canary("3").set("SHOP_ERRORS_PERCENT", "30").set("SHOP_SLOWNESS", "4");
    let bad = shop::submit(&stack, "shop", &bad).await.unwrap();
    let bad = shop::ended(&stack, &bad).await.unwrap();
    assert_eq!(bad.state(), State::RolledBack, "{bad:#?}");
    let reason = verdict(&bad).reason.as_ref().unwrap();
    assert_eq!(reason.code, "KAYENTA_FAILED", "{reason:?}");
    assert!(reason.text.starts_with("score 0.00 on"), "{reason:?}");
    let metric = verdict(&bad).checks.iter().find(|check| check.id == "kayenta-Error rate").unwrap();
    assert_eq!(metric.decision(), Decision::Fail);
    assert!(metric.candidate.unwrap() > 20.0 && metric.baseline.unwrap() < 1.0, "{metric:?}");

    // half of the score: neither good nor bad, so it stays where it is and people are told
    let odd =
        shop::submit(&stack, "shop", &Release::canary("4").set("SHOP_ERRORS_PERCENT", "30")).await.unwrap();
    let marginal = |it: &Rollout| {
        let reason = it.verdict.as_ref().and_then(|verdict| verdict.reason.as_ref());
        reason.is_some_and(|reason| reason.code == "KAYENTA_MARGINAL")
    };
    let held = shop::rollout_until(&stack, &odd, marginal).await.unwrap();
    assert_eq!(held.state(), State::Running, "{held:#?}");
    assert_eq!(held.verdict.as_ref().unwrap().decision(), Decision::Undecided);
    let taken = ["abort", &held.name, "-m", "half is not enough"];
    let (code, out, errors) = stack.cli(&taken).await.unwrap();
    assert_eq!(code, 0, "{out}\n{errors}");
    let taken_back = shop::ended(&stack, &odd).await.unwrap();
    assert_eq!(taken_back.state(), State::RolledBack, "{taken_back:#?}");
    assert_eq!(load.tally().failed, 0, "no request failed because of a rollout");
}
