//! VerifyRoute: the route is read back and is right, before anything is drained or removed.

use super::{done, wait};
use crate::{engine::Ctx, event::Event};

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    if ctx.state.route_confirmed() {
        done(ctx)
    } else {
        wait(ctx, "the route that is read back is not the one wanted")
    }
}
