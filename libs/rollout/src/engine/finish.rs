//! The end of a rollout that goes well: the old fleet is kept, aftercare begins.

use super::Ctx;
use crate::{
    event::{AftercareEvent, Event, RolloutEvent},
    model::{FleetId, Kind, Reason, Size, State, after},
};

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    let old = ctx.base().filter(|old| *old != ctx.candidate() && ctx.state.fleets.contains_key(old));
    if old.is_some_and(|old| ctx.state.split.reaches(old)) {
        return Vec::new();
    }
    let reason = Reason::new("SUCCEEDED", "the candidate serves all traffic and is stable")
        .with("steps", ctx.rollout.steps.len());
    let mut events: Vec<_> = resized(ctx).into_iter().collect();
    events.push(ctx.event(RolloutEvent::Ended { state: State::Succeeded, reason }));
    events.extend(cared(ctx, old));
    events
}

/// Stable has n instances, however the steps had counted them.
fn resized(ctx: &Ctx) -> Option<Event> {
    let fleet = ctx.state.fleets.get(&ctx.candidate())?;
    (fleet.size != Size::FULL).then_some(Event::FleetSized { fleet: fleet.id, size: Size::FULL })
}

/// A fleet that still runs is kept; one that was emptied goes now. A release that was taken back is not kept.
fn cared(ctx: &Ctx, old: Option<FleetId>) -> Vec<Event> {
    let rollout = ctx.rollout.id();
    let left = old.filter(|old| ctx.state.wanted(*old) > 0);
    let mut events: Vec<_> =
        old.filter(|_| left.is_none()).map(|fleet| Event::FleetRemoved { fleet }).into_iter().collect();
    let back = matches!(ctx.rollout.kind, Kind::Rollback { .. });
    let until = if back { ctx.now } else { after(ctx.now, ctx.policies().keep) };
    if left.is_some() || !ctx.policies().contract.is_empty() {
        let what = AftercareEvent::Kept { fleet: left, until };
        events.push(Event::Aftercare { rollout, what });
    }
    events
}
