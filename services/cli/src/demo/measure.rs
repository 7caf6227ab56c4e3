//! From what the load saw and the rollout recorded to a row of the table.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_proto::{executor::v1::Rollout, monitor::v1::Decision};

use super::{
    report::{Caught, Row},
    script::Scene,
};
use crate::{
    load::{Tally, VersionTally},
    render::style,
};

/// Makes the row of one scene.
pub(super) fn row(scene: &Scene, rollout: &Rollout, before: &Tally, after: &Tally, took: Duration) -> Row {
    let times = rollout.rollback_times.as_ref();
    let decided = times.and_then(|t| t.decide_time.as_ref()).and_then(style::time);
    let first_bad = after.versions.get(scene.version).and_then(first_bad);
    let failed = after.failed.saturating_sub(before.failed);
    Row {
        name: scene.name.to_owned(),
        strategy: scene.strategy_name(),
        expected: scene.expected.as_str().to_owned(),
        outcome: style::state(rollout.state().as_str_name(), "STATE_"),
        requests: after.sent.saturating_sub(before.sent),
        failed_requests: failed + after.injected.saturating_sub(before.injected),
        failed_by_rollout: failed,
        detection_ms: first_bad.zip(decided).map(|(bad, decided)| millis(bad, decided)),
        caught_by: caught_by(rollout),
        traffic_back_ms: times
            .and_then(|t| t.traffic_back.as_ref())
            .map(|d| style::span(d).as_secs_f64() * 1000.0),
        duration_s: took.as_secs_f64(),
    }
}

/// The checks that the verdict which ended it rests on.
fn caught_by(rollout: &Rollout) -> Vec<Caught> {
    let verdict = rollout.evidence.as_ref().and_then(|evidence| evidence.verdict.as_ref());
    let failed = |check: &&bellwether_proto::monitor::v1::CheckResult| check.decision() == Decision::Fail;
    let checks = verdict.into_iter().flat_map(|verdict| &verdict.checks).filter(failed);
    checks.map(|check| Caught { check: check.id.clone(), text: check.text.clone() }).collect()
}

/// A version that was told to fail is bad from its first failure, a slow one from its first answer.
fn first_bad(tally: &VersionTally) -> Option<Timestamp> {
    tally.first_injected.or(Some(tally.first))
}

fn millis(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() * 1000.0
}
