//! Events about a rollout's steps, pauses, verdicts.

use jiff::Timestamp;

use super::{Why, ensure, rollout::expect};
use crate::{
    event::RolloutEvent,
    input::{HookId, HookPlace},
    model::{
        Answer, Clock, Decision, Hold, HoldKind, HookRun, Monitor, Outcome, Override, Pause, PauseOwner,
        Reason, Rollout, State, StepEnd, StepRecord, StepRun, Verdict,
    },
};

pub(super) fn apply(rollout: &mut Rollout, event: &RolloutEvent, at: Timestamp) -> Result<(), Why> {
    match event {
        RolloutEvent::StepStarted { index, attempt } => started(rollout, *index, *attempt, at)?,
        RolloutEvent::StepIssued => {
            expect(rollout, !rollout.step.finished, "issues a step")?;
            rollout.step.issued = true;
        }
        RolloutEvent::SegmentStarted { segment, route, replaced } => {
            ensure(*segment == rollout.segment + 1, || format!("segment {segment} is not the next"))?;
            rollout.segment = *segment;
            rollout.route = route.clone();
            rollout.replaced = *replaced;
        }
        RolloutEvent::StepEnded { end } => {
            expect(rollout, !rollout.step.finished, "ends a step")?;
            left(rollout, end.clone(), at);
        }
        RolloutEvent::Paused(pause) => paused(rollout, pause, at),
        RolloutEvent::Resumed { owner, .. } => {
            rollout.pauses.retain(|it| it.owner != *owner);
            go_on(rollout, at);
        }
        RolloutEvent::Advanced { by, reason, all } => {
            advanced(rollout, &Override { by: by.clone(), reason: reason.clone(), at }, *all, at)
        }
        RolloutEvent::PermitRenewed { until } => rollout.permit_until = *until,
        RolloutEvent::Judged(verdict) => judged(rollout, verdict),
        RolloutEvent::Monitored { up, since } => monitored(rollout, *up, *since, at),
        RolloutEvent::Held(hold) => held(rollout, hold.as_ref(), at),
        RolloutEvent::HookStarted { attempt, .. } => hook_started(rollout, *attempt, at),
        RolloutEvent::HookEnded { hook, outcome } => hook_ended(rollout, *hook, outcome)?,
        RolloutEvent::Answered { answer, .. } => {
            expect(rollout, !rollout.step.finished, "is answered")?;
            rollout.step.answer = Some(answer.clone());
            if let Answer::Value(value) = answer {
                rollout.inputs.insert(rollout.step.index, value.clone());
            }
        }
        RolloutEvent::RouteRefused { error } => {
            rollout.step.refused += 1;
            rollout.step.refusal.clone_from(error);
        }
        RolloutEvent::Validated(item) => {
            rollout.validation.retain(|it| it.kind != item.kind);
            rollout.validation.push(item.clone());
            rollout.validation.sort_by_key(|it| it.kind);
        }
        RolloutEvent::Accepted { .. }
        | RolloutEvent::Waiting { .. }
        | RolloutEvent::Started { .. }
        | RolloutEvent::Interrupted { .. }
        | RolloutEvent::Resolved { .. }
        | RolloutEvent::RollbackStarted { .. }
        | RolloutEvent::RollbackResumed { .. }
        | RolloutEvent::Promoted { .. }
        | RolloutEvent::PromoteReversed
        | RolloutEvent::RecoveryStarted { .. }
        | RolloutEvent::Ended { .. } => return Err("not an event about a step".into()),
    }
    Ok(())
}

fn started(rollout: &mut Rollout, index: usize, attempt: u32, at: Timestamp) -> Result<(), Why> {
    expect(rollout, matches!(rollout.state, State::Running | State::RollingBack), "starts a step")?;
    let next = rollout.step.finished && index == rollout.step.next_index() && attempt == 1;
    let again = index == rollout.step.index && attempt == rollout.step.attempt + 1;
    ensure(next || again, || format!("step {index}, attempt {attempt}, is not the next"))?;
    let steps = if rollout.undoing() { &rollout.undo } else { &rollout.steps };
    let kind = steps.get(index).ok_or_else(|| format!("there is no step {index}"))?.kind();
    rollout.step = StepRun { attempt, ..StepRun::new(index, at) };
    rollout.advance_once = false;
    if rollout.is_running() {
        rollout.since = at;
        rollout.reason = Reason::new("STEP", format!("step {index} ({kind:?}) runs"));
    }
    go_on(rollout, at);
    Ok(())
}

/// The step is over; clocks stop, the record is kept.
pub(super) fn left(rollout: &mut Rollout, end: StepEnd, at: Timestamp) {
    let Some(kind) = rollout.current().map(|step| step.kind()) else { return };
    if rollout.step.finished {
        return;
    }
    stand_still(rollout, at);
    rollout.step.finished = true;
    rollout.history.push(StepRecord {
        index: rollout.step.index,
        undo: rollout.undoing(),
        kind,
        started_at: rollout.step.since,
        ended_at: at,
        end,
    });
}

pub(super) fn stand_still(rollout: &mut Rollout, at: Timestamp) {
    rollout.step.progress.stop(at);
    rollout.step.unpaused.stop(at);
    rollout.step.observed.stop(at);
}

/// The clocks of the running step go, unless something holds them; the progress deadline starts afresh.
pub(super) fn go_on(rollout: &mut Rollout, at: Timestamp) {
    let moving = matches!(rollout.state, State::Running | State::RollingBack);
    if rollout.step.finished || !moving {
        return;
    }
    if rollout.undoing() || rollout.pauses.iter().all(|it| it.after_step) {
        if rollout.step.progress.since.is_none() {
            rollout.step.progress = Clock::started(at);
        }
        if rollout.hold.as_ref().is_none_or(|it| it.kind == HoldKind::Undecided) {
            rollout.step.unpaused.go(at);
        }
    }
    if rollout.monitor.up {
        rollout.step.observed.go(at);
    }
}

/// What nobody can decide does not use up the time for deciding.
fn held(rollout: &mut Rollout, hold: Option<&Hold>, at: Timestamp) {
    rollout.hold = hold.cloned();
    match hold {
        Some(hold) if hold.kind != HoldKind::Undecided => rollout.step.unpaused.stop(at),
        _ => go_on(rollout, at),
    }
}

fn paused(rollout: &mut Rollout, pause: &Pause, at: Timestamp) {
    rollout.pauses.retain(|it| it.owner != pause.owner);
    rollout.pauses.push(pause.clone());
    rollout.advance_once = false;
    if rollout.undoing() {
        return;
    }
    if pause.after_step {
        // one that held the step itself may have been replaced
        go_on(rollout, at);
    } else {
        rollout.step.progress.stop(at);
        rollout.step.unpaused.stop(at);
    }
}

fn advanced(rollout: &mut Rollout, decision: &Override, all: bool, at: Timestamp) {
    if all {
        rollout.advancing = Some(decision.clone());
        rollout.pauses.retain(|it| !matches!(it.owner, PauseOwner::Person(_)));
        rollout.hold = None;
        go_on(rollout, at);
    } else {
        rollout.advance_once = !rollout.pauses.is_empty();
    }
}

fn judged(rollout: &mut Rollout, verdict: &Verdict) {
    if verdict.decision == Decision::Pass {
        rollout.passed = Some(verdict.segment);
    }
    rollout.verdict = Some(verdict.clone());
}

fn monitored(rollout: &mut Rollout, up: bool, since: Timestamp, at: Timestamp) {
    rollout.monitor = Monitor { up, since: Some(since) };
    if rollout.step.finished {
        return;
    }
    if up {
        rollout.step.observed.go(since.max(rollout.step.since).min(at));
    } else {
        rollout.step.observed.stop(since);
    }
}

/// The timeout counts from the first attempt.
fn hook_started(rollout: &mut Rollout, attempt: u32, at: Timestamp) {
    let since = rollout.step.hook.as_ref().map_or(at, |run| run.since);
    rollout.step.hook = Some(HookRun { attempt, since, outcome: None });
}

fn hook_ended(rollout: &mut Rollout, hook: HookId, outcome: &Outcome) -> Result<(), Why> {
    let run = rollout.step.hook.as_mut().ok_or("no call runs")?;
    run.outcome = Some(outcome.clone());
    if matches!(outcome, Outcome::Done { .. }) {
        match hook.place {
            HookPlace::Step(step) => rollout.hooks_done.push(step),
            HookPlace::Undo(step) => rollout.hooks_done.retain(|it| *it != step),
            HookPlace::Contract(_) => return Err("a contract migration belongs to aftercare".into()),
        }
    }
    Ok(())
}
