//! What Kayenta would have said.

use bellwether_proto::monitor::v1 as pb;
use tonic::Code;

use crate::harness::{Monitor, place, refusal};

const CONFIG: &str = r#"{
    "canaryConfig": {
        "name": "shop", "configVersion": "1.0", "applications": ["shop"],
        "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
        "metrics": [
            {"name": "errors", "query": {"type": "prometheus", "metricName": "e"}, "groups": ["err"],
             "analysisConfigurations": {"canary": {"direction": "increase", "nanStrategy": "replace"}}},
            {"name": "latency", "groups": ["app"], "scopeName": "default",
             "analysisConfigurations": {"canary": {"direction": "increase",
                "effectSize": {"measure": "meanRatio", "allowedIncrease": 1.25}}}}
        ],
        "classifier": {"groupWeights": {"err": 70.0, "app": 30.0}}
    },
    "executionRequest": {"scopes": {}, "thresholds": {"pass": 95.0, "marginal": 60.0}}
}"#;

fn series(metric: &str, candidate: f64, baseline: f64) -> pb::MetricSeries {
    let around = |level: f64| (0..60).map(|i| level * (1.0 + 0.02 * f64::from(i * 7 % 13 - 6))).collect();
    pb::MetricSeries { metric: metric.to_owned(), candidate: around(candidate), baseline: around(baseline) }
}

fn request(series: Vec<pb::MetricSeries>) -> pb::EvaluateSamplesRequest {
    pb::EvaluateSamplesRequest { config: CONFIG.to_owned(), series, ..Default::default() }
}

#[tokio::test]
async fn kayenta_s_configuration_is_read_as_it_is() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let mut judge =
        async |series| monitor.client.evaluate_samples(request(series)).await.unwrap().into_inner();
    let good = judge(vec![series("errors", 1.0, 1.0), series("latency", 110.0, 100.0)]).await;
    assert_eq!((good.score, good.outcome()), (100.0, pb::EvaluationOutcome::Pass), "{good:?}");
    let slow = judge(vec![series("errors", 1.0, 1.0), series("latency", 150.0, 100.0)]).await;
    assert_eq!((slow.score, slow.outcome()), (70.0, pb::EvaluationOutcome::Marginal));
    let latency = slow.metrics.iter().find(|metric| metric.metric == "latency").unwrap();
    assert_eq!(latency.classification(), pb::MetricClass::High);
    assert!((latency.effect.unwrap() - 1.5).abs() < 0.01 && latency.shift_low.unwrap() > 40.0, "{latency:?}");
    let broken = judge(vec![series("errors", 5.0, 1.0), series("latency", 100.0, 100.0)]).await;
    assert_eq!((broken.score, broken.outcome()), (30.0, pb::EvaluationOutcome::Fail));
    assert_eq!(broken.groups.iter().map(|group| group.weight).sum::<f64>(), 100.0);
    monitor.stop().await;
}

#[tokio::test]
async fn what_cannot_be_judged_is_refused_with_every_violation() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let bad = pb::EvaluateSamplesRequest {
        pass_score: Some(50.0),
        marginal_score: Some(60.0),
        ..request(vec![series("unknown", 1.0, 1.0)])
    };
    let status = monitor.client.evaluate_samples(bad).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(refusal(&status).1, ["marginal_score", "series[0].metric"]);
    let garbled = pb::EvaluateSamplesRequest { config: "{".to_owned(), ..request(vec![]) };
    let status = monitor.client.evaluate_samples(garbled).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["config"]);
    monitor.stop().await;
}
