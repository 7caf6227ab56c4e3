//! Route: traffic between stable and candidate; done when the router confirms it.

use super::{done, issued, refused, wait};
use crate::{
    engine::{
        Ctx,
        route::{carried, split, wanted},
    },
    event::{Event, RolloutEvent},
    model::{Route, Size},
};

pub(super) fn next(ctx: &Ctx, step: &Route) -> Vec<Event> {
    if ctx.rollout.step.issued {
        return confirm(ctx);
    }
    if ctx.frozen() {
        return Vec::new();
    }
    if let Some(scaled) = room(ctx, step) {
        return vec![scaled];
    }
    if !carried(ctx, step) {
        return wait(ctx, "too few ready instances for the share of traffic");
    }
    let replaced = ctx.rollout.replaced;
    let segment = ctx.rollout.segment + 1;
    let begun = ctx.event(RolloutEvent::SegmentStarted { segment, route: step.clone(), replaced });
    let routed = wanted(ctx, split(ctx, step, step.percent), None);
    std::iter::once(begun).chain(routed).chain([issued(ctx)]).collect()
}

/// A share needs its instances, also where no Scale asked for them.
fn room(ctx: &Ctx, step: &Route) -> Option<Event> {
    let share = step.percent.unwrap_or_default();
    let fleet = ctx.candidate();
    let Some(known) = ctx.state.fleets.get(&fleet) else {
        let size = if share.is_zero() { Size::Count(1) } else { Size::Percent(share) };
        let spec = ctx.rollout.request.fleet.clone();
        return step.reaches_candidate().then_some(Event::FleetAdded { fleet, spec, size });
    };
    let short =
        ctx.state.wanted(fleet) < share.of(ctx.state.instances()) && known.size != Size::Percent(share);
    short.then_some(Event::FleetSized { fleet, size: Size::Percent(share) })
}

fn confirm(ctx: &Ctx) -> Vec<Event> {
    if ctx.state.route_confirmed() {
        return done(ctx);
    }
    refused(ctx, "ROUTE_REFUSED").unwrap_or_else(|| wait(ctx, "the router has not confirmed the split"))
}
