//! The steps: what each does, and when it is done.

mod bake;
mod drain;
mod gate;
mod hook;
mod prepare;
mod promote;
mod remove;
mod replace;
mod restore;
mod route;
mod route_back;
mod scale;
mod verify;
mod wait;

pub(super) use hook::timed_out as hook_timed_out;

use super::{
    Ctx,
    failure::{Failure, fail, interrupt},
    problem::explained,
};
use crate::{
    event::{Event, RolloutEvent},
    model::{PauseOwner, Prepare, Reason, Step, StepEnd},
};

/// What the running step does now.
pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    let Some(step) = ctx.rollout.current() else { return Vec::new() };
    match step {
        Step::Prepare(Prepare::Handoff { .. }) => prepare::next(ctx),
        Step::Prepare(Prepare::Hook(it)) | Step::Hook(it) => hook::next(ctx, it),
        Step::Scale(it) => scale::next(ctx, *it),
        Step::Route(it) => route::next(ctx, it),
        Step::Replace(it) => replace::next(ctx, *it),
        Step::Bake(it) => bake::next(ctx, *it),
        Step::Gate(_) => gate::next(ctx),
        Step::Wait(it) => wait::next(ctx, *it),
        Step::Promote => promote::next(ctx),
        Step::RestoreCapacity => restore::next(ctx),
        Step::RouteBack(it) => route_back::next(ctx, *it),
        Step::VerifyRoute => verify::next(ctx),
        Step::Drain => drain::next(ctx),
        Step::Remove => remove::next(ctx),
        Step::UndoHook { step } => hook::undo(ctx, *step),
    }
}

/// The step did what it is for; what a policy had paused for has recovered.
fn done(ctx: &Ctx) -> Vec<Event> {
    let recovered = ctx.pause_of(&PauseOwner::Policy).is_some_and(|it| it.reason.code == "PROGRESS_DEADLINE");
    let lifted = || {
        let by = crate::model::Principal("policy".into());
        ctx.event(RolloutEvent::Resumed { owner: PauseOwner::Policy, by })
    };
    std::iter::once(ctx.ended(StepEnd::Done)).chain(recovered.then(lifted)).collect()
}

fn issued(ctx: &Ctx) -> Event {
    ctx.event(RolloutEvent::StepIssued)
}

/// A platform or router that refuses again and again is a deploy failure; undoing goes on trying.
fn refused(ctx: &Ctx, code: &str) -> Option<Vec<Event>> {
    let step = &ctx.rollout.step;
    if step.refused < ctx.policies().route_attempts || ctx.rollout.undoing() {
        return None;
    }
    let reason = Reason::new(code, format!("what the step wants is refused: {}", step.refusal));
    let reason = reason.with("attempts", step.refused).with("error", &step.refusal);
    Some(fail(ctx, Failure::Deploy, explained(ctx, reason)))
}

/// Waits, until the progress deadline is over: then the policy decides, or a person where undoing is stuck.
fn wait(ctx: &Ctx, what: &str) -> Vec<Event> {
    if !ctx.late() {
        return Vec::new();
    }
    let seconds = ctx.policies().progress_deadline.as_secs();
    if ctx.rollout.undoing() {
        let reason = Reason::new("UNDO_STUCK", format!("undoing makes no progress: {what}"));
        return vec![interrupt(ctx, reason.with("deadline_seconds", seconds))];
    }
    let reason = Reason::new("PROGRESS_DEADLINE", format!("no progress within the deadline: {what}"))
        .with("deadline_seconds", seconds)
        .with("step", ctx.rollout.step.index);
    fail(ctx, Failure::Deadline, explained(ctx, reason))
}
