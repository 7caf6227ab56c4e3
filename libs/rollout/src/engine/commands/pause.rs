//! PauseRollout, ResumeRollout. Legal in every state that is not terminal.

use super::{Decided, subject, wrong_state};
use crate::{
    engine::Ctx,
    event::RolloutEvent,
    input::Command,
    model::{Pause, PauseOwner, Reason},
    refusal::Refusal,
};

pub(super) fn pause(ctx: &Ctx, command: &Command, owner: &PauseOwner, after_step: bool) -> Decided {
    if ctx.rollout.ended() {
        return Err(wrong_state(ctx.rollout, "it is over"));
    }
    let reason = Reason::new("PAUSED", command.reason.clone()).with("by", &command.by);
    let present = ctx.pause_of(owner);
    if present.is_some_and(|it| it.after_step == after_step && it.reason == reason) {
        return Ok(Vec::new());
    }
    // what is said last counts; since when it is held does not change by it
    let since = present.map_or(ctx.now, |it| it.since);
    let pause = Pause { owner: owner.clone(), reason, since, after_step };
    Ok(vec![ctx.event(RolloutEvent::Paused(pause))])
}

/// Each owner lifts only its own.
pub(super) fn resume(ctx: &Ctx, command: &Command, owner: &PauseOwner) -> Decided {
    if ctx.rollout.ended() {
        return Err(wrong_state(ctx.rollout, "it is over"));
    }
    if ctx.pause_of(owner).is_none() {
        let owners: Vec<_> = ctx.rollout.pauses.iter().map(|it| named(&it.owner)).collect();
        let owners = if owners.is_empty() { "nobody".to_owned() } else { owners.join(", ") };
        let text = format!("{} has not paused it; {owners} has", named(owner));
        return Err(Refusal::precondition("NOT_PAUSED", subject(ctx.rollout), text));
    }
    let (owner, by) = (owner.clone(), command.by.clone());
    Ok(vec![ctx.event(RolloutEvent::Resumed { owner, by })])
}

/// An owner as people read it.
fn named(owner: &PauseOwner) -> String {
    match owner {
        PauseOwner::Person(principal) => principal.0.clone(),
        PauseOwner::Window(id) => format!("the window {id}"),
        PauseOwner::Policy => "the failure policy".to_owned(),
    }
}
