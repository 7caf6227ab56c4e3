//! Hook: a call with effects. Intent is committed before the call, the outcome after it.

use std::time::Duration;

use jiff::Timestamp;

use super::done;
use crate::{
    engine::{
        Ctx,
        failure::{Failure, fail, interrupt},
        undo,
    },
    event::{Event, RolloutEvent},
    input::{HookId, HookPlace},
    model::{Hook, HookRun, OnUnknown, Outcome, Reason, since},
};

/// Whether a call without outcome has used up its time, all attempts together.
pub(in crate::engine) fn timed_out(run: &HookRun, timeout: Duration, now: Timestamp) -> bool {
    since(run.since, now) >= timeout
}

pub(super) fn next(ctx: &Ctx, hook: &Hook) -> Vec<Event> {
    let place = HookPlace::Step(ctx.rollout.step.index);
    match progress(ctx, place, hook, hook.unknown()) {
        Progress::Events(events) => events,
        Progress::Done => done(ctx),
        Progress::Failed(reason) => fail(ctx, Failure::Hook, reason),
        Progress::Unknown(reason) => vec![interrupt(ctx, reason)],
    }
}

/// The `on_undo` of a finished hook; one that fails stops the undoing.
pub(super) fn undo(ctx: &Ctx, step: usize) -> Vec<Event> {
    let Some((hook, call)) = undo::hook(ctx, step).and_then(|hook| Some((hook, hook.on_undo.as_ref()?)))
    else {
        return done(ctx);
    };
    match progress(ctx, HookPlace::Undo(step), hook, hook.on_unknown.unwrap_or(call.unknown())) {
        Progress::Events(events) => events,
        Progress::Done => done(ctx),
        Progress::Failed(reason) | Progress::Unknown(reason) => vec![interrupt(ctx, reason)],
    }
}

enum Progress {
    Events(Vec<Event>),
    Done,
    Failed(Reason),
    Unknown(Reason),
}

fn progress(ctx: &Ctx, place: HookPlace, hook: &Hook, unknown: OnUnknown) -> Progress {
    let id = HookId { rollout: ctx.rollout.id(), place };
    let started =
        |attempt| Progress::Events(vec![ctx.event(RolloutEvent::HookStarted { hook: id, attempt })]);
    let Some(run) = &ctx.rollout.step.hook else { return started(1) };
    match &run.outcome {
        None if timed_out(run, hook.timeout, ctx.now) => Progress::Events(vec![
            ctx.event(RolloutEvent::HookEnded { hook: id, outcome: Outcome::TimedOut }),
        ]),
        None => Progress::Events(Vec::new()),
        Some(Outcome::Done { .. }) => Progress::Done,
        Some(Outcome::Failed { error }) => {
            Progress::Failed(reason("HOOK_FAILED", hook, "failed").with("error", error))
        }
        Some(Outcome::TimedOut) => {
            let seconds = hook.timeout.as_secs_f64();
            Progress::Failed(
                reason("HOOK_TIMEOUT", hook, "was cancelled at its timeout").with("seconds", seconds),
            )
        }
        Some(Outcome::Unknown { .. }) if unknown == OnUnknown::Retry => started(run.attempt + 1),
        Some(Outcome::Unknown { error }) => {
            let text = "was called, and nobody knows whether it took effect";
            Progress::Unknown(reason("HOOK_OUTCOME_UNKNOWN", hook, text).with("error", error))
        }
    }
}

fn reason(code: &str, hook: &Hook, what: &str) -> Reason {
    Reason::new(code, format!("{} {what}", hook.name)).with("hook", &hook.name)
}
