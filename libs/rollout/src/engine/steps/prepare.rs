//! Prepare by handoff: done when an agent has answered.

use super::done;
use crate::{
    engine::{
        Ctx,
        failure::{Failure, fail},
    },
    event::{Event, RolloutEvent},
    input::{HookId, HookPlace},
    model::{Outcome, Reason},
};

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    let Some(run) = &ctx.rollout.step.hook else {
        let hook = HookId { rollout: ctx.rollout.id(), place: HookPlace::Step(ctx.rollout.step.index) };
        return vec![ctx.event(RolloutEvent::HookStarted { hook, attempt: 1 })];
    };
    let failed = |error: &str| {
        let reason = Reason::new("PREPARE_FAILED", "the environment was not prepared").with("error", error);
        fail(ctx, Failure::Hook, reason)
    };
    match &run.outcome {
        None => Vec::new(),
        Some(Outcome::Done { .. }) => done(ctx),
        Some(Outcome::Failed { error } | Outcome::Unknown { error }) => failed(error),
        Some(Outcome::TimedOut) => failed("it lapsed"),
    }
}
