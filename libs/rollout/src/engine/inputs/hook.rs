//! Outcomes of calls and handoffs. Only the first one of the running attempt counts.

use jiff::Timestamp;

use super::begun;
use crate::{
    event::{AftercareEvent, Event, RolloutEvent},
    input::{HookId, HookPlace},
    model::{Outcome, RolloutId, Stage, Step, TargetState},
};

pub(super) fn hook(
    state: &TargetState,
    hook: HookId,
    attempt: u32,
    outcome: Outcome,
    now: Timestamp,
) -> Vec<Event> {
    if let HookPlace::Contract(index) = hook.place {
        return contract(state, hook.rollout, index, attempt, outcome);
    }
    let Some(ctx) = begun(state, hook.rollout, now) else { return Vec::new() };
    let place = if let Some(Step::UndoHook { step }) = ctx.rollout.current() {
        HookPlace::Undo(*step)
    } else {
        HookPlace::Step(ctx.rollout.step.index)
    };
    let waits =
        ctx.rollout.step.hook.as_ref().is_some_and(|run| run.attempt == attempt && run.outcome.is_none());
    let forward = ctx.rollout.undoing() == matches!(hook.place, HookPlace::Undo(_));
    if place != hook.place || !waits || !forward {
        return Vec::new();
    }
    vec![ctx.event(RolloutEvent::HookEnded { hook, outcome })]
}

pub(super) fn handoff(
    state: &TargetState,
    id: RolloutId,
    step: usize,
    outcome: Outcome,
    now: Timestamp,
) -> Vec<Event> {
    let hook = HookId { rollout: id, place: HookPlace::Step(step) };
    self::hook(state, hook, 1, outcome, now)
}

fn contract(
    state: &TargetState,
    rollout: RolloutId,
    index: usize,
    attempt: u32,
    outcome: Outcome,
) -> Vec<Event> {
    let waits = state.aftercare.iter().any(|care| {
        let stage = matches!(&care.stage, Stage::Contract { index: at, run }
            if *at == index && run.attempt == attempt && run.outcome.is_none());
        care.rollout == rollout && stage
    });
    let what = AftercareEvent::ContractEnded { index, outcome };
    if waits { vec![Event::Aftercare { rollout, what }] } else { Vec::new() }
}
