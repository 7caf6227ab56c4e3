//! ResolveInterruption: RETRY, IGNORE, ROLL_BACK, TAKEN_OVER.

use jiff::Timestamp;

use super::{Decided, subject, wrong_state};
use crate::{
    engine::{Ctx, recovery, undo},
    event::{AftercareEvent, Event, RolloutEvent},
    input::{Choice, Command},
    model::{HookRun, Origin, Outcome, PauseOwner, Reason, State, StepEnd, StepKind, TargetState},
    refusal::Refusal,
};

pub(super) fn rollout(ctx: &Ctx, command: &Command, choice: Choice) -> Decided {
    let from = match ctx.rollout.state {
        State::NeedsOperator { taken_over: true, .. } => {
            return Err(wrong_state(ctx.rollout, "a person has taken over; HandBack comes first"));
        }
        State::NeedsOperator { from, .. } => from,
        State::Running if ctx.pause_of(&PauseOwner::Policy).is_some() => Origin::Running,
        State::Pending
        | State::Running
        | State::RollingBack
        | State::Recovering
        | State::Succeeded
        | State::RolledBack
        | State::Superseded
        | State::Cancelled => return Err(wrong_state(ctx.rollout, "no person is asked")),
    };
    match choice {
        Choice::Retry => Ok(retry(ctx, command, from)),
        Choice::Ignore => ignore(ctx, command, from),
        Choice::RollBack => Ok(back(ctx, command, from)),
        Choice::TakenOver => Ok(taken_over(ctx, command)),
    }
}

fn resolved(ctx: &Ctx, command: &Command, choice: Choice) -> Vec<Event> {
    let (by, reason) = (command.by.clone(), command.reason.clone());
    let contested = ctx.state.contested.clone().map(|reason| Event::DriftCorrected { reason });
    let resolved = ctx.event(RolloutEvent::Resolved { choice, by, reason });
    contested.into_iter().chain([resolved]).collect()
}

/// The same step again; a failed analysis starts afresh.
fn retry(ctx: &Ctx, command: &Command, from: Origin) -> Vec<Event> {
    let mut events = resolved(ctx, command, Choice::Retry);
    events.extend(match from {
        Origin::Running | Origin::RollingBack => restarted(ctx),
        Origin::Recovering => Some(recovery::start(ctx)),
    });
    events
}

/// A step that was over when it stopped is not run twice; nor is a call that still runs, or has ended well.
fn restarted(ctx: &Ctx) -> Option<Event> {
    let step = &ctx.rollout.step;
    let called = |run: &HookRun| matches!(run.outcome, None | Some(Outcome::Done { .. }));
    if step.hook.as_ref().is_some_and(called) {
        return None;
    }
    let again = RolloutEvent::StepStarted { index: step.index, attempt: step.attempt + 1 };
    (!step.finished).then(|| ctx.event(again))
}

/// The next step. What later steps rest on cannot be ignored.
fn ignore(ctx: &Ctx, command: &Command, from: Origin) -> Decided {
    let kind = ctx.rollout.current().map(|it| it.kind());
    let needed =
        matches!(kind, Some(StepKind::Route | StepKind::Replace | StepKind::Promote | StepKind::RouteBack));
    if needed && !ctx.rollout.step.finished {
        let text =
            format!("{kind:?} has not done what the next steps rest on; RETRY, ROLL_BACK or TAKEN_OVER");
        return Err(Refusal::precondition("STEP_NEEDED", subject(ctx.rollout), text));
    }
    let mut events = resolved(ctx, command, Choice::Ignore);
    let (by, reason) = (command.by.clone(), command.reason.clone());
    match from {
        Origin::Running | Origin::RollingBack if ctx.rollout.step.finished => {}
        Origin::Running | Origin::RollingBack => events.push(ctx.ended(StepEnd::Overridden { by, reason })),
        Origin::Recovering => {
            let cause = Reason::new("RECOVERY_OVERRIDDEN", format!("{by} went on: {reason}"));
            let state =
                if ctx.rollout.superseded_by.is_some() { State::Superseded } else { State::RolledBack };
            events.push(ctx.event(RolloutEvent::Ended { state, reason: cause }));
        }
    }
    Ok(events)
}

fn back(ctx: &Ctx, command: &Command, from: Origin) -> Vec<Event> {
    let reason = Reason::new("OPERATOR_ROLL_BACK", command.reason.clone()).with("by", &command.by);
    match from {
        Origin::Running => {
            let by = (command.by.clone(), command.reason.clone());
            let resolved = RolloutEvent::Resolved { choice: Choice::RollBack, by: by.0, reason: by.1 };
            std::iter::once(ctx.event(resolved)).chain(undo::begin(ctx, reason, None)).collect()
        }
        Origin::RollingBack | Origin::Recovering => again(ctx, reason),
    }
}

/// A stuck undo is retried; a recovery is looked at again.
pub(super) fn again(ctx: &Ctx, reason: Reason) -> Vec<Event> {
    let contested = ctx.state.contested.clone().map(|reason| Event::DriftCorrected { reason });
    let mut events: Vec<_> = contested.into_iter().collect();
    let recovering = matches!(ctx.rollout.state, State::NeedsOperator { from: Origin::Recovering, .. });
    events.push(ctx.event(RolloutEvent::RollbackResumed { reason }));
    events.extend(if recovering { Some(recovery::start(ctx)) } else { restarted(ctx) });
    events
}

fn taken_over(ctx: &Ctx, command: &Command) -> Vec<Event> {
    let reason = Reason::new("TAKEN_OVER", command.reason.clone()).with("by", &command.by);
    let interrupted = RolloutEvent::Interrupted { reason: reason.clone(), taken_over: true };
    vec![Event::TakenOver { reason }, ctx.event(interrupted)]
}

/// Where no rollout could say that a person is needed: aftercare, drift.
pub(super) fn target(state: &TargetState, command: &Command, choice: Choice, _now: Timestamp) -> Decided {
    let name = state.spec.as_ref().map(|it| it.name.clone()).unwrap_or_default();
    if state.trouble.is_none() && state.contested.is_none() {
        return Err(Refusal::precondition("STATE", name, "the target needs nobody"));
    }
    if let Some(rollout) = state.begun().filter(|it| matches!(it.state, State::NeedsOperator { .. })) {
        return Err(wrong_state(rollout, "resolve the rollout"));
    }
    if state.taken_over.is_some() {
        return Err(Refusal::precondition(
            "TAKEN_OVER",
            name,
            "a person has taken over; HandBack comes first",
        ));
    }
    if choice == Choice::RollBack {
        let text = "there is no rollout to take back; RETRY, IGNORE or TAKEN_OVER";
        return Err(Refusal::precondition("STATE", name, text));
    }
    if choice == Choice::TakenOver {
        let reason = Reason::new("TAKEN_OVER", command.reason.clone()).with("by", &command.by);
        return Ok(vec![Event::TakenOver { reason }]);
    }
    let mut events = Vec::new();
    if let Some(reason) = state.contested.clone() {
        events.push(match choice {
            Choice::Ignore => Event::HandedBack { by: command.by.clone() },
            Choice::Retry | Choice::RollBack | Choice::TakenOver => Event::DriftCorrected { reason },
        });
    }
    if let Some(trouble) = &state.trouble {
        let retried = |rollout| Event::Aftercare { rollout, what: AftercareEvent::Retried };
        events.extend(trouble.aftercare.filter(|_| choice == Choice::Retry).map(retried));
        events.push(Event::TroubleResolved { by: command.by.clone(), choice });
    }
    Ok(events)
}
