//! RenewPermit.

use jiff::Timestamp;

use super::{Decided, open_forward};
use crate::{engine::Ctx, event::RolloutEvent};

pub(super) fn renew(ctx: &Ctx, until: Option<Timestamp>) -> Decided {
    open_forward(ctx.rollout)?;
    if ctx.rollout.permit_until == until {
        return Ok(Vec::new());
    }
    Ok(vec![ctx.event(RolloutEvent::PermitRenewed { until })])
}
