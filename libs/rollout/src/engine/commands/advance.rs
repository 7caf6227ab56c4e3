//! AdvanceRollout: one step, or all. What is skipped is a recorded override.

use super::{Decided, check, open_forward, subject, wrong_state};
use crate::{
    engine::Ctx,
    event::RolloutEvent,
    input::Command,
    model::{PauseOwner, StepEnd, StepKind},
    refusal::Violation,
};

pub(super) fn advance(ctx: &Ctx, command: &Command, step: usize, all: bool) -> Decided {
    let rollout = ctx.rollout;
    open_forward(rollout)?;
    if !rollout.is_running() {
        return Err(wrong_state(rollout, "only a running one can be advanced"));
    }
    check(violations(ctx, step, all))?;
    let (by, reason) = (command.by.clone(), command.reason.clone());
    let mut events = vec![ctx.event(RolloutEvent::Advanced { by: by.clone(), reason: reason.clone(), all })];
    if ctx.rollout.hold.is_some() {
        events.push(ctx.event(RolloutEvent::Held(None)));
    }
    if waiting(ctx) && !all {
        events.push(ctx.ended(StepEnd::Overridden { by, reason }));
    }
    Ok(events)
}

/// Whether the running step is one that a person may end.
fn waiting(ctx: &Ctx) -> bool {
    let kind = ctx.rollout.current().map(|it| it.kind());
    !ctx.rollout.step.finished && matches!(kind, Some(StepKind::Bake | StepKind::Wait))
}

fn violations(ctx: &Ctx, step: usize, all: bool) -> Vec<Violation> {
    let rollout = ctx.rollout;
    let mut found = Vec::new();
    let mut add = |code: &str, text: String| found.push(Violation::new(code, subject(rollout), text));
    if rollout.step.index != step {
        add("STEP_CHANGED", format!("step {step} was expected, step {} runs", rollout.step.index));
    }
    for pause in rollout.pauses.iter().filter(|it| !matches!(it.owner, PauseOwner::Person(_))) {
        add("PAUSED", format!("{:?} holds it: {}", pause.owner, pause.reason.text));
    }
    if rollout.permit_until.is_some_and(|until| ctx.now >= until) {
        add("PERMIT_EXPIRED", "no forward step may start until the permit is renewed".into());
    }
    let nothing = !waiting(ctx) && rollout.pauses.is_empty() && rollout.hold.is_none();
    if !all && nothing && found.is_empty() {
        let kind = rollout.current().map(|it| it.kind());
        found.push(Violation::new(
            "NOTHING_TO_ADVANCE",
            subject(rollout),
            format!("{kind:?} ends by itself or has a call of its own"),
        ));
    }
    found
}
