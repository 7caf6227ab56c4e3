//! AbortRollout: back to stable, from any state.

use super::{Decided, wrong_state};
use crate::{
    engine::{Ctx, undo},
    event::RolloutEvent,
    input::Command,
    model::{Origin, Reason, State},
};

pub(super) fn abort(ctx: &Ctx, command: &Command) -> Decided {
    let reason = Reason::new("ABORTED", command.reason.clone()).with("by", &command.by);
    match ctx.rollout.state {
        State::Pending => Ok(vec![ctx.event(RolloutEvent::Ended { state: State::Cancelled, reason })]),
        State::Running => Ok(undo::begin(ctx, reason, None)),
        // the outcome of the first
        State::RollingBack | State::Recovering => Ok(Vec::new()),
        State::NeedsOperator { taken_over: true, .. } => {
            Err(wrong_state(ctx.rollout, "a person has taken over; HandBack takes it back to stable"))
        }
        State::NeedsOperator { from: Origin::Running, .. } => Ok(undo::begin(ctx, reason, None)),
        State::NeedsOperator { from: Origin::RollingBack | Origin::Recovering, .. } => {
            Ok(super::interruption::again(ctx, reason))
        }
        State::Succeeded | State::RolledBack | State::Superseded | State::Cancelled => {
            Err(wrong_state(ctx.rollout, "it is over; RollbackRollout takes a finished one back"))
        }
    }
}
