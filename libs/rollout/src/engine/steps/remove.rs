//! Remove: the candidate's instances are gone. What still gets traffic is never removed.

use super::{done, issued, wait};
use crate::{engine::Ctx, event::Event};

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    let fleet = ctx.candidate();
    if !ctx.rollout.step.issued {
        let exists = ctx.state.fleets.contains_key(&fleet);
        let removed = exists.then_some(Event::FleetRemoved { fleet });
        return removed.into_iter().chain([issued(ctx)]).collect();
    }
    let left = ctx.state.existing(fleet);
    if left == 0 && ctx.state.applied() {
        done(ctx)
    } else {
        wait(ctx, &format!("{left} instances are left"))
    }
}
