//! Probes as resources: applied, listed, removed, kept.

use std::time::Duration;

use bellwether_clock::Env;
use bellwether_proto::monitor::v1::{self as pb, Level, probe::Kind};
use bellwether_resource::time;
use tonic::Code;

use super::{
    given::{Health, apply, grpc, journey, list, status_of, step, tcp, visit},
    shop::{Shop, page, status},
};
use crate::harness::{Client, Process, place, refusal};

async fn filtered(client: &mut Client, filter: &str) -> Vec<String> {
    let request = pb::ListProbesRequest { filter: filter.into(), ..Default::default() };
    let probes = client.list_probes(request).await.unwrap().into_inner().probes;
    probes.into_iter().map(|probe| probe.name).collect()
}

fn delete(name: &str, etag: &str) -> pb::DeleteProbeRequest {
    pb::DeleteProbeRequest {
        name: name.into(),
        etag: etag.into(),
        reason: "moved".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn every_violation_is_told_at_once_and_nothing_changes() {
    let dir = place();
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let bad = |text: &str| pb::HttpStep {
        id: "look".into(),
        method: "BREW".into(),
        path: "carts".into(),
        headers: [("host".into(), "x".into()), ("a b".into(), "x".into())].into(),
        body: "${order}".into(),
        expect: Some(pb::HttpExpectation {
            statuses: vec![99],
            body_matches: vec!["(".into()],
            json: vec![pb::JsonExpectation { pointer: "a~2".into(), ..Default::default() }],
            max_latency: Some(time::to_duration(Duration::from_secs(61))),
            ..Default::default()
        }),
        extract: vec![pb::ProbeExtract { name: text.into(), ..Default::default() }],
        ..Default::default()
    };
    let given = pb::Probe {
        name: "Checkout".into(),
        interval: Some(time::to_duration(Duration::from_millis(1))),
        timeout: Some(time::to_duration(Duration::from_secs(600))),
        failures: 11,
        role: pb::CheckRole::Guard.into(),
        candidate: Some(pb::ProbeAccess::default()),
        ..journey("x", "ftp://shop", vec![bad("run"), bad("Order")])
    };
    let refused = apply(&mut monitor.client, given).await.unwrap_err();
    let (reason, fields) = refusal(&refused);
    assert_eq!((refused.code(), reason.as_str()), (Code::InvalidArgument, "INVALID_FIELDS"));
    for field in [
        "probe.name",
        "probe.interval",
        "probe.timeout",
        "probe.failures",
        "probe.role",
        "probe.candidate.address",
        "probe.http.url",
        "probe.http.steps[0].method",
        "probe.http.steps[0].path",
        "probe.http.steps[0].headers.host",
        "probe.http.steps[0].headers.a b",
        "probe.http.steps[0].body",
        "probe.http.steps[0].expect.statuses[0]",
        "probe.http.steps[0].expect.body_matches[0]",
        "probe.http.steps[0].expect.json[0].pointer",
        "probe.http.steps[0].expect.max_latency",
        "probe.http.steps[0].extract[0].name",
        "probe.http.steps[0].extract[0].from",
        "probe.http.steps[1].id",
        "probe.http.steps[1].extract[0].name",
    ] {
        assert!(fields.iter().any(|it| it == field), "{field} is not among {fields:?}");
    }
    let place = "127.0.0.1:1".parse().unwrap();
    let no_headers = pb::ProbeAccess { headers: [("x".into(), "y".into())].into(), ..Default::default() };
    for (probe, field) in [
        (pb::Probe { kind: None, ..tcp("a", place) }, "probe.kind"),
        (pb::Probe { application: "Shop".into(), ..tcp("a", place) }, "probe.application"),
        (pb::Probe { candidate: Some(no_headers), ..tcp("a", place) }, "probe.candidate.headers"),
        (
            pb::Probe { kind: Some(Kind::Tcp(pb::TcpProbe { address: "shop".into() })), ..tcp("a", place) },
            "probe.tcp.address",
        ),
        (grpc("a", place, &"x".repeat(300)), "probe.grpc.service"),
        (journey("a", "http://shop", Vec::new()), "probe.http.steps"),
        (
            journey(
                "a",
                "http://shop",
                vec![pb::HttpStep { url: "https://${run}.example/".into(), ..step("b", "") }],
            ),
            "probe.http.steps[0].url",
        ),
    ] {
        let refused = apply(&mut monitor.client, probe).await.unwrap_err();
        assert_eq!(refusal(&refused).1, [field]);
    }
    assert!(list(&mut monitor.client).await.is_empty());
    monitor.stop().await;
}

#[tokio::test]
async fn a_probe_is_applied_once_changed_by_its_etag_and_removed() {
    let (dir, shop) = (place(), Shop::open(|_| page("well")).await);
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let client = &mut monitor.client;
    let mut given = visit("probes/front", &shop.url(), "/", Default::default());
    given.metadata = Some(bellwether_proto::common::v1::Metadata {
        team: "web".into(),
        labels: [("tier".into(), "1".into())].into(),
        ..Default::default()
    });
    let request =
        pb::ApplyProbeRequest { request_id: "once".into(), probe: Some(given.clone()), validate_only: true };
    client.apply_probe(request.clone()).await.unwrap();
    assert!(list(client).await.is_empty(), "it was only checked");
    let request = pb::ApplyProbeRequest { validate_only: false, ..request };
    let first = client.apply_probe(request.clone()).await.unwrap().into_inner().probe.unwrap();
    let again = client.apply_probe(request.clone()).await.unwrap().into_inner().probe.unwrap();
    assert_eq!(first, again);
    let other = pb::ApplyProbeRequest { probe: Some(pb::Probe { failures: 3, ..given.clone() }), ..request };
    assert_eq!(refusal(&client.apply_probe(other).await.unwrap_err()).0, "REQUEST_ID_REUSED");
    let metadata = first.metadata.clone().unwrap();
    assert_eq!((first.name.as_str(), metadata.version, metadata.team.as_str()), ("probes/front", 1, "web"));
    let same = apply(client, given.clone()).await.unwrap();
    assert_eq!(same.metadata.unwrap().version, 1, "nothing has changed");
    let changed = apply(client, pb::Probe { failures: 3, ..first.clone() }).await.unwrap();
    assert_eq!((changed.failures, changed.metadata.unwrap().version), (3, 2));
    let stale = apply(client, pb::Probe { failures: 4, ..first.clone() }).await.unwrap_err();
    assert_eq!(refusal(&stale).0, "ETAG_MISMATCH");
    assert_eq!(
        filtered(client, r#"application = "shop" AND environment = "production""#).await,
        ["probes/front"]
    );
    assert_eq!(filtered(client, r#"labels.tier = "1" AND team = "web""#).await, ["probes/front"]);
    assert!(filtered(client, r#"environment = "staging""#).await.is_empty());
    assert_eq!(
        refusal(&client.delete_probe(delete("front", &metadata.etag)).await.unwrap_err()).0,
        "ETAG_MISMATCH"
    );
    client.delete_probe(delete("front", "")).await.unwrap();
    assert_eq!(client.delete_probe(delete("front", "")).await.unwrap_err().code(), Code::NotFound);
    assert!(list(client).await.is_empty());
    monitor.stop().await;
}

#[tokio::test]
async fn there_are_only_so_many_of_one_application() {
    let dir = place();
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let at = "127.0.0.1:1".parse().unwrap();
    for index in 0..32 {
        apply(&mut monitor.client, tcp(&format!("p{index}"), at)).await.unwrap();
    }
    let refused = apply(&mut monitor.client, tcp("more", at)).await.unwrap_err();
    assert_eq!(refusal(&refused).0, "STATE_CONFLICT");
    apply(&mut monitor.client, pb::Probe { failures: 2, ..tcp("p7", at) }).await.unwrap();
    apply(&mut monitor.client, pb::Probe { environment: "staging".into(), ..tcp("more", at) }).await.unwrap();
    monitor.stop().await;
}

#[tokio::test]
async fn health_says_what_a_journey_does_and_a_restart_keeps_it() {
    let (dir, shop) = (place(), Shop::open(|_| page("well")).await);
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let twice = pb::Probe { failures: 2, ..visit("front", &shop.url(), "/", Default::default()) };
    apply(&mut monitor.client, twice).await.unwrap();
    let mut health = Health::watch(&mut monitor.client).await;
    health.until(|it| it.value == Some(0.0)).await;
    shop.change(|_| status(503));
    let (warns, _) = health.until(|it| it.level() == Level::Warn).await;
    assert_eq!(warns.reasons[0].code, "PROBE_FAILED");
    let (_, whole) = health.until(|it| it.level() == Level::Fail).await;
    assert_eq!(whole.level(), Level::Fail);
    drop(health);
    let status = status_of(&mut monitor.client, "front").await;
    assert!(status.failures_in_a_row >= 2 && status.since_time.is_some());
    monitor.stop().await;
    // what it found is forgotten, and found again
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let mut health = Health::watch(&mut monitor.client).await;
    let (fails, _) = health.until(|it| it.level() == Level::Fail).await;
    assert!(
        fails.reasons[0].text.starts_with("probe front: step look: status 503, expected 200 to 299 ("),
        "{fails:?}"
    );
    shop.change(|_| page("well"));
    health.until(|it| it.level() == Level::Ok).await;
    let last_failure = status_of(&mut monitor.client, "front").await.last_failure.unwrap();
    assert_eq!(last_failure.steps[0].status, 503);
    monitor.stop().await;
}
