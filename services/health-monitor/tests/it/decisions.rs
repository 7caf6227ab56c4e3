//! Samples in, verdicts out.

use std::time::Duration;

use bellwether_proto::monitor::v1 as pb;
use pb::{Baseline, Decision};

use crate::harness::{Monitor, Source, analysis, full, place, split};

fn code(verdict: &pb::Verdict) -> &str {
    &verdict.reason.as_ref().unwrap().code
}

#[tokio::test]
async fn a_bad_candidate_fails_with_the_numbers() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let started = monitor.start_analysis(analysis("a", split(1, 10.0))).await;
    assert_eq!(started.verdict.as_ref().unwrap().decision(), Decision::Undecided);
    let mut verdicts = monitor.verdicts(&["analyses/a"], 0).await;
    let first = verdicts.change().await;
    assert_eq!((first.decision(), code(&first)), (Decision::Undecided, "NO_TRAFFIC"));

    let mut source = Source::new(1);
    for _ in 0..5 {
        monitor.second(&mut source, (10, 2), (90, 0)).await;
    }
    let failed = verdicts.change().await;
    assert_eq!(
        (failed.decision(), code(&failed), failed.baseline()),
        (Decision::Fail, "CHECK_FAILED", Baseline::Live)
    );
    assert!(failed.sequence > first.sequence && failed.log_evidence >= failed.log_evidence_limit);
    let errors = failed.checks.iter().find(|check| check.id == "errors").unwrap();
    assert_eq!(
        (errors.level(), errors.unit.as_str(), errors.candidate),
        (pb::Level::Fail, "percent", Some(20.0))
    );
    assert_eq!(errors.baseline, Some(0.0));
    assert_eq!(monitor.get("analyses/a").await.state(), pb::analysis::State::Failed);

    // final: nothing good that comes later changes it
    for _ in 0..5 {
        monitor.second(&mut source, (1_000, 0), (1_000, 0)).await;
    }
    assert_eq!(monitor.verdict("analyses/a").await.decision(), Decision::Fail);
    monitor.stop().await;
}

#[tokio::test]
async fn a_good_candidate_passes_each_segment_anew() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut verdicts = monitor.verdicts(&[], 0).await;
    assert_eq!(verdicts.change().await.decision(), Decision::Undecided);
    let mut source = Source::new(1);
    for _ in 0..20 {
        monitor.second(&mut source, (200, 0), (200, 0)).await;
    }
    let passed = verdicts.change().await;
    assert_eq!((passed.decision(), passed.segment, code(&passed)), (Decision::Pass, 1, "ALL_PASSED"));

    monitor.enter("analyses/a", full(2)).await.unwrap();
    let anew = verdicts.change().await;
    assert_eq!((anew.decision(), anew.segment), (Decision::Undecided, 2));
    assert!(anew.sequence > passed.sequence);
    let mut source = Source::new(2);
    for _ in 0..20 {
        monitor.second(&mut source, (400, 0), (0, 0)).await;
    }
    let passed = verdicts.change().await;
    assert_eq!((passed.decision(), passed.segment, passed.baseline()), (Decision::Pass, 2, Baseline::None));
    monitor.stop().await;
}

#[tokio::test]
async fn the_past_of_the_baseline_is_known_to_later_rollouts() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let mut source = Source::new(1);
    for _ in 0..20 {
        monitor.second(&mut source, (0, 0), (500, 1)).await;
    }
    // also after a restart
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    let started = monitor.start_analysis(analysis("a", full(2))).await;
    assert_eq!(started.verdict.unwrap().baseline(), Baseline::History);
    monitor.stop().await;
}

#[tokio::test]
async fn silence_is_no_data_and_ends_with_data() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    let mut verdicts = monitor.verdicts(&["analyses/a"], 0).await;
    verdicts.change().await;
    let mut source = Source::new(1);
    monitor.second(&mut source, (20, 0), (20, 0)).await;
    monitor.clock.advance(Duration::from_secs(4));
    let silent = verdicts.change().await;
    assert_eq!((silent.decision(), code(&silent)), (Decision::NoData, "NO_SAMPLES"));
    monitor.second(&mut source, (20, 0), (20, 0)).await;
    assert_eq!(verdicts.change().await.decision(), Decision::Undecided);
    monitor.stop().await;
}

#[tokio::test]
async fn a_first_deployment_that_mostly_fails_is_a_hard_limit() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let first =
        pb::Analysis { baseline_fleet: String::new(), one_sided_planned: false, ..analysis("a", full(1)) };
    monitor.start_analysis(first).await;
    let mut source = Source::new(1);
    monitor.second(&mut source, (10, 1), (0, 0)).await;
    assert_eq!(monitor.verdict("analyses/a").await.decision(), Decision::Undecided);
    let mut verdicts = monitor.verdicts(&["analyses/a"], 0).await;
    verdicts.change().await;
    for _ in 0..3 {
        monitor.second(&mut source, (10, 8), (0, 0)).await;
    }
    assert_eq!(verdicts.change().await.decision(), Decision::Fail);
    assert_eq!(monitor.get("analyses/a").await.state(), pb::analysis::State::Failed);
    monitor.stop().await;
}

#[tokio::test]
async fn one_source_s_batch_serves_every_target_in_it() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let other = "targets/cart@production";
    monitor.start_analysis(analysis("a", split(1, 50.0))).await;
    monitor.start_analysis(pb::Analysis { target: other.into(), ..analysis("b", split(1, 50.0)) }).await;
    let mut source = Source::new(1);
    for _ in 0..6 {
        monitor.clock.advance(Duration::from_secs(1));
        source.candidate.count((50, 10));
        source.baseline.count((50, 0));
        let mut batch = source.batch(monitor.now());
        let moved = |sample: &pb::Sample| pb::Sample { target: other.into(), errors: 0, ..sample.clone() };
        let others: Vec<_> = batch.samples.iter().map(moved).collect();
        batch.samples.extend(others);
        monitor.push(batch).await.unwrap();
    }
    let mut verdicts = monitor.verdicts(&["analyses/a"], 0).await;
    while verdicts.change().await.decision() != Decision::Fail {}
    assert_eq!(monitor.verdict("analyses/b").await.decision(), Decision::Undecided);
    assert_eq!(monitor.verdict("analyses/b").await.checks[0].candidate_samples, 300);
    monitor.stop().await;
}
