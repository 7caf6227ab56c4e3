//! RouteBack: traffic to stable, or to nobody.

use super::{done, issued, wait};
use crate::{
    engine::{Ctx, route},
    event::Event,
    model::{RouteBack, Split},
};

pub(super) fn next(ctx: &Ctx, step: RouteBack) -> Vec<Event> {
    if !ctx.rollout.step.issued {
        let split = match ctx.base().filter(|_| !step.to_none) {
            Some(base) => Split::all_to(base),
            None => Split::default(),
        };
        return route::wanted(ctx, split, None).into_iter().chain([issued(ctx)]).collect();
    }
    if ctx.state.route_confirmed() {
        done(ctx)
    } else {
        wait(ctx, "the router has not confirmed the way back")
    }
}
