//! RestoreCapacity: stable gets its instances back; traffic follows as they become ready.

use super::{done, issued, wait};
use crate::{
    engine::{Ctx, recovery::required_ready, route, swap},
    event::Event,
    model::{FleetId, FleetSpec, Percent, Role, Route, Size, Step},
};

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    let Some(base) = ctx.base() else { return done(ctx) };
    if !ctx.rollout.step.issued {
        return begin(ctx, base).into_iter().chain([issued(ctx)]).collect();
    }
    if let Some(step) = swap::replacing(ctx) {
        let moves = swap::back(ctx, base, step);
        if !moves.is_empty() {
            return moves;
        }
    }
    if recovered(ctx, base) {
        return done(ctx);
    }
    let raised = raise(ctx, base);
    if !raised.is_empty() {
        return raised;
    }
    wait(ctx, &format!("{} of {} stable instances are ready", ctx.state.ready(base), required_ready(ctx)))
}

fn begin(ctx: &Ctx, base: FleetId) -> Option<Event> {
    match ctx.state.fleets.get(&base) {
        None => Some(Event::FleetAdded { fleet: base, spec: spec_of(ctx, base)?, size: Size::FULL }),
        Some(it) if it.size == Size::FULL => None,
        // instances are swapped back batch by batch
        Some(_) if swap::replacing(ctx).is_some() => None,
        Some(_) => Some(Event::FleetSized { fleet: base, size: Size::FULL }),
    }
}

fn spec_of(ctx: &Ctx, fleet: FleetId) -> Option<FleetSpec> {
    ctx.state.past.iter().rev().find(|it| it.fleet == fleet).map(|it| it.spec.clone())
}

/// Stable can carry everything, or has everything already.
fn recovered(ctx: &Ctx, base: FleetId) -> bool {
    let sized = ctx.state.fleets.get(&base).is_some_and(|it| it.size == Size::FULL);
    let has_all = ctx.state.split.share(base) == Percent::FULL;
    sized && (has_all || (seen(ctx) && ctx.state.ready(base) >= required_ready(ctx)))
}

/// Whether the ready instances of stable are to be counted on. Where it was to give instances up, the ones that were ready when
/// it was last looked at may be on their way out.
fn seen(ctx: &Ctx) -> bool {
    ctx.state.applied() || !gives_up(ctx)
}

/// Whether the rollout's steps take instances from stable.
fn gives_up(ctx: &Ctx) -> bool {
    let takes = |step: &Step| match step {
        Step::Scale(it) => it.fleet == Role::Stable,
        step => matches!(step, Step::Replace(_)),
    };
    ctx.rollout.steps.iter().any(takes)
}

/// Stable's share rises with its readiness, never above it. A candidate without a ready instance serves nobody:
/// then stable takes everything, as far as it has anyone.
fn raise(ctx: &Ctx, base: FleetId) -> Vec<Event> {
    let share = ctx.state.split.share(base);
    let limit = if ctx.state.ready(ctx.candidate()) == 0 && ctx.state.ready(base) > 0 {
        Percent::FULL
    } else {
        ctx.base_carries(base)
    };
    if ctx.state.split.shares.is_empty() || limit <= share || !seen(ctx) {
        return Vec::new();
    }
    let split = route::split(ctx, &Route::share(limit.rest()), Some(limit.rest()));
    route::wanted(ctx, split, None).into_iter().collect()
}
