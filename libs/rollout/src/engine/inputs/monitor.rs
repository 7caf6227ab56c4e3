//! The verdict stream is up or down.

use jiff::Timestamp;

use super::judged;
use crate::{
    analysis::analysis,
    event::{Event, RolloutEvent},
    model::{
        Decision, Hold, HoldKind, Reason, Rollout, RolloutId, TargetState, Verdict, verdict::COMMON_MODE,
    },
};

pub(super) fn up(state: &TargetState, id: RolloutId, since: Timestamp, now: Timestamp) -> Vec<Event> {
    let Some(ctx) = judged(state, id, now).filter(|it| !it.rollout.monitor.up) else { return Vec::new() };
    let mut events = vec![ctx.event(RolloutEvent::Monitored { up: true, since: since.min(now) })];
    if is_lost(ctx.rollout) {
        let hold = ctx.rollout.verdict.as_ref().and_then(|it| hold_of(it, now));
        events.push(ctx.event(RolloutEvent::Held(hold)));
    }
    events
}

/// Whether it holds because the monitor is lost, to this target alone or to several.
fn is_lost(rollout: &Rollout) -> bool {
    let kinds = [HoldKind::MonitorLost, HoldKind::CommonMode];
    !rollout.monitor.up && rollout.hold.as_ref().is_some_and(|it| kinds.contains(&it.kind))
}

/// It holds, and never advances. What the policy says beyond that is done once it is sure that others have not lost the
/// same.
pub(in crate::engine) fn lost(
    state: &TargetState,
    id: RolloutId,
    last_heard: Timestamp,
    now: Timestamp,
) -> Vec<Event> {
    let Some(ctx) = judged(state, id, now) else { return Vec::new() };
    if analysis(state).is_none() {
        return Vec::new();
    }
    if is_lost(ctx.rollout) {
        return Vec::new();
    }
    let since = last_heard.min(now);
    let reason =
        Reason::new("MONITOR_LOST", "the verdict stream is silent or down").with("last_heard", since);
    let hold = Hold { kind: HoldKind::MonitorLost, reason, since: now };
    vec![ctx.event(RolloutEvent::Monitored { up: false, since }), ctx.event(RolloutEvent::Held(Some(hold)))]
}

/// What a verdict holds.
pub(super) fn hold_of(verdict: &Verdict, now: Timestamp) -> Option<Hold> {
    let common = verdict.reason.code == COMMON_MODE;
    let kind = match verdict.decision {
        Decision::Undecided | Decision::NoData | Decision::Error if common => HoldKind::CommonMode,
        Decision::NoData => HoldKind::NoData,
        Decision::Error => HoldKind::Error,
        Decision::Pass | Decision::Fail | Decision::Undecided => return None,
    };
    Some(Hold { kind, reason: verdict.reason.clone(), since: now })
}
