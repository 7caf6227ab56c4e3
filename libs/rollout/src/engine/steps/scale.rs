//! Scale: instances of the candidate or of stable; done when that many are ready at this generation.

use super::{done, issued, refused, wait};
use crate::{
    engine::Ctx,
    event::Event,
    model::{FleetId, Role, Scale, Size},
};

pub(super) fn next(ctx: &Ctx, step: Scale) -> Vec<Event> {
    let fleet = match step.fleet {
        Role::Candidate => Some(ctx.candidate()),
        Role::Stable => ctx.base(),
    };
    let Some(fleet) = fleet else { return done(ctx) };
    if !ctx.rollout.step.issued {
        return wanted(ctx, fleet, step.size).into_iter().chain([issued(ctx)]).collect();
    }
    let (wanted, ready) = (ctx.state.wanted(fleet), ctx.state.ready(fleet));
    if ctx.state.applied() && ready >= wanted && ctx.state.existing(fleet) <= wanted {
        return done(ctx);
    }
    let waits = || wait(ctx, &format!("{ready} of {wanted} instances are ready"));
    refused(ctx, "PLATFORM_REFUSED").unwrap_or_else(waits)
}

/// A kept fleet that takes the traffic back exists already.
fn wanted(ctx: &Ctx, fleet: FleetId, size: Size) -> Option<Event> {
    match ctx.state.fleets.get(&fleet) {
        None => Some(Event::FleetAdded { fleet, spec: ctx.rollout.request.fleet.clone(), size }),
        Some(it) => (it.size != size).then_some(Event::FleetSized { fleet, size }),
    }
}
