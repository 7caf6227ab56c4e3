//! Drain: open connections end, or are ended when the time is over. Forward it is stable that is drained
//! (what cannot run twice), in undoing the candidate.

use super::{done, issued};
use crate::{
    engine::{
        Ctx,
        aftercare::{cut_by, drained},
    },
    event::Event,
    model::after,
};

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    let fleet = if ctx.rollout.undoing() { Some(ctx.candidate()) } else { ctx.base() };
    let Some(fleet) = fleet.filter(|it| ctx.state.fleets.contains_key(it)) else { return done(ctx) };
    if ctx.state.split.reaches(fleet) {
        return Vec::new();
    }
    if !ctx.rollout.step.issued {
        let until = after(ctx.now, ctx.policies().drain);
        return vec![Event::FleetDraining { fleet, until }, issued(ctx)];
    }
    let until = ctx.state.drains.get(&fleet).copied();
    let over = until.is_none_or(|until| ctx.now >= cut_by(until, ctx.policies()));
    if over || drained(ctx.state, fleet) { done(ctx) } else { Vec::new() }
}
