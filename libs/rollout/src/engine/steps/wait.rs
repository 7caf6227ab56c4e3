//! Wait: done when the time is over.

use super::done;
use crate::{
    engine::Ctx,
    event::Event,
    model::{StepEnd, Wait, since},
};

pub(super) fn next(ctx: &Ctx, step: Wait) -> Vec<Event> {
    if let Some(it) = &ctx.rollout.advancing {
        return vec![ctx.ended(StepEnd::Overridden { by: it.by.clone(), reason: it.reason.clone() })];
    }
    if since(ctx.rollout.step.since, ctx.now) >= step.duration { done(ctx) } else { Vec::new() }
}
