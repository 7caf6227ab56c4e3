//! Evidence that an earlier build kept.

use std::{path::Path, time::Duration};

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::harness::{Monitor, analysis, place, split};

/// A row as a build wrote it that knew JSON alone: after 158 requests to the candidate and 1,341 to the baseline.
const ROW: &[u8] = include_bytes!("../data/evidence.json");
const NAME: &str = "analyses/bench-0-0";

/// As the row names it.
fn definition() -> pb::Analysis {
    let policy = pb::HealthPolicy::default();
    pb::Analysis {
        candidate_fleet: "bench-0-0".into(),
        baseline_fleet: "stable-0".into(),
        policy: Some(policy),
        ..analysis("bench-0-0", split(1, 10.0))
    }
}

/// What the row's source counts when both sides have had so many requests more.
fn counted(fleet: &str, more: u64) -> pb::Sample {
    let row: Value = serde_json::from_slice(ROW).unwrap();
    let instance = format!("{fleet}-1");
    let last = &row["counters"]["sources"]["gateway/bench-0"][0]["instances"][&instance]["slots"][0]["last"];
    let number = |value: &Value| value.as_u64().unwrap();
    let mut counts: Vec<u64> = last["latency"]["counts"].as_array().unwrap().iter().map(number).collect();
    counts[10] += more;
    pb::Sample {
        target: crate::harness::TARGET.into(),
        fleet: fleet.into(),
        instance,
        route_revision: 1,
        requests: number(&last["requests"]) + more,
        errors: number(&last["errors"]),
        latency: Some(pb::LatencyHistogram {
            scale: 3,
            zero_count: 0,
            offset: i32::try_from(number(&last["latency"]["offset"])).unwrap() - 80,
            counts,
        }),
        statuses: vec![pb::StatusCount { status: 401, count: number(&last["statuses"][0]) }],
        ..Default::default()
    }
}

async fn replace(dir: &Path, row: &[u8]) {
    let path = format!("sqlite:{}", dir.join("evidence.db").display());
    let mut file = SqliteConnection::connect(&path).await.unwrap();
    let update = "UPDATE evidence SET value = ? WHERE kind = 'analysis' AND key = ?";
    let done = sqlx::query(update).bind(row).bind(NAME).execute(&mut file).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    file.close().await.unwrap();
}

async fn samples(monitor: &mut Monitor) -> (u64, u64) {
    let verdict = monitor.verdict(NAME).await;
    let errors = verdict.checks.iter().find(|check| check.id == "errors").unwrap();
    (errors.candidate_samples, errors.baseline_samples)
}

#[tokio::test]
async fn it_is_neither_forgotten_nor_counted_twice() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(definition()).await;
    let mut now = monitor.stop().await;
    replace(dir.path(), ROW).await;
    // the second start reads what the first has written in the present form
    for round in 1..=2 {
        let mut monitor = Monitor::start_at(dir.path(), now).await;
        assert_eq!(samples(&mut monitor).await, (158 + 10 * (round - 1), 1341 + 90 * (round - 1)));
        monitor.clock.advance(Duration::from_secs(1));
        let batch = pb::SampleBatch {
            source: "gateway/bench-0".into(),
            incarnation: "1".into(),
            time: Some(time::to_timestamp(monitor.now())),
            samples: vec![counted("bench-0-0", 10 * round), counted("stable-0", 90 * round)],
            ..Default::default()
        };
        monitor.push(batch).await.unwrap();
        monitor.clock.advance(Duration::from_secs(1));
        assert_eq!(samples(&mut monitor).await, (158 + 10 * round, 1341 + 90 * round));
        now = monitor.stop().await;
    }
}
