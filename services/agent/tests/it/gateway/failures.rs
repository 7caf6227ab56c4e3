//! Instances that fail, gateways that die.

use http::StatusCode;

use crate::kit::{Client, Gateway, Instance, Load, until};

#[tokio::test]
async fn a_dead_instance_costs_no_request() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    let gateway = Gateway::with(&[("stable", &[&a, &b])], &[("stable", 100.0)]).await;
    b.stop().await;
    let client = Client::new(gateway.listen);
    for _ in 0..20 {
        assert_eq!(client.get("/").await, (StatusCode::OK, "a".into()));
    }
    let samples = gateway.samples().await;
    let dead = samples.iter().find(|sample| sample.key.instance == "b").unwrap();
    assert!(dead.connect_failures > 0 && dead.errors == dead.connect_failures);
}

#[tokio::test]
async fn with_every_instance_dead_the_answer_is_502() {
    let a = Instance::start("a").await;
    let gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    a.stop().await;
    let (status, body) = Client::new(gateway.listen).get("/").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(body.contains("BAD_GATEWAY"), "{body}");
}

#[tokio::test]
async fn a_slow_answer_is_504_and_an_error() {
    let a = Instance::start("a").await;
    let mut gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    gateway.target().policy.response_timeout = std::time::Duration::from_millis(100);
    gateway.apply().await;
    let (status, _) = Client::new(gateway.listen).get("/slow/5000").await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    let samples = gateway.samples().await;
    assert_eq!((samples[0].requests, samples[0].errors), (1, 1));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let a = Instance::start("a").await;
    let gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let client = Client::new(gateway.listen);
    let request = client.request("/break").body(Default::default()).unwrap();
    let response = client.send(request).await;
    assert!(http_body_util::BodyExt::collect(response.into_body()).await.is_err());
    until("the error to be counted", || async { gateway.samples().await[0].errors == 1 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_gateway_comes_back_with_its_table_and_connections_wait() {
    let a = Instance::start("a").await;
    let mut gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    assert_eq!(Client::new(gateway.listen).get("/").await.1, "a");
    let before = gateway.client.status().await.unwrap();
    let address = gateway.listen;
    let restart = gateway.kill_and_restart();
    let waiting = async { Client::new(address).get("/").await };
    let ((), answer) = tokio::join!(restart, waiting);
    assert_eq!(answer, (StatusCode::OK, "a".into()));
    let after = gateway.client.status().await.unwrap();
    assert_eq!(after.version, before.version);
    assert_ne!(after.incarnation, before.incarnation);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_restart_fails_no_request() {
    let a = Instance::start("a").await;
    let mut gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let load = Load::start(gateway.listen, "/", 8);
    let http2 = Load::start_http2(gateway.listen, "/", 8);
    load.more(200).await;
    http2.more(200).await;
    let (mut old, old_client) = gateway.succeed().await;
    old_client.retire(std::time::Duration::from_secs(10)).await.unwrap();
    load.more(400).await;
    http2.more(400).await;
    until("the old gateway to end", || std::future::ready(old.try_wait().unwrap().is_some())).await;
    load.stop().await.assert_all_well();
    http2.stop().await.assert_all_well();
    assert!(old.wait().unwrap().success());
}
