//! Gate: waits for a person or an agent; done when resolved.

use super::done;
use crate::{
    engine::{Ctx, undo},
    event::Event,
    model::{Answer, Reason},
};

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    match &ctx.rollout.step.answer {
        None => Vec::new(),
        Some(Answer::Approve | Answer::Value(_)) => done(ctx),
        Some(Answer::Reject) => {
            let reason =
                Reason::new("GATE_REJECTED", "the gate was rejected").with("step", ctx.rollout.step.index);
            undo::begin(ctx, reason, None)
        }
    }
}
