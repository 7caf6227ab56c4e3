//! Verdicts: FAIL is final for the analysis, PASS for its segment; the rest counts by sequence.

use jiff::Timestamp;

use super::{super::Ctx, judged, monitor};
use crate::{
    event::{Event, RolloutEvent},
    model::{Decision, Hold, HoldKind, TargetState, Verdict},
};

pub(super) fn verdict(state: &TargetState, verdict: &Verdict, now: Timestamp) -> Vec<Event> {
    let Some(ctx) = judged(state, verdict.rollout, now) else { return Vec::new() };
    if !counts(&ctx, verdict) {
        return Vec::new();
    }
    let mut events = monitor::up(state, verdict.rollout, now, now);
    events.push(ctx.event(RolloutEvent::Judged(verdict.clone())));
    events.extend(held(&ctx, verdict));
    events
}

fn counts(ctx: &Ctx, verdict: &Verdict) -> bool {
    let rollout = ctx.rollout;
    let known =
        verdict.analysis == rollout.analysis && verdict.segment <= rollout.segment && rollout.segment > 0;
    let before = rollout.verdict.as_ref().filter(|it| it.analysis == rollout.analysis);
    if !known || before.is_some_and(|it| it.decision == Decision::Fail) {
        return false;
    }
    match verdict.decision {
        Decision::Fail => true,
        Decision::Pass => {
            let newer =
                before.is_some_and(|it| it.decision != Decision::Pass && it.sequence < verdict.sequence);
            verdict.segment == rollout.segment && (rollout.passed != Some(rollout.segment) || newer)
        }
        Decision::Undecided | Decision::NoData | Decision::Error => {
            verdict.segment == rollout.segment && before.is_none_or(|it| it.sequence < verdict.sequence)
        }
    }
}

/// What the verdict holds, or lets go.
fn held(ctx: &Ctx, verdict: &Verdict) -> Option<Event> {
    let before = ctx.rollout.hold.as_ref();
    let hold = monitor::hold_of(verdict, ctx.now);
    let same = |a: &Hold, b: &Hold| a.kind == b.kind;
    match (before, hold) {
        (None, None) => None,
        (Some(before), Some(hold)) if same(before, &hold) => None,
        // a person has been asked; only a decision answers
        (Some(before), None)
            if before.kind == HoldKind::Undecided && verdict.decision == Decision::Undecided =>
        {
            None
        }
        (_, hold) => Some(ctx.event(RolloutEvent::Held(hold))),
    }
}
