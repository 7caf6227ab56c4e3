//! Undoing: a list of steps, run by the same engine.

use super::{Ctx, recovery, steps};
use crate::{
    event::{AftercareEvent, Event, RolloutEvent},
    model::{Hook, Reason, RolloutId, RouteBack, Size, Step, Strategy, after},
};

/// Turns back, from any state; Promote is reversed.
pub(super) fn begin(ctx: &Ctx, reason: Reason, superseded_by: Option<RolloutId>) -> Vec<Event> {
    let mut events = Vec::new();
    if ctx.state.contested.is_some() {
        events.push(Event::DriftCorrected { reason: reason.clone() });
    }
    if ctx.rollout.promoted {
        events.push(ctx.event(RolloutEvent::PromoteReversed));
    }
    let undo = plan(ctx);
    events.push(ctx.event(RolloutEvent::RollbackStarted { reason, undo, superseded_by }));
    events
}

/// stable's capacity → route → verify the route → drain → remove → on_undo of finished hooks in reverse order.
/// What cannot run twice is stopped first. Without a stable there is nothing to go back to: traffic to none.
fn plan(ctx: &Ctx) -> Vec<Step> {
    let to = |to_none| Step::RouteBack(RouteBack { to_none });
    let exclusive =
        ctx.rollout.request.strategy_is_recreate() && ctx.state.fleets.contains_key(&ctx.candidate());
    let away = [Step::VerifyRoute, Step::Drain, Step::Remove];
    let mut undo = match ctx.base() {
        None => [&[to(true)][..], &away].concat(),
        Some(_) if exclusive => {
            [&[to(true)][..], &away, &[Step::RestoreCapacity, to(false), Step::VerifyRoute]].concat()
        }
        Some(_) if borrowed(ctx) => vec![Step::RestoreCapacity, to(false), Step::VerifyRoute],
        Some(_) => [&[Step::RestoreCapacity, to(false)][..], &away].concat(),
    };
    let undoable = |step: &&usize| hook(ctx, **step).is_some_and(|hook| hook.on_undo.is_some());
    undo.extend(
        ctx.rollout.hooks_done.iter().rev().filter(undoable).map(|step| Step::UndoHook { step: *step }),
    );
    undo
}

/// Whether the candidate is a kept fleet that the rollout did not create.
fn borrowed(ctx: &Ctx) -> bool {
    ctx.candidate() != ctx.rollout.id().fleet()
}

pub(super) fn hook<'a>(ctx: &Ctx<'a>, step: usize) -> Option<&'a Hook> {
    ctx.rollout.steps.get(step).and_then(Step::hook)
}

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    if !ctx.rollout.step.finished {
        return steps::next(ctx);
    }
    let index = ctx.rollout.step.next_index();
    if index < ctx.rollout.undo.len() {
        return vec![ctx.event(RolloutEvent::StepStarted { index, attempt: 1 })];
    }
    let mut events: Vec<_> = resized(ctx).into_iter().chain([recovery::start(ctx)]).collect();
    if borrowed(ctx) && ctx.state.fleets.contains_key(&ctx.candidate()) {
        let until = after(ctx.now, ctx.policies().keep);
        let what = AftercareEvent::Kept { fleet: Some(ctx.candidate()), until };
        events.push(Event::Aftercare { rollout: ctx.rollout.id(), what });
    }
    events
}

/// Stable has n instances again, also where a person went on without them.
fn resized(ctx: &Ctx) -> Option<Event> {
    let fleet = ctx.state.fleets.get(&ctx.base()?)?;
    (fleet.size != Size::FULL).then_some(Event::FleetSized { fleet: fleet.id, size: Size::FULL })
}

// === impl StartRequest ===

impl crate::model::StartRequest {
    fn strategy_is_recreate(&self) -> bool {
        matches!(self.strategy, Strategy::Recreate(_))
    }
}
