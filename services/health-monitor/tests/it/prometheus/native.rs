//! Native histograms, of fleets whose instances nothing tells apart.

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1 as pb;
use pb::Decision;

use super::{
    asking, of,
    server::{Reply, Server, whole},
    until,
};
use crate::harness::{Monitor, place};

/// So many requests of either fleet in all, as counters.
fn counted(now: Timestamp, requests: u64) -> Reply {
    let at = now.as_second();
    let series = |fleet: &str| {
        format!(
            r#"{{"metric":{{"bellwether_fleet":"{fleet}","code":"200"}},"values":[[{at},"{requests}"]]}}"#
        )
    };
    whole(&["new", "old"].map(series).join(","))
}

/// And as histograms of seconds: those of the candidate took four times as long.
fn timed(now: Timestamp, requests: u64) -> Reply {
    let at = now.as_second();
    let series = |(fleet, lower, upper)| {
        let buckets = format!(r#"[[0,"{lower}","{upper}","{requests}"]]"#);
        let histogram = format!(r#"{{"count":"{requests}","sum":"1","buckets":{buckets}}}"#);
        format!(r#"{{"metric":{{"bellwether_fleet":"{fleet}"}},"histograms":[[{at},{histogram}]]}}"#)
    };
    let bucket = |index: f64| (index / 8.0).exp2();
    let sides = [("new", bucket(-30.0), bucket(-29.0)), ("old", bucket(-46.0), bucket(-45.0))];
    whole(&sides.map(series).join(","))
}

#[tokio::test]
async fn both_sides_are_told_apart_where_nothing_names_their_instances() {
    let (dir, server) = (place(), Server::start().await);
    let mut monitor = Monitor::start(dir.path()).await;
    let latency = "http_request_duration_seconds".to_owned();
    monitor.start_analysis(of("a", pb::PrometheusSource { latency, ..asking(&server.url("x")) })).await;
    let mut requests = 0;
    let verdict = until(
        &mut monitor,
        "a",
        |now| {
            requests += 200;
            let each = vec![
                ("http_requests_total", counted(now, requests)),
                ("http_request_duration_seconds", timed(now, requests)),
            ];
            server.says("x", Reply::Each(each));
        },
        |verdict| (verdict.decision() == Decision::Fail).then(|| verdict.clone()),
    )
    .await;
    let of = |id: &str| verdict.checks.iter().find(|check| check.id == id).unwrap();
    let (errors, latency) = (of("errors"), of("latency"));
    assert_eq!(latency.level(), pb::Level::Fail, "{verdict:#?}");
    assert!((latency.effect.unwrap() - 4.0).abs() < 0.1, "{latency:?}");
    assert!(errors.candidate_samples > 0 && errors.candidate_samples % 200 == 0, "{errors:?}");
    assert!(errors.baseline_samples > 0 && errors.baseline_samples % 200 == 0, "{errors:?}");
    monitor.stop().await;
}
