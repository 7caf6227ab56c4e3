//! The verdict stream is up or down.

use jiff::Timestamp;

use super::judged;
use crate::{
    analysis::analysis,
    engine::failure::{Failure, fail},
    event::{Event, RolloutEvent},
    model::{Decision, Hold, HoldKind, Reason, RolloutId, TargetState, Verdict, verdict::COMMON_MODE},
};

pub(super) fn up(state: &TargetState, id: RolloutId, now: Timestamp) -> Vec<Event> {
    let Some(ctx) = judged(state, id, now).filter(|it| !it.rollout.monitor.up) else { return Vec::new() };
    let mut events = vec![ctx.event(RolloutEvent::Monitored { up: true, since: now })];
    if ctx.rollout.hold.as_ref().is_some_and(|it| it.kind == HoldKind::MonitorLost) {
        let hold = ctx.rollout.verdict.as_ref().and_then(|it| hold_of(it, now));
        events.push(ctx.event(RolloutEvent::Held(hold)));
    }
    events
}

/// It holds, and never advances; only what the policy says beyond that is done.
pub(super) fn lost(state: &TargetState, id: RolloutId, last_heard: Timestamp, now: Timestamp) -> Vec<Event> {
    let Some(ctx) = judged(state, id, now) else { return Vec::new() };
    if analysis(state).is_none() {
        return Vec::new();
    }
    let lost = ctx.rollout.hold.as_ref().is_some_and(|it| it.kind == HoldKind::MonitorLost);
    if lost && !ctx.rollout.monitor.up {
        return Vec::new();
    }
    let since = last_heard.min(now);
    let reason =
        Reason::new("MONITOR_LOST", "the verdict stream is silent or down").with("last_heard", since);
    let hold = Hold { kind: HoldKind::MonitorLost, reason: reason.clone(), since };
    let mut events = vec![
        ctx.event(RolloutEvent::Monitored { up: false, since }),
        ctx.event(RolloutEvent::Held(Some(hold))),
    ];
    if ctx.rollout.is_running() {
        events.extend(fail(&ctx, Failure::MonitorLost, reason));
    }
    events
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
