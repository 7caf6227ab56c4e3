//! How many sessions a rollout reached, and how many of them had failed requests.

use std::ops::Range;

use bellwether_proto::monitor::v1 as pb;
use bellwether_sketch::{RELATIVE_STANDARD_ERROR, Sketch};
use tonic::Code;

use crate::harness::{Monitor, Source, TARGET, analysis, place, refusal, split};

const NAME: &str = "analyses/reached";

/// As good as random (SplitMix64), and the same in each run.
fn hash(session: u64) -> u64 {
    let mut z = session.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn registers(sessions: Range<u64>) -> Vec<u32> {
    let mut sketch = Sketch::new();
    sessions.for_each(|session| _ = sketch.add(hash(session)));
    sketch.entries().collect()
}

fn sketch(fleet: &str, revision: i64, seen: Range<u64>, failed: Range<u64>) -> pb::SessionSketch {
    pb::SessionSketch {
        target: TARGET.into(),
        fleet: fleet.into(),
        route_revision: revision,
        seen: registers(seen),
        failed: registers(failed),
    }
}

/// Pushes nothing but these.
async fn push(monitor: &mut Monitor, sessions: Vec<pb::SessionSketch>) {
    let batch = Source::new(0).batch(monitor.now());
    let batch = pb::SampleBatch { samples: Vec::new(), sessions, ..batch };
    monitor.push(batch).await.unwrap();
}

/// Affected, and all; none where nobody told of any.
async fn counted(monitor: &mut Monitor) -> Option<(u64, u64)> {
    let request = pb::GetImpactRequest { name: NAME.to_owned() };
    let impact = monitor.client.get_impact(request).await.unwrap().into_inner();
    let (affected, all) = (impact.affected_sessions?, impact.sessions?);
    assert_eq!(affected.relative_standard_error, RELATIVE_STANDARD_ERROR);
    Some((affected.estimate, all.estimate))
}

#[track_caller]
fn about((affected, all): (u64, u64), exact: (u64, u64)) {
    for (estimate, exact) in [(affected, exact.0), (all, exact.1)] {
        let error = (estimate as f64 / exact as f64 - 1.0).abs();
        assert!(error < 3.0 * RELATIVE_STANDARD_ERROR, "{estimate} instead of {exact}");
    }
}

#[tokio::test]
async fn affected_sessions_are_counted_once_each_and_kept_across_a_restart() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    // nobody asks for these: no analysis is active
    push(&mut monitor, vec![sketch("new", 1, 90_000..99_000, 90_000..99_000)]).await;
    monitor.start_analysis(analysis("reached", split(3, 50.0))).await;
    assert_eq!(counted(&mut monitor).await, None, "nobody told of sessions");
    push(&mut monitor, vec![sketch("new", 3, 0..20_000, 0..1_500)]).await;
    let first = counted(&mut monitor).await.unwrap();
    about(first, (1_500, 20_000));
    // again, in parts, from another gateway, of what came before the rollout, of other fleets
    push(&mut monitor, vec![sketch("new", 3, 0..20_000, 0..1_500)]).await;
    push(&mut monitor, vec![sketch("new", 3, 0..0, 100..900), sketch("new", 4, 700..800, 0..0)]).await;
    push(&mut monitor, vec![sketch("new", 2, 50_000..60_000, 50_000..60_000)]).await;
    push(&mut monitor, vec![sketch("old", 3, 50_000..60_000, 50_000..60_000)]).await;
    assert_eq!(counted(&mut monitor).await, Some(first));
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    assert_eq!(counted(&mut monitor).await, Some(first), "a restart keeps them");
    // the second half overlaps with the first
    push(&mut monitor, vec![sketch("new", 5, 10_000..40_000, 1_000..4_000)]).await;
    let second = counted(&mut monitor).await.unwrap();
    about(second, (4_000, 40_000));
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    assert_eq!(counted(&mut monitor).await, Some(second), "both parts are kept");
    // a rollout that is over reaches nobody any more
    let request = pb::StopAnalysisRequest { request_id: String::new(), name: NAME.into() };
    monitor.client.stop_analysis(request).await.unwrap();
    push(&mut monitor, vec![sketch("new", 5, 60_000..90_000, 60_000..90_000)]).await;
    assert_eq!(counted(&mut monitor).await, Some(second));
    monitor.stop().await;
}

#[tokio::test]
async fn a_session_that_failed_was_seen_and_none_that_failed_is_none() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("reached", split(1, 50.0))).await;
    // a source without routes
    push(&mut monitor, vec![sketch("new", 0, 0..3, 0..0)]).await;
    assert_eq!(counted(&mut monitor).await, Some((0, 3)));
    push(&mut monitor, vec![sketch("new", 0, 0..0, 10..12)]).await;
    assert_eq!(counted(&mut monitor).await, Some((2, 5)));
    monitor.stop().await;
}

#[tokio::test]
async fn what_is_no_sketch_is_refused() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let batch = Source::new(0).batch(monitor.now());
    let bad = |sketch: pb::SessionSketch| pb::SampleBatch { sessions: vec![sketch], ..batch.clone() };
    let good = sketch("new", 1, 0..1, 0..0);
    for (sketch, field) in [
        (pb::SessionSketch { target: "shop".into(), ..good.clone() }, "target"),
        (pb::SessionSketch { fleet: String::new(), ..good.clone() }, "fleet"),
        (pb::SessionSketch { route_revision: -1, ..good.clone() }, "route_revision"),
        (pb::SessionSketch { seen: vec![64 * 4096 + 1], ..good.clone() }, "seen"),
        (pb::SessionSketch { failed: vec![54], ..good.clone() }, "failed"),
        (pb::SessionSketch { seen: vec![1; 4097], ..good.clone() }, "seen"),
    ] {
        let refused = monitor.push(bad(sketch)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        assert_eq!(refusal(&refused).1, [format!("batch.sessions[0].{field}")]);
    }
    let many = pb::SampleBatch { sessions: vec![good; 1_001], ..batch.clone() };
    assert_eq!(refusal(&monitor.push(many).await.unwrap_err()).1, ["batch.sessions"]);
    monitor.stop().await;
}
