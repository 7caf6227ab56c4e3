//! Promote: one event, and nothing changes on the platform.

use crate::{
    engine::Ctx,
    event::{Event, RolloutEvent},
    model::{Past, Percent, StepEnd},
};

/// Only what has all the traffic is promoted.
pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    if ctx.share() < Percent::FULL || ctx.frozen() {
        return Vec::new();
    }
    let past = Past {
        rollout: ctx.rollout.id(),
        fleet: ctx.candidate(),
        spec: ctx.rollout.request.fleet.clone(),
        release: ctx.rollout.request.release.clone(),
        at: ctx.now,
    };
    vec![ctx.event(RolloutEvent::Promoted { past }), ctx.ended(StepEnd::Done)]
}
