//! What changes the meaning of UNDECIDED is told at once.

use std::time::Duration;

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;
use pb::Decision;

use crate::harness::{Monitor, TARGET, analysis, place, split};

fn target(sick: usize) -> String {
    format!("{TARGET}-{sick}")
}

/// Four instances of stable and one of the candidate, 100 requests a second each; the candidate and the `sick`th of stable fail
/// three in ten.
fn samples(sick: usize, seconds: u64) -> Vec<pb::Sample> {
    let sample = |fleet: &str, instance: String, bad: bool| pb::Sample {
        target: target(sick),
        fleet: fleet.into(),
        instance,
        route_revision: 1,
        requests: 100 * seconds,
        errors: if bad { 30 * seconds } else { 0 },
        ..Default::default()
    };
    let stable = (0..4).map(|index| sample("old", format!("old-{index}"), index == sick));
    stable.chain([sample("new", "new-0".into(), true)]).collect()
}

#[tokio::test]
async fn an_unstable_environment_is_a_change_of_the_verdict() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    for sick in 0..4 {
        let started = pb::Analysis { target: target(sick), ..analysis(&format!("s{sick}"), split(1, 20.0)) };
        monitor.start_analysis(started).await;
    }
    let mut verdicts = monitor.verdicts(&[], 0).await;
    for _ in 0..4 {
        assert_eq!(verdicts.change().await.reason.unwrap().code, "NO_TRAFFIC");
    }
    for second in 1..=3 {
        monitor.clock.advance(Duration::from_secs(1));
        let batch = pb::SampleBatch {
            source: "gateway/test".into(),
            incarnation: "1".into(),
            time: Some(time::to_timestamp(monitor.now())),
            samples: (0..4).flat_map(|sick| samples(sick, second)).collect(),
            ..Default::default()
        };
        monitor.push(batch).await.unwrap();
    }
    let mut told = vec![];
    for _ in 0..4 {
        let verdict = verdicts.change().await;
        assert!(verdict.sequence > 0, "a change, no refresh");
        told.push((verdict.reason.unwrap().code, verdict.decision));
    }
    told.sort();
    // one of stable's four is the placebo; where it is the sick one, the candidate's failures say nothing about its version
    let failed = ("CHECK_FAILED".to_owned(), i32::from(Decision::Fail));
    let noisy = ("NOISY_BASELINE".to_owned(), i32::from(Decision::Undecided));
    assert_eq!(told, [failed.clone(), failed.clone(), failed, noisy]);
    let now = monitor.stop().await;
    // and is no change once more after a restart
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    let mut verdicts = monitor.verdicts(&[], 0).await;
    let mut codes = vec![];
    for _ in 0..4 {
        codes.push(verdicts.change().await.reason.unwrap().code);
    }
    codes.sort();
    assert_eq!(codes, ["CHECK_FAILED", "CHECK_FAILED", "CHECK_FAILED", "NOISY_BASELINE"]);
    monitor.stop().await;
}
