use std::time::Duration;

use super::*;
use crate::{
    Histogram, Sample, SegmentKind, Traffic,
    kayenta::{Config, Signal, Spec, Thresholds},
};

const SECOND: Duration = Duration::from_secs(1);

struct Rig {
    panel: Panel,
    now: Timestamp,
    counted: [Sample; 2],
}

fn spec() -> Spec {
    let config = r#"{"metrics":[
        {"name":"errors","groups":["a"],"analysisConfigurations":{"canary":{"direction":"increase"}}},
        {"name":"p99","groups":["b"],"analysisConfigurations":{"canary":{"direction":"increase"}}}],
        "classifier":{"groupWeights":{"a":50,"b":50}}}"#;
    let config: Config = serde_json::from_str(config).unwrap();
    let thresholds = Thresholds { pass: 95.0, marginal: 40.0 };
    Spec {
        config,
        thresholds,
        signals: vec![Signal::Errors, Signal::Latency(0.99)],
        interval: SECOND,
        min_points: 8,
    }
}

fn segment(index: i32, kind: SegmentKind) -> Segment {
    Segment { index, kind, share: 0.5, revision: i64::from(index), ..Segment::NOWHERE }
}

fn counted(fleet: &str) -> Sample {
    Sample {
        fleet: fleet.to_owned(),
        instance: fleet.to_owned(),
        revision: 1,
        traffic: Traffic::Live,
        requests: 0,
        errors: 0,
        connect_failures: 0,
        statuses: Vec::new(),
        journeys: Vec::new(),
        latency: Histogram::default(),
    }
}

fn panel(kayenta: Option<Spec>) -> Panel {
    let settings = Settings { warm_up: Duration::ZERO, ..Settings::default() };
    let (history, segment) = (History::default(), segment(1, SegmentKind::Split));
    Panel::new(settings, kayenta, "new".into(), "old".into(), history, segment, Timestamp::UNIX_EPOCH)
}

// === impl Rig ===

impl Rig {
    fn new(kayenta: Option<Spec>) -> Self {
        Self { panel: panel(kayenta), now: Timestamp::UNIX_EPOCH, counted: ["new", "old"].map(counted) }
    }

    /// So many seconds of 100 requests to both; errors and the latencies' bucket by side.
    fn seconds(&mut self, seconds: u64, errors: [u64; 2], bucket: [usize; 2]) -> Assessment {
        for second in 0..seconds {
            for ((sample, errors), bucket) in self.counted.iter_mut().zip(errors).zip(bucket) {
                sample.requests += 100;
                // not the same in each second
                sample.errors += errors + second % 2;
                sample.latency.add(bucket, 90);
                sample.latency.add(bucket + 8 + usize::try_from(second % 3).unwrap(), 10);
            }
            self.now += SECOND;
            let batch = Batch {
                source: "gateway".into(),
                incarnation: "1".into(),
                time: self.now,
                interval: SECOND,
                samples: self.counted.to_vec(),
            };
            self.panel.ingest(&batch, self.now);
        }
        self.panel.assess(self.now)
    }
}

#[test]
fn a_good_version_passes_with_enough_points_and_a_bad_one_fails() {
    let mut good = Rig::new(Some(spec()));
    let early = good.seconds(5, [1, 1], [100, 100]);
    assert_eq!((early.decision, early.why), (Decision::Undecided, Why::Kayenta(Said::Collecting)));
    let passed = good.seconds(6, [1, 1], [100, 100]);
    assert_eq!((passed.decision, passed.why), (Decision::Pass, Why::Kayenta(Said::Pass)));
    // what comes later may still fail
    let failed = good.seconds(40, [30, 1], [112, 100]);
    assert_eq!((failed.decision, failed.why), (Decision::Fail, Why::Kayenta(Said::Fail)));
    let report = good.panel.report(good.now);
    let failed: Vec<&str> =
        report.checks.iter().filter(|it| it.decision == Decision::Fail).map(|it| it.id.as_str()).collect();
    assert_eq!(failed, ["kayenta", "kayenta-errors", "kayenta-p99"]);
    assert_eq!(report.checks[0].candidate, Some(0.0), "the score");
}

#[test]
fn between_the_thresholds_nobody_knows_and_the_tests_do_not_decide_instead() {
    let mut rig = Rig::new(Some(spec()));
    let found = rig.seconds(40, [30, 1], [100, 100]);
    assert_eq!((found.decision, found.why), (Decision::Undecided, Why::Kayenta(Said::Marginal)));
    let report = rig.panel.report(rig.now);
    assert_eq!(report.checks[0].candidate, Some(50.0), "{:?}", report.checks[0]);
    let errors = report.checks.iter().find(|check| check.id == "errors").unwrap();
    assert_eq!((errors.role, errors.log_limit), (Role::Advisory, f64::INFINITY));
    let mut without = Rig::new(None);
    assert_eq!(without.seconds(40, [30, 1], [100, 100]).why, Why::CheckFailed);
}

#[test]
fn each_segment_earns_its_own_and_one_without_a_baseline_is_judged_by_the_tests() {
    let mut rig = Rig::new(Some(spec()));
    assert_eq!(rig.seconds(11, [1, 1], [100, 100]).decision, Decision::Pass);
    rig.panel.enter(segment(2, SegmentKind::Split), rig.now);
    rig.counted.iter_mut().for_each(|sample| sample.revision = 2);
    assert_eq!(rig.seconds(5, [1, 1], [100, 100]).why, Why::Kayenta(Said::Collecting));
    rig.panel.enter(segment(3, SegmentKind::Full), rig.now);
    let alone = rig.panel.assess(rig.now);
    assert!(!matches!(alone.why, Why::Kayenta(_)), "{alone:?}");
}

#[test]
fn a_restart_forgets_no_point_and_rows_of_before_are_read() {
    let mut rig = Rig::new(Some(spec()));
    rig.seconds(7, [1, 1], [100, 100]);
    let kept = serde_json::to_vec(&rig.panel).unwrap();
    rig.panel = serde_json::from_slice(&kept).unwrap();
    assert_eq!(rig.seconds(3, [1, 1], [100, 100]).decision, Decision::Pass);
    let before = panel(None);
    let row = serde_json::to_vec(before.analysis()).unwrap();
    assert_eq!(serde_json::from_slice::<Panel>(&row).unwrap(), before);
}
