//! A rollout that is judged by Prometheus alone.

use std::net::SocketAddr;

use bellwether_proto::{
    executor::v1::rollout::State,
    monitor::v1::{Decision, PrometheusSource, source::Kind},
    planner::v1::Deployment,
};
use bellwether_tests::{
    prometheus::Prometheus,
    shop::{self, Release},
    stack::{Setup, Stack, free_address},
    wait::until,
};

use super::{analysis, judged_by, serving};
use crate::PROGRAM;

/// The shop, judged by what `prometheus` scrapes of it.
fn asking(prometheus: SocketAddr, front: SocketAddr) -> Deployment {
    let server = PrometheusSource {
        url: format!("http://{prometheus}"),
        requests: "http_requests_total".to_owned(),
        latency: "http_request_duration_seconds_bucket".to_owned(),
        path_label: "path".to_owned(),
        interval: shop::millis(1_000),
        ..Default::default()
    };
    judged_by(Kind::Prometheus(server), front)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_release_is_taken_back_on_prometheus_alone() {
    let Some(program) = Prometheus::installed() else { return };
    let stack = Stack::start(Setup::one(PROGRAM)).await.unwrap();
    let mut prometheus = Prometheus::start(program, &stack.instance_addresses().unwrap()).await.unwrap();
    let front = free_address().unwrap();
    let load = serving(&stack, asking(prometheus.address, front), front).await;

    let good = shop::submit(&stack, "shop", &Release::canary("2")).await.unwrap();
    let good = shop::ended(&stack, &good).await.unwrap();
    assert_eq!(good.state(), State::Succeeded, "{good:#?}");

    let bad = Release::canary("3").set("SHOP_ERRORS_PERCENT", "20");
    let bad = shop::submit(&stack, "shop", &bad).await.unwrap();
    let bad = shop::ended(&stack, &bad).await.unwrap();
    assert_eq!(bad.state(), State::RolledBack, "{bad:#?}");
    assert_eq!(bad.reason.as_ref().unwrap().code, "VERDICT_FAIL");
    let judged = analysis(&stack, &bad).await.unwrap();
    let verdict = judged.verdict.unwrap();
    assert_eq!(verdict.decision(), Decision::Fail);
    let errors = verdict.checks.iter().find(|check| check.id == "errors").unwrap();
    assert!(errors.candidate.unwrap() > 10.0, "{errors:?}");

    // a server that is gone is an error that names it, and nothing advances on it
    prometheus.kill().unwrap();
    let name = shop::submit(&stack, "shop", &Release::canary("4")).await.unwrap();
    let running = shop::rollout_until(&stack, &name, |it| it.state() == State::Running).await.unwrap();
    let verdict = until("the source is said to have failed", || async {
        let verdict = analysis(&stack, &running).await?.verdict?;
        (verdict.decision() == Decision::Error).then_some(verdict)
    });
    let reason = verdict.await.unwrap().reason.unwrap();
    assert_eq!(reason.code, "SOURCE_FAILED");
    assert!(reason.text.contains("source main has failed since"), "{reason:?}");
    prometheus.again().await.unwrap();
    let ended = shop::ended(&stack, &name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    assert_eq!(load.tally().failed, 0, "no request failed because of a rollout");
}
