//! What several targets lost together: it holds them all, and is told once.

use jiff::Timestamp;

use super::judged;
use crate::{
    event::{Event, RolloutEvent},
    model::{Hold, HoldKind, Incident, Reason, RolloutId, TargetState},
};

/// What was lost is not this rollout's fault: it holds until it is back, whatever the policy says.
pub(super) fn common_mode(state: &TargetState, id: RolloutId, reason: Reason, now: Timestamp) -> Vec<Event> {
    let Some(ctx) = judged(state, id, now) else { return Vec::new() };
    let alone = |it: &&Hold| matches!(it.kind, HoldKind::MonitorLost | HoldKind::Error);
    let Some(hold) = ctx.rollout.hold.as_ref().filter(alone) else { return Vec::new() };
    let hold = Hold { kind: HoldKind::CommonMode, reason, since: hold.since };
    vec![ctx.event(RolloutEvent::Held(Some(hold)))]
}

/// Told by one target for all of them, and once.
pub(super) fn raised(state: &TargetState, incident: Incident) -> Vec<Event> {
    let told = state.incident.as_ref().is_some_and(|it| it.id == incident.id);
    if told { Vec::new() } else { vec![Event::Incident(incident)] }
}
