//! Waiting for its turn, and starting.

use super::{Ctx, running::Blocked, running::may_start};
use crate::{
    event::{AftercareEvent, Event, RolloutEvent},
    model::{FleetId, Kind, Reason, StableUnhealthy, Stage, State, TargetState},
    recipe,
};

/// Waits for nothing but the room that an old fleet takes.
pub(super) const RETIRING: &str = "RETIRING_OLD_FLEET";

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    if unchanged(ctx) {
        let reason = Reason::new("UNCHANGED", "stable has the same artifact, configuration and migrations");
        return vec![ctx.event(RolloutEvent::Ended { state: State::Succeeded, reason })];
    }
    match waits(ctx) {
        Some(reason) if reason == ctx.rollout.reason => Vec::new(),
        Some(reason) => vec![ctx.event(RolloutEvent::Waiting { reason })],
        None => start(ctx),
    }
}

fn unchanged(ctx: &Ctx) -> bool {
    let same = |fleet: &FleetId| {
        let stable = ctx.state.fleets.get(fleet);
        stable.is_some_and(|it| it.spec.identity() == ctx.rollout.request.fleet.identity())
    };
    ctx.state.stable.as_ref().is_some_and(same)
}

fn waits(ctx: &Ctx) -> Option<Reason> {
    if let Some(trouble) = &ctx.state.trouble {
        return Some(Reason::new("TARGET_NEEDS_OPERATOR", trouble.reason.text.clone()));
    }
    match may_start(ctx) {
        Err(Blocked::Permit) => return Some(Reason::new("PERMIT_EXPIRED", "no forward step may start now")),
        Err(Blocked::Paused(_)) => return Some(Reason::new("PAUSED", "it was paused before it started")),
        Err(Blocked::Held(reason)) => return Some(reason),
        Ok(()) => {}
    }
    let refuses =
        ctx.policies().stable_unhealthy == StableUnhealthy::Refuse && ctx.rollout.kind == Kind::Release;
    if let Some(stable) = unhealthy(ctx.state).filter(|_| refuses) {
        let reason = Reason::new("STABLE_UNHEALTHY", "too few instances of stable are ready")
            .with("ready", ctx.state.ready(stable))
            .with("required", ctx.state.settled);
        return Some(reason);
    }
    let room = reclaimed(ctx.state, ctx.candidate()).is_some() || ctx.state.aftercare.is_empty();
    (!room).then(|| Reason::new(RETIRING, "the fleet of an earlier release is removed first"))
}

/// The stable fleet, when too few of its instances are ready.
pub(super) fn unhealthy(state: &TargetState) -> Option<FleetId> {
    state.stable.filter(|stable| state.ready(*stable) < state.settled)
}

/// The rollout in whose aftercare this fleet is kept.
pub(super) fn reclaimed(state: &TargetState, fleet: FleetId) -> Option<&crate::model::Aftercare> {
    let kept = |care: &&crate::model::Aftercare| matches!(care.stage, Stage::Kept { .. });
    state.aftercare.iter().filter(kept).find(|care| care.fleet == Some(fleet))
}

fn start(ctx: &Ctx) -> Vec<Event> {
    let stable = ctx.state.stable;
    let steps = recipe::steps(&ctx.rollout.request.strategy, ctx.state.instances(), stable.is_none());
    let stable_floor = unhealthy(ctx.state).map(|stable| ctx.state.ready(stable));
    let mut events: Vec<_> = reclaimed(ctx.state, ctx.candidate())
        .map(|care| Event::Aftercare { rollout: care.rollout, what: AftercareEvent::Reclaimed })
        .into_iter()
        .collect();
    events.push(ctx.event(RolloutEvent::Started { steps, stable, stable_floor }));
    events
}
