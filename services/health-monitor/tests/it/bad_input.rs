//! What is refused, and that nothing comes of it.

use std::time::Duration;

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;
use tonic::Code;

use crate::harness::{Monitor, Source, analysis, place, push, refusal, split};

#[tokio::test]
async fn every_violation_of_a_definition_is_named() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let policy =
        pb::HealthPolicy { alpha_percent: Some(f64::NAN), slo_percent: Some(-3.0), ..Default::default() };
    let segment =
        pb::Segment { candidate_share_percent: f64::INFINITY, kind: 77, route_revision: -1, ..split(0, 1.0) };
    let bad = pb::Analysis {
        name: "analysis/1".into(),
        target: "targets/Shop".into(),
        baseline_fleet: "new".into(),
        policy: Some(policy),
        ..analysis("a", segment)
    };
    let request = pb::StartAnalysisRequest { request_id: "x".repeat(129), analysis: Some(bad) };
    let status = monitor.client.start_analysis(request).await.unwrap_err();
    let fields = [
        "request_id",
        "analysis.name",
        "analysis.target",
        "analysis.baseline_fleet",
        "analysis.policy.alpha_percent",
        "analysis.policy.slo_percent",
        "analysis.segment.index",
        "analysis.segment.candidate_share_percent",
        "analysis.segment.route_revision",
        "analysis.segment.kind",
    ];
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(refusal(&status), ("INVALID_FIELDS".into(), fields.map(str::to_owned).to_vec()));
    let none = pb::StartAnalysisRequest::default();
    let status = monitor.client.start_analysis(none).await.unwrap_err();
    assert!(refusal(&status).1.contains(&"analysis".to_owned()));
    monitor.stop().await;
}

#[tokio::test]
async fn a_batch_is_refused_as_a_whole_with_every_violation() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut source = Source::new(1);
    monitor.second(&mut source, (5, 0), (5, 0)).await;
    source.candidate.count((100, 0));
    source.baseline.count((100, 0));
    let mut bad = source.batch(monitor.now() + Duration::from_secs(3_600));
    bad.source = String::new();
    bad.samples[1].errors = 1_000;
    bad.samples[1].statuses = vec![pb::StatusCount { status: 42, count: 1 }];
    bad.samples[1].journeys = vec![pb::JourneyCount { journey: "Pay".into(), requests: 1, errors: 2 }];
    bad.samples[1].latency.as_mut().unwrap().scale = 0;
    bad.interval = Some(time::to_duration(Duration::ZERO));
    let status = monitor.push(bad).await.unwrap_err();
    let fields = [
        "batch.source",
        "batch.interval",
        "batch.time",
        "batch.samples[1].errors",
        "batch.samples[1].statuses[0].status",
        "batch.samples[1].journeys[0].journey",
        "batch.samples[1].journeys[0].errors",
        "batch.samples[1].latency.scale",
    ];
    assert_eq!(refusal(&status), ("INVALID_FIELDS".into(), fields.map(str::to_owned).to_vec()));
    let old = source.batch(monitor.now() - Duration::from_secs(3_601));
    assert_eq!(refusal(&monitor.push(old).await.unwrap_err()).1, ["batch.time"]);
    monitor.clock.advance(Duration::from_secs(1));
    assert_eq!(monitor.verdict("analyses/a").await.checks[0].candidate_samples, 5);
    // what comes next is taken
    monitor.second(&mut source, (0, 0), (0, 0)).await;
    assert_eq!(monitor.verdict("analyses/a").await.checks[0].candidate_samples, 105);
    monitor.stop().await;
}

#[tokio::test]
async fn the_accepted_batches_before_a_bad_one_stand() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut source = Source::new(1);
    source.candidate.count((7, 0));
    source.baseline.count((7, 0));
    let good = source.batch(monitor.now());
    let bad = pb::SampleBatch { incarnation: String::new(), ..good.clone() };
    let status = push(&mut monitor.client, vec![good, bad]).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["batch.incarnation"]);
    monitor.clock.advance(Duration::from_secs(1));
    assert_eq!(monitor.verdict("analyses/a").await.checks[0].candidate_samples, 7);
    monitor.stop().await;
}

#[tokio::test]
async fn too_much_is_refused_and_harms_nobody() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let source = Source::new(1);
    let mut huge = source.batch(monitor.now());
    let sample = pb::Sample { instance: "x".repeat(1_000), ..huge.samples[0].clone() };
    huge.samples = vec![sample; 5 * 1024];
    let status = monitor.push(huge.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let small = pb::Sample { instance: "x".into(), latency: None, ..huge.samples[0].clone() };
    huge.samples = vec![small; 10_001];
    let status = monitor.push(huge).await.unwrap_err();
    assert_eq!(refusal(&status).1, ["batch.samples"]);
    assert_eq!(monitor.get("analyses/a").await.state(), pb::analysis::State::Active);
    monitor.stop().await;
}

#[tokio::test]
async fn duplicates_and_disorder_change_nothing() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut source = Source::new(1);
    let mut batches = vec![];
    for _ in 0..10 {
        monitor.second(&mut source, (30, 1), (30, 1)).await;
        batches.push(source.batch(monitor.now()));
    }
    let before = monitor.verdict("analyses/a").await;
    batches.reverse();
    batches.extend(batches.clone());
    push(&mut monitor.client, batches).await.unwrap();
    monitor.clock.advance(Duration::from_secs(1));
    let after = monitor.verdict("analyses/a").await;
    assert_eq!(after.log_evidence, before.log_evidence);
    assert_eq!(after.checks[0].candidate_samples, 300);
    monitor.stop().await;
}

#[tokio::test]
async fn a_histogram_with_other_buckets_counts_from_there_on() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut source = Source::new(1);
    for _ in 0..5 {
        monitor.second(&mut source, (50, 0), (50, 0)).await;
    }
    let latency = |verdict: pb::Verdict| {
        let latency = verdict.checks.into_iter().find(|check| check.id == "latency").unwrap();
        (latency.candidate_samples, latency.candidate.unwrap().round())
    };
    // of minutes where there were some of 20 ms: none of the old requests took that long
    let told = source.candidate.0.latency.as_mut().unwrap();
    told.offset = 134;
    for _ in 0..2 {
        monitor.second(&mut source, (0, 0), (50, 0)).await;
    }
    monitor.clock.advance(Duration::from_secs(1));
    let (samples, median) = latency(monitor.verdict("analyses/a").await);
    assert_eq!((samples, median), (250, 21.0));
    monitor.stop().await;
}
