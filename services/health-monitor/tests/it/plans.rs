//! How long it will take.

use bellwether_proto::monitor::v1 as pb;
use tonic::Code;

use crate::harness::{Monitor, place, refusal};

fn question(effect_percent: f64) -> pb::PlanAnalysisRequest {
    pb::PlanAnalysisRequest {
        requests_per_second: 100.0,
        share_percent: 10.0,
        baseline_percent: 0.1,
        effect_percent,
        policy: None,
    }
}

#[tokio::test]
async fn larger_faults_are_seen_sooner_and_small_ones_never() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let mut plan = async |effect| monitor.client.plan_analysis(question(effect)).await.unwrap().into_inner();
    let (large, small, none) = (plan(5.0).await, plan(1.0).await, plan(0.12).await);
    let p50 = |plan: &pb::PlanAnalysisResponse| plan.fail_p50.as_ref().map(|span| span.seconds);
    assert!(p50(&large) < p50(&small) && p50(&small) < Some(180), "{large:?} {small:?}");
    assert!(large.fail_p95.as_ref().unwrap().seconds >= p50(&large).unwrap());
    assert_eq!(p50(&none), None);
    assert!(none.notes[0].contains("margin"), "{none:?}");
    assert!(large.pass_p50.is_some());
    monitor.stop().await;
}

#[tokio::test]
async fn nonsense_is_refused() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let bad = pb::PlanAnalysisRequest {
        requests_per_second: f64::NAN,
        share_percent: 0.0,
        baseline_percent: -1.0,
        effect_percent: f64::INFINITY,
        policy: None,
    };
    let status = monitor.client.plan_analysis(bad).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        refusal(&status).1,
        ["requests_per_second", "share_percent", "baseline_percent", "effect_percent"]
    );
    monitor.stop().await;
}
