//! HandBack: what a person had taken over converges again, never back to the candidate's share.

use jiff::Timestamp;

use super::Decided;
use crate::{
    engine::{Ctx, undo},
    event::{Event, RolloutEvent},
    input::{Choice, Command},
    model::{Reason, State, TargetState},
    refusal::Refusal,
};

pub(super) fn hand_back(state: &TargetState, command: &Command, now: Timestamp) -> Decided {
    if state.taken_over.is_none() {
        let name = state.spec.as_ref().map(|it| it.name.clone()).unwrap_or_default();
        return Err(Refusal::precondition("STATE", name, "the target is not taken over"));
    }
    let mut events = vec![Event::HandedBack { by: command.by.clone() }];
    let taken =
        |it: &&crate::model::Rollout| matches!(it.state, State::NeedsOperator { taken_over: true, .. });
    if let Some(rollout) = state.active().filter(taken) {
        events.extend(resumed(&Ctx { state, rollout, now }, command));
    }
    Ok(events)
}

/// Back to stable; after Promote stable is as it is, and the rollout goes on.
fn resumed(ctx: &Ctx, command: &Command) -> Vec<Event> {
    let (by, why) = (command.by.clone(), command.reason.clone());
    if ctx.rollout.promoted {
        return vec![ctx.event(RolloutEvent::Resolved { choice: Choice::Retry, by, reason: why })];
    }
    let reason = Reason::new("HANDED_BACK", why).with("by", by);
    undo::begin(ctx, reason, None)
}
