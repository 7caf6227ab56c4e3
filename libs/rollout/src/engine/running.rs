//! Forward: guards first, then the running step, then the next one.

use super::{Ctx, finish, guards, share, steps};
use crate::{
    event::{Event, RolloutEvent},
    model::{PauseOwner, Reason, TargetState},
};
use jiff::Timestamp;

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    let guarded = guards::running(ctx);
    if !guarded.is_empty() {
        return guarded;
    }
    let followed = share::follow(ctx);
    if !followed.is_empty() {
        return followed;
    }
    if !ctx.rollout.step.finished {
        return steps::next(ctx);
    }
    let index = ctx.rollout.step.next_index();
    if may_start(ctx).is_err() {
        return Vec::new();
    }
    if index == ctx.rollout.steps.len() {
        return finish::next(ctx);
    }
    vec![ctx.event(RolloutEvent::StepStarted { index, attempt: 1 })]
}

/// What keeps the next step from starting.
pub(crate) enum Blocked {
    /// Somebody's pause.
    Paused(Vec<PauseOwner>),
    /// The permit is over.
    Permit,
    /// Something holds.
    Held(Reason),
}

/// Whether a forward step may start now.
pub(crate) fn may_start(ctx: &Ctx) -> Result<(), Blocked> {
    let rollout = ctx.rollout;
    if rollout.permit_until.is_some_and(|until| ctx.now >= until) {
        return Err(Blocked::Permit);
    }
    let lets = |owner: &PauseOwner| rollout.advance_once && matches!(owner, PauseOwner::Person(_));
    let pauses: Vec<_> =
        rollout.pauses.iter().map(|it| &it.owner).filter(|owner| !lets(owner)).cloned().collect();
    if !pauses.is_empty() {
        return Err(Blocked::Paused(pauses));
    }
    match &rollout.hold {
        Some(hold) if rollout.advancing.is_none() && rollout.ignoring.is_none() => {
            Err(Blocked::Held(hold.reason.clone()))
        }
        _ => Ok(()),
    }
}

/// What keeps the rollout that runs from starting its next step; none: nothing does, or none runs.
pub fn blocked(state: &TargetState, now: Timestamp) -> Option<Reason> {
    let rollout = state.begun().filter(|it| it.is_running())?;
    match may_start(&Ctx { state, rollout, now }) {
        Ok(()) => None,
        Err(Blocked::Held(reason)) => Some(reason),
        Err(Blocked::Permit) => {
            let reason =
                Reason::new("PERMIT_EXPIRED", "no forward step may start until the permit is renewed");
            Some(reason.with("until", rollout.permit_until.unwrap_or(now)))
        }
        Err(Blocked::Paused(owners)) => {
            let owners: Vec<_> = owners.iter().map(|it| format!("{it:?}")).collect();
            Some(Reason::new("PAUSED", format!("paused by {}", owners.join(", "))))
        }
    }
}
