//! Whole analyses, from counters to decisions.

use std::time::Duration;

use bellwether_judge::{
    Analysis, BaselineKind, Decision, History, Level, Segment, SegmentKind, Settings, Traffic, Why,
    hard_limits::HardLimit, settings::Journey,
};

use crate::rig::{Rig, count, full, history, idle, split};

fn decided(rig: &mut Rig, seconds: u32, candidate: (u64, u64), baseline: (u64, u64)) -> (Decision, Why) {
    let assessment = rig.seconds(seconds, candidate, baseline);
    (assessment.decision, assessment.why)
}

#[test]
fn a_bad_candidate_fails_within_seconds_and_for_good() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.1));
    assert_eq!(decided(&mut rig, 3, (10, 2), (90, 0)), (Decision::Fail, Why::CheckFailed));
    assert_eq!(decided(&mut rig, 600, (10, 0), (90, 5)), (Decision::Fail, Why::CheckFailed));
    let report = rig.analysis.report(rig.now);
    let errors = report.checks.iter().find(|check| check.id == "errors").unwrap();
    assert_eq!((report.level, errors.level, errors.decision), (Level::Fail, Level::Fail, Decision::Fail));
}

#[test]
fn a_good_candidate_passes_once_per_segment() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    assert_eq!(decided(&mut rig, 2, (100, 0), (100, 0)), (Decision::Undecided, Why::Collecting));
    assert_eq!(decided(&mut rig, 60, (100, 0), (100, 0)), (Decision::Pass, Why::AllPassed));
    // fresh in the next segment
    let next = Segment { index: 2, revision: 2, share: 0.6, ..split(0.6) };
    rig.analysis.enter(next, rig.now);
    (rig.candidate, rig.baseline) = (idle("new", "c", 2), idle("old", "b", 2));
    assert_eq!(decided(&mut rig, 2, (100, 0), (100, 0)), (Decision::Undecided, Why::Collecting));
    assert_eq!(decided(&mut rig, 60, (100, 0), (100, 0)), (Decision::Pass, Why::AllPassed));
    // PASS never stops FAIL
    assert_eq!(decided(&mut rig, 5, (100, 30), (100, 0)), (Decision::Fail, Why::CheckFailed));
}

#[test]
fn pass_waits_for_the_minimum() {
    let segment = Segment { min: Duration::from_secs(90), ..split(0.5) };
    let mut rig = Rig::new(Settings::default(), history(), segment);
    assert_eq!(decided(&mut rig, 80, (100, 0), (100, 0)), (Decision::Undecided, Why::MinBake));
    assert_eq!(decided(&mut rig, 11, (100, 0), (100, 0)), (Decision::Pass, Why::AllPassed));
}

#[test]
fn repeated_late_and_reordered_batches_change_nothing() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    let mut kept = Vec::new();
    for _ in 0..20 {
        rig.seconds(1, (100, 1), (100, 1));
        kept.push(rig.batch());
    }
    let before = rig.analysis.log_evidence();
    for batch in kept.iter().rev().chain(&kept) {
        rig.analysis.ingest(batch, rig.now);
    }
    assert_eq!(rig.analysis.log_evidence(), before);
    // a lost batch is contained in the next
    let mut other = Rig::new(Settings::default(), history(), split(0.5));
    other.wait(Duration::from_secs(20));
    count(&mut other.candidate, 2_000, 20, 1.0);
    count(&mut other.baseline, 2_000, 20, 1.0);
    other.send();
    let samples = |rig: &mut Rig| rig.analysis.report(rig.now).checks[0].candidate_samples;
    assert_eq!(samples(&mut other), samples(&mut rig));
}

#[test]
fn a_restart_neither_forgets_nor_counts_twice() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    rig.seconds(30, (100, 2), (100, 2));
    let text = serde_json::to_string(&rig.analysis).unwrap();
    assert!(text.len() < 64 * 1024, "{} bytes", text.len());
    let mut restored: Analysis = serde_json::from_str(&text).unwrap();
    restored.ingest(&rig.batch(), rig.now);
    assert!((restored.log_evidence() - rig.analysis.log_evidence()).abs() < 1e-9);
    rig.analysis = restored;
    assert_eq!(decided(&mut rig, 5, (100, 60), (100, 2)), (Decision::Fail, Why::CheckFailed));
}

#[test]
fn r51_slow_requests_fail_and_slightly_slow_ones_never_do() {
    for (slower, expected) in [(3.0, Decision::Fail), (1.02, Decision::Pass)] {
        let mut rig = Rig::new(Settings::default(), history(), split(0.5));
        let mut last = Decision::Undecided;
        for _ in 0..120 {
            rig.wait(Duration::from_secs(1));
            count(&mut rig.candidate, 100, 0, slower);
            count(&mut rig.baseline, 100, 0, 1.0);
            last = rig.send().decision;
        }
        assert_eq!(last, expected, "× {slower}");
    }
}

#[test]
fn r51_a_few_more_errors_never_take_a_release_back() {
    // 0.12 % and 0.10 %, evenly: one request in so many
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    for tick in 0..600_u64 {
        rig.wait(Duration::from_secs(1));
        count(&mut rig.candidate, 100, u64::from(tick % 25 < 3), 1.0);
        count(&mut rig.baseline, 100, u64::from(tick % 10 == 0), 1.0);
        assert_ne!(rig.send().decision, Decision::Fail, "after {tick} s");
    }
}

#[test]
fn warm_up_hides_latency_and_not_errors() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    let settings = Settings::default();
    rig.analysis = Analysis::new(settings, "new".into(), "old".into(), history(), split(0.5), rig.now);
    for _ in 0..29 {
        rig.wait(Duration::from_secs(1));
        count(&mut rig.candidate, 100, 0, 5.0);
        count(&mut rig.baseline, 100, 0, 1.0);
        assert_ne!(rig.send().decision, Decision::Fail);
    }
    assert_eq!(decided(&mut rig, 4, (100, 20), (100, 0)), (Decision::Fail, Why::CheckFailed));
}

#[test]
fn silence_is_no_data_and_no_traffic_is_not() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    assert_eq!(decided(&mut rig, 9, (0, 0), (0, 0)), (Decision::Undecided, Why::NoTraffic));
    rig.wait(Duration::from_secs(4));
    let silent = rig.analysis.assess(rig.now);
    assert_eq!((silent.decision, silent.why), (Decision::NoData, Why::NoSamples));
    assert_eq!(decided(&mut rig, 2, (50, 0), (50, 0)).0, Decision::Undecided);
}

#[test]
fn a_starved_candidate_is_no_data() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    assert_eq!(decided(&mut rig, 20, (1, 0), (99, 0)), (Decision::NoData, Why::TrafficShare));
    assert_ne!(decided(&mut rig, 5, (50, 0), (50, 0)).0, Decision::NoData);
}

#[test]
fn what_hits_both_cancels() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.1));
    let (decision, _) = decided(&mut rig, 60, (100, 30), (900, 270));
    assert_ne!(decision, Decision::Fail);
}

#[test]
fn alone_the_candidate_is_compared_with_the_past() {
    let mut rig = Rig::new(Settings { one_sided: true, ..Settings::default() }, history(), full(1, 1));
    assert_eq!(rig.analysis.baseline_kind(), BaselineKind::History);
    assert_eq!(decided(&mut rig, 60, (100, 0), (0, 0)), (Decision::Pass, Why::AllPassed));
    assert_eq!(decided(&mut rig, 10, (100, 6), (0, 0)), (Decision::Fail, Why::CheckFailed));
    let report = rig.analysis.report(rig.now);
    assert!(report.checks.iter().any(|check| check.id == "errors-alone" && check.level == Level::Fail));
}

#[test]
fn a_shared_outage_is_not_blamed_on_the_candidate() {
    let preview = Segment { kind: SegmentKind::Preview, ..full(1, 1) };
    let mut rig = Rig::new(Settings { one_sided: true, ..Settings::default() }, history(), preview);
    rig.candidate.traffic = Traffic::Preview;
    rig.seconds(2, (100, 0), (900, 0));
    assert_eq!(decided(&mut rig, 10, (100, 40), (900, 360)), (Decision::Undecided, Why::CommonMode));
    // stable is well again, and so is the candidate
    assert_eq!(decided(&mut rig, 15, (100, 0), (900, 0)), (Decision::Undecided, Why::Collecting));
    assert_eq!(decided(&mut rig, 120, (100, 0), (900, 0)), (Decision::Pass, Why::AllPassed));
    // now it is the candidate's own fault
    assert_eq!(decided(&mut rig, 10, (100, 40), (900, 0)), (Decision::Fail, Why::CheckFailed));
}

#[test]
fn a_first_deployment_that_mostly_fails_is_stopped_at_once() {
    let settings = Settings { has_baseline: false, one_sided: true, ..Settings::default() };
    let mut rig = Rig::new(settings, History::default(), full(1, 1));
    assert_eq!(rig.analysis.baseline_kind(), BaselineKind::None);
    count(&mut rig.candidate, 20, 12, 1.0);
    let assessment = rig.send();
    assert_eq!(assessment.decision, Decision::Fail);
}

#[test]
fn an_unreachable_candidate_is_a_hard_limit() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.1));
    count(&mut rig.baseline, 30, 0, 1.0);
    rig.candidate.requests = 3;
    rig.candidate.errors = 3;
    rig.candidate.connect_failures = 3;
    let assessment = rig.send();
    assert_eq!(assessment.why, Why::HardLimit(HardLimit::Unreachable));
}

#[test]
fn r51_a_flood_of_401_fails_though_nothing_is_an_error() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.1));
    for second in 1..30 {
        rig.wait(Duration::from_secs(1));
        count(&mut rig.candidate, 50, 0, 1.0);
        count(&mut rig.baseline, 450, 0, 1.0);
        rig.candidate.statuses = vec![(401, second * 10)];
        rig.baseline.statuses = vec![(401, second)];
        if rig.send().decision == Decision::Fail {
            break;
        }
    }
    let report = rig.analysis.report(rig.now);
    let blamed: Vec<_> =
        report.checks.iter().filter(|c| c.level == Level::Fail).map(|c| c.id.as_str()).collect();
    assert_eq!(blamed, ["status-401"]);
}

#[test]
fn r51_a_broken_journey_is_named() {
    let journeys = ["login", "search"].map(|id| Journey { id: id.into(), critical: false });
    let settings = Settings { journeys: journeys.into(), ..Settings::default() };
    let mut rig = Rig::new(settings, history(), split(0.1));
    let mut failed = false;
    for second in 1..120 {
        rig.wait(Duration::from_secs(1));
        count(&mut rig.candidate, 50, 1, 1.0);
        count(&mut rig.baseline, 450, 0, 1.0);
        // one request in fifty is a login, and every one fails on the candidate
        rig.candidate.journeys = vec![("search".into(), 49 * second, 0), ("login".into(), second, second)];
        rig.baseline.journeys = vec![("search".into(), 441 * second, 0), ("login".into(), 9 * second, 0)];
        failed = rig.send().decision == Decision::Fail;
        if failed {
            break;
        }
    }
    assert!(failed);
    let report = rig.analysis.report(rig.now);
    assert_eq!(report.checks[0].journeys, ["login"]);
}

#[test]
fn a_critical_journey_has_a_limit_of_its_own() {
    for (stable_errors, expected) in [(0, Decision::Fail), (5, Decision::Undecided)] {
        let journeys = vec![Journey { id: "pay".into(), critical: true }];
        let mut rig = Rig::new(Settings { journeys, ..Settings::default() }, history(), split(0.5));
        let mut decision = Decision::Undecided;
        for second in 1..60 {
            rig.wait(Duration::from_secs(1));
            for (side, errors) in [(&mut rig.candidate, 5), (&mut rig.baseline, stable_errors)] {
                count(side, 50, errors, 1.0);
                side.journeys = vec![("pay".into(), 20 * second, errors * second)];
            }
            decision = rig.send().decision;
        }
        // where stable is as bad, going back to it helps nobody
        assert_eq!(decision, expected, "{stable_errors}");
        let report = rig.analysis.report(rig.now);
        let level = report.checks.iter().find(|check| check.id == "journey-pay").unwrap().level;
        assert_eq!(level == Level::Fail, expected == Decision::Fail);
    }
}

#[test]
fn copies_count_for_errors() {
    let shadow = Segment { kind: SegmentKind::Shadow, mirrored: true, share: 0.0, ..split(0.0) };
    let mut rig = Rig::new(Settings::default(), history(), shadow);
    rig.candidate.traffic = Traffic::Mirrored;
    assert_eq!(decided(&mut rig, 5, (100, 10), (100, 0)), (Decision::Fail, Why::CheckFailed));
}

#[test]
fn counts_of_different_routes_never_share_a_tick() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    rig.seconds(5, (50, 0), (50, 0));
    let mut next = rig.batch();
    // one side's counts under revision 1, the other's under revision 2: nothing to compare yet
    let before = rig.analysis.report(rig.now).checks[0].candidate_samples;
    next.samples[0].requests += 100;
    next.samples[1] = idle("old", "b", 2);
    next.samples[1].requests = 100;
    rig.analysis.ingest(&next, rig.now);
    assert_eq!(rig.analysis.report(rig.now).checks[0].candidate_samples, before);
}

#[test]
fn a_source_without_revisions_loses_only_the_tick_that_spans_a_route() {
    let first = Segment { revision: 0, ..split(0.1) };
    let mut rig = Rig::new(Settings::default(), history(), first);
    rig.seconds(3, (10, 0), (90, 0));
    let counted = |rig: &mut Rig| rig.analysis.report(rig.now).checks[0].candidate_samples;
    let before = counted(&mut rig);
    rig.analysis.enter(Segment { index: 2, share: 0.5, ..first }, rig.now);
    rig.seconds(1, (1_000, 500), (0, 0));
    assert_eq!(counted(&mut rig), before);
    rig.seconds(2, (50, 0), (50, 0));
    assert_eq!(counted(&mut rig), before + 100);
}

#[test]
fn a_restarted_source_counts_from_zero_and_a_reset_one_loses_its_gap() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    rig.seconds(5, (50, 0), (50, 0));
    let counted = |rig: &mut Rig| rig.analysis.report(rig.now).checks[0].candidate_samples;
    let before = counted(&mut rig);
    rig.wait(Duration::from_secs(1));
    let mut batch = rig.batch();
    batch.incarnation = "2".into();
    batch.samples = vec![idle("new", "c", 1), idle("old", "b", 1)];
    batch.samples.iter_mut().for_each(|sample| sample.requests = 7);
    rig.analysis.ingest(&batch, rig.now);
    assert_eq!(counted(&mut rig), before + 7);
    // the same incarnation falls back: what came between is unknown
    rig.wait(Duration::from_secs(1));
    batch.time = rig.now;
    batch.samples.iter_mut().for_each(|sample| sample.requests = 3);
    rig.analysis.ingest(&batch, rig.now);
    assert_eq!(counted(&mut rig), before + 7);
    rig.wait(Duration::from_secs(1));
    batch.time = rig.now;
    batch.samples.iter_mut().for_each(|sample| sample.requests = 5);
    rig.analysis.ingest(&batch, rig.now);
    assert_eq!(counted(&mut rig), before + 9);
}

#[test]
fn a_million_instances_cost_nothing() {
    let mut rig = Rig::new(Settings::default(), history(), split(0.5));
    for wave in 0..20 {
        rig.wait(Duration::from_secs(1));
        let mut batch = rig.batch();
        batch.samples = (0..1_000).map(|i| idle("new", &format!("{wave}-{i}"), 1)).collect();
        rig.analysis.ingest(&batch, rig.now);
    }
    assert!(serde_json::to_string(&rig.analysis).unwrap().len() < 1024 * 1024);
}
