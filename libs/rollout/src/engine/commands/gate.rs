//! ResolveGate: APPROVE, REJECT, VALUE.

use super::{Decided, open_forward, subject, wrong_state};
use crate::{
    engine::Ctx,
    event::RolloutEvent,
    input::Command,
    model::{Answer, Gate, GateKind, Step},
    refusal::{FieldViolation, Refusal},
};

pub(super) fn resolve(ctx: &Ctx, command: &Command, step: usize, answer: &Answer) -> Decided {
    let rollout = ctx.rollout;
    open_forward(rollout)?;
    if !rollout.is_running() {
        return Err(wrong_state(rollout, "only a running one has an open gate"));
    }
    let opened = rollout.step.index == step && !rollout.step.finished;
    let Some(Step::Gate(gate)) = rollout.current().filter(|_| opened) else {
        let text = format!("step {step} is not an open gate; step {} runs", rollout.step.index);
        return Err(Refusal::precondition("STEP_CHANGED", subject(rollout), text));
    };
    fits(gate, answer)?;
    let (answer, by, reason) = (answer.clone(), command.by.clone(), command.reason.clone());
    Ok(vec![ctx.event(RolloutEvent::Answered { answer, by, reason })])
}

fn fits(gate: &Gate, answer: &Answer) -> Result<(), Refusal> {
    let wrong = |text: &str| Err(Refusal::Invalid(vec![FieldViolation::new("answer", text)]));
    match (gate.kind, answer) {
        (_, Answer::Reject) | (GateKind::Approval, Answer::Approve) | (GateKind::Handoff, _) => Ok(()),
        (GateKind::Input, Answer::Value(_)) => Ok(()),
        (GateKind::Input, Answer::Approve) => wrong("APPROVE is given; the gate asks for a VALUE or REJECT"),
        (GateKind::Approval, Answer::Value(_)) => {
            wrong("VALUE is given; the gate asks for APPROVE or REJECT")
        }
    }
}
