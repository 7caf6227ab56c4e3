//! The candidate's share follows its readiness.

use super::{Ctx, route};
use crate::{
    event::Event,
    model::{Percent, Reason, Step},
};

/// Down when readiness has been below the share for the grace time, as far as stable can carry; up again when
/// the instances are back.
pub(super) fn follow(ctx: &Ctx) -> Vec<Event> {
    let (Some(base), Some(asked)) = (ctx.base(), ctx.rollout.route.percent) else { return Vec::new() };
    let moving = matches!(ctx.rollout.current(), Some(Step::Replace(_) | Step::Route(_)))
        && !ctx.rollout.step.finished;
    if ctx.rollout.segment == 0 || moving {
        return Vec::new();
    }
    let carries = ctx.state.carries(ctx.candidate());
    let share = ctx.share();
    let stable_limit = ctx.base_carries(base).rest();
    let wanted = if ctx.state.can_carry(ctx.candidate(), asked) {
        asked.max(share)
    } else if ctx.degraded() {
        carries.max(stable_limit).min(share)
    } else {
        share
    };
    if wanted == share { Vec::new() } else { moved(ctx, wanted) }
}

fn moved(ctx: &Ctx, share: Percent) -> Vec<Event> {
    let reason = Reason::new("SHARE_FOLLOWS_READINESS", "the candidate's share follows its ready instances")
        .with("ready", ctx.state.ready(ctx.candidate()))
        .with("n", ctx.state.settled)
        .with("share", share);
    let split = route::split(ctx, &ctx.rollout.route, Some(share));
    route::wanted(ctx, split, Some(reason)).into_iter().collect()
}
