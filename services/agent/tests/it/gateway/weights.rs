//! Shares of the traffic.

use bellwether_agent::gateway::Sample;
use http::StatusCode;

use crate::kit::{Client, Gateway, Instance, Load};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_change_under_load_without_a_failed_request() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    let mut gateway = Gateway::with(&[("stable", &[&a]), ("candidate", &[&b])], &[("stable", 100.0)]).await;
    let load = Load::start(gateway.listen, "/", 4);
    for percent in [10.0, 50.0, 100.0, 0.0] {
        load.more(200).await;
        let split = [("stable", 100.0 - percent), ("candidate", percent)];
        let status = gateway.route(&split).await;
        let confirmed = &status.targets["targets/shop@test"];
        assert_eq!(confirmed.revision, gateway.target().revision);
        assert_eq!(confirmed.split[1].percent, percent);
    }
    load.more(200).await;
    let answers = load.stop().await;
    answers.assert_all_well();
    assert!(answers.served_by["b"] > 200);
}

#[tokio::test]
async fn shares_are_exact() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    let split = [("stable", 90.0), ("candidate", 10.0)];
    let gateway = Gateway::with(&[("stable", &[&a]), ("candidate", &[&b])], &split).await;
    let client = Client::new(gateway.listen);
    let mut candidate = 0;
    for _ in 0..200 {
        candidate += usize::from(client.get("/").await.1 == "b");
    }
    assert_eq!(candidate, 20);
}

#[tokio::test]
async fn samples_tell_each_instance_and_revision() {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    let mut gateway = Gateway::with(&[("stable", &[&a]), ("candidate", &[&b])], &[("stable", 100.0)]).await;
    let client = Client::new(gateway.listen);
    for path in ["/", "/status/404", "/status/500"] {
        client.get(path).await;
    }
    gateway.route(&[("candidate", 100.0)]).await;
    client.get("/status/503").await;
    let samples = gateway.samples().await;
    let of = |instance: &str, revision: u64| {
        let of = |sample: &&Sample| sample.key.instance == instance && sample.key.revision == revision;
        samples.iter().find(of).unwrap()
    };
    assert_eq!((of("a", 1).requests, of("a", 1).errors), (3, 1));
    assert_eq!(of("a", 1).statuses, [(200, 1), (404, 1), (500, 1)]);
    assert_eq!(of("a", 1).latency.counts.iter().sum::<u64>(), 3);
    assert_eq!((of("b", 2).requests, of("b", 2).errors), (1, 1));
    assert_eq!(
        (of("b", 2).key.fleet.as_str(), of("b", 2).key.target.as_str()),
        ("candidate", "targets/shop@test")
    );
    // what got no request is told too
    assert_eq!((of("a", 2).requests, of("b", 1).requests), (0, 0));
}

#[tokio::test]
async fn no_route_is_503_and_no_target_404() {
    let a = Instance::start("a").await;
    let mut gateway = Gateway::start().await;
    let client = Client::new(gateway.listen);
    let (status, body) = client.get("/").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("NO_TARGET"), "{body}");
    gateway.target().fleets.insert("stable".into(), crate::kit::fleet(&[&a]));
    gateway.route(&[]).await;
    let (status, body) = client.get("/").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("NO_ROUTE"), "{body}");
}

#[tokio::test]
async fn a_table_that_makes_no_sense_changes_nothing() {
    let a = Instance::start("a").await;
    let mut gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let good = gateway.table.clone();
    gateway.target().split[0].percent = 70.0;
    gateway.table.version += 1;
    let refused = gateway.client.apply(&gateway.table, true).await.unwrap_err().to_string();
    assert!(refused.contains("70 %"), "{refused}");
    assert!(gateway.client.apply(&bellwether_agent::gateway::Table::default(), true).await.is_err());
    assert_eq!(gateway.client.status().await.unwrap().version, good.version);
    assert_eq!(Client::new(gateway.listen).get("/").await.1, "a");
}
