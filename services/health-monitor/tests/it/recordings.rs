//! What was counted around a rollout, and what is made of it.

use std::time::Duration;

use bellwether_clock::Env;
use bellwether_health_monitor::{Config, SourcesArgs, build};
use bellwether_proto::monitor::v1::{self as pb, get_recording_response::Message};
use bellwether_resource::time;
use bellwether_server::Metrics;
use tonic::Code;

use crate::harness::{Monitor, Source, analysis, place, split};

const NAME: &str = "analyses/recorded";

async fn recording(monitor: &mut Monitor) -> (pb::RecordedAnalysis, Vec<pb::RecordedSecond>) {
    let request = pb::GetRecordingRequest { name: NAME.to_owned() };
    let mut stream = monitor.client.get_recording(request).await.unwrap().into_inner();
    let (mut story, mut seconds) = (None, Vec::new());
    while let Some(message) = stream.message().await.unwrap() {
        match message.message.unwrap() {
            Message::Analysis(analysis) => story = Some(analysis),
            Message::Seconds(more) => seconds.extend(more.seconds),
        }
    }
    (story.unwrap(), seconds)
}

fn requests(seconds: &[pb::RecordedSecond], fleet: &str) -> u64 {
    seconds.iter().flat_map(|second| &second.counts).filter(|c| c.fleet == fleet).map(|c| c.requests).sum()
}

async fn replay(
    monitor: &mut Monitor,
    policy: Option<pb::HealthPolicy>,
    faults: &[pb::Fault],
) -> Vec<pb::Replay> {
    let request = pb::ReplayRecordingRequest {
        name: NAME.to_owned(),
        policy,
        faults: faults.iter().map(|fault| (*fault).into()).collect(),
        curves: true,
        fault_after: Some(time::to_duration(Duration::from_secs(30))),
    };
    monitor.client.replay_recording(request).await.unwrap().into_inner().replays
}

fn policy(checks: Vec<pb::Check>) -> pb::HealthPolicy {
    pb::HealthPolicy { warm_up: Some(time::to_duration(Duration::ZERO)), checks, ..Default::default() }
}

fn decided(replay: &pb::Replay, decision: pb::Decision) -> bool {
    replay.verdicts.iter().any(|verdict| verdict.decision() == decision)
}

#[tokio::test]
async fn what_came_before_during_and_after_is_there_across_a_restart() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let mut source = Source::new(0);
    for _ in 0..90 {
        monitor.second(&mut source, (0, 0), (100, 1)).await;
    }
    monitor.start_analysis(analysis("recorded", split(1, 50.0))).await;
    for _ in 0..90 {
        monitor.second(&mut source, (50, 0), (50, 1)).await;
    }
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    for _ in 0..30 {
        monitor.second(&mut source, (50, 50), (50, 1)).await;
    }
    let mut verdicts = monitor.verdicts(&[NAME], 0).await;
    while verdicts.change().await.decision() != pb::Decision::Fail {}
    let (story, seconds) = recording(&mut monitor).await;
    assert_eq!(story.analysis.unwrap().candidate_fleet, "new");
    assert!(story.verdicts.iter().any(|verdict| verdict.decision() == pb::Decision::Fail));
    assert!(story.end_time.is_some());
    // the first of each source is where counting begins, before and after the restart
    assert_eq!(requests(&seconds, "old"), 89 * 100 + 90 * 50 + 29 * 50);
    assert_eq!(requests(&seconds, "new"), 90 * 50 + 29 * 50);
    assert!(seconds.windows(2).all(|pair| pair[0].unix_seconds < pair[1].unix_seconds));
    let latencies: u64 = seconds
        .iter()
        .flat_map(|second| &second.counts)
        .filter_map(|counts| counts.latency.as_ref())
        .map(|latency| latency.counts.iter().sum::<u64>())
        .sum();
    assert_eq!(latencies, requests(&seconds, "old") + requests(&seconds, "new"));
    monitor.stop().await;
}

#[tokio::test]
async fn the_impact_is_what_the_candidate_failed_beyond_the_baseline() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let mut source = Source::new(0);
    for _ in 0..60 {
        monitor.second(&mut source, (0, 0), (100, 2)).await;
    }
    let begun = monitor.now();
    monitor.start_analysis(analysis("recorded", split(1, 50.0))).await;
    for second in 0..60 {
        let errors = if second >= 20 { 20 } else { 1 };
        monitor.second(&mut source, (50, errors), (50, 1)).await;
    }
    let request = pb::GetImpactRequest { name: NAME.to_owned() };
    let impact = monitor.client.get_impact(request).await.unwrap().into_inner();
    let failures = impact.failures.unwrap();
    assert!(failures.low > 0.0 && failures.low < failures.estimate, "{failures:?}");
    assert!(failures.estimate <= failures.high && impact.requests > 0, "{impact:?}");
    assert_eq!(impact.baseline(), pb::Baseline::Live);
    let first = time::timestamp(impact.first_failure_time.as_ref().unwrap()).unwrap();
    assert!(first.duration_since(begun).unsigned_abs() <= Duration::from_secs(2), "{first}");
    monitor.stop().await;
}

#[tokio::test]
async fn another_policy_decides_otherwise_and_faults_are_found() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let mut source = Source::new(0);
    for _ in 0..60 {
        monitor.second(&mut source, (0, 0), (100, 1)).await;
    }
    monitor.start_analysis(analysis("recorded", split(1, 50.0))).await;
    for _ in 0..180 {
        monitor.second(&mut source, (100, 1), (100, 1)).await;
    }
    let faults =
        [pb::Fault::Errors, pb::Fault::Unauthorized, pb::Fault::P99, pb::Fault::Silence, pb::Fault::Business];
    let all = replay(&mut monitor, None, &faults).await;
    let [plain, errors, unauthorized, p99, silence, business] = all.as_slice() else { panic!("{all:?}") };
    assert!(decided(plain, pb::Decision::Pass) && !decided(plain, pb::Decision::Fail), "{plain:?}");
    let seconds = |replay: &pb::Replay| replay.delay.as_ref().map(|delay| delay.seconds);
    assert!(seconds(errors).is_some_and(|delay| delay < 30), "{:?}", errors.delay);
    assert!(seconds(unauthorized).is_some_and(|delay| delay < 60), "{:?}", unauthorized.delay);
    assert!(seconds(p99).is_some(), "{:?}", p99.last);
    assert!(seconds(silence).is_some_and(|delay| delay <= 10), "{:?}", silence.delay);
    assert_eq!(business.delay, None);
    let curve = &errors.curve;
    assert!(curve.len() > 10 && curve.last().unwrap().log_evidence >= curve[0].log_evidence_limit);
    // a policy that looks at latency alone misses errors
    let latency = pb::Check {
        id: "latency".to_owned(),
        kind: Some(pb::check::Kind::Latency(pb::LatencyCheck::default())),
        ..Default::default()
    };
    let blind = replay(&mut monitor, Some(policy(vec![latency])), &[pb::Fault::Errors]).await;
    assert_eq!(blind[1].delay, None);
    let unknown = pb::ReplayRecordingRequest { name: "analyses/none".to_owned(), ..Default::default() };
    assert_eq!(monitor.client.replay_recording(unknown).await.unwrap_err().code(), Code::NotFound);
    monitor.stop().await;
}

#[tokio::test]
async fn a_damaged_file_of_recordings_is_named_with_what_to_do() {
    let dir = place();
    let evidence = dir.path().join("evidence.db");
    std::fs::write(dir.path().join("health-monitor-recordings.db"), vec![b'x'; 4096]).unwrap();
    let config = Config {
        journal: format!("sqlite:{}", dir.path().join("monitor.db").display()),
        standby: false,
        evidence: Some(evidence),
        sources: SourcesArgs::default(),
    };
    let refused = build(config, Env::system(), &Metrics::new()).await.err().unwrap();
    let refused = format!("{refused:#}");
    assert!(refused.contains("health-monitor-recordings.db: move it away to begin anew"), "{refused}");
    assert!(refused.contains("the recordings cannot be opened"), "{refused}");
}
