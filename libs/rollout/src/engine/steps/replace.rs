//! Replace: swaps a batch of instances in place; done when the batch is ready and has its share.

use super::{done, issued, refused, wait};
use crate::{
    engine::{Ctx, swap},
    event::{Event, RolloutEvent},
    model::{Percent, Replace, Route, Size, Step},
};

pub(super) fn next(ctx: &Ctx, step: Replace) -> Vec<Event> {
    let Some(base) = ctx.base() else { return done(ctx) };
    if !ctx.rollout.step.issued {
        return if ctx.frozen() { Vec::new() } else { begin(ctx) };
    }
    if let Some(failed) = refused(ctx, "ROUTE_REFUSED") {
        return failed;
    }
    let moves = if ctx.frozen() { Vec::new() } else { swap::forward(ctx, base, step) };
    if !moves.is_empty() {
        return moves;
    }
    if swap::swapped(ctx, base) {
        return settle(ctx, base).into_iter().chain(done(ctx)).collect();
    }
    let goal = ctx.rollout.replaced.of(ctx.state.instances());
    wait(ctx, &format!("{} of {goal} instances are swapped", ctx.state.ready(ctx.candidate())))
}

fn begin(ctx: &Ctx) -> Vec<Event> {
    let goal = goal(ctx);
    let segment = ctx.rollout.segment + 1;
    let begun = RolloutEvent::SegmentStarted { segment, route: Route::share(goal), replaced: goal };
    let fleet = ctx.candidate();
    let added = (!ctx.state.fleets.contains_key(&fleet)).then(|| Event::FleetAdded {
        fleet,
        spec: ctx.rollout.request.fleet.clone(),
        size: Size::NONE,
    });
    [ctx.event(begun)].into_iter().chain(added).chain([issued(ctx)]).collect()
}

/// What is swapped at the end of this batch; the same on a retry.
fn goal(ctx: &Ctx) -> Percent {
    let n = ctx.state.instances();
    let batch = |step: &Step| if let Step::Replace(it) = step { Some(it.batch) } else { None };
    let batches = ctx.rollout.steps.iter().take(ctx.rollout.step.index + 1).filter_map(batch);
    let swapped =
        batches.fold(0, |swapped: u32, batch| n.min(swapped + batch.count(n, Percent::ZERO).max(1)));
    Percent::ratio(swapped, n).max(ctx.rollout.replaced)
}

/// Between batches both fleets follow n.
fn settle(ctx: &Ctx, base: crate::model::FleetId) -> [Event; 2] {
    let part = ctx.rollout.replaced;
    [
        Event::FleetSized { fleet: ctx.candidate(), size: Size::Percent(part) },
        Event::FleetSized { fleet: base, size: Size::Rest(part) },
    ]
}
