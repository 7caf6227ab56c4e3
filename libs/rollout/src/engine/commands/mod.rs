//! Commands: one file each. Refused with everything that stands against it, or accepted as events.

mod abort;
mod advance;
mod apply;
mod gate;
mod hand_back;
mod interruption;
mod pause;
mod permit;
mod rollback;
mod start;

use jiff::Timestamp;

use super::Ctx;
use crate::{
    event::Event,
    input::{Action, Command},
    model::{Rollout, RolloutId, TargetState},
    refusal::{Refusal, Violation},
};

pub(super) type Decided = Result<Vec<Event>, Refusal>;

pub(super) fn decide(state: &TargetState, command: &Command, now: Timestamp) -> Decided {
    match &command.action {
        Action::Apply(spec) => apply::apply(state, command, spec),
        Action::Delete => apply::delete(state, command),
        Action::Start(request) => start::start(state, command, request, now),
        Action::RenewPermit { rollout, until } => permit::renew(&ctx(state, *rollout, now)?, *until),
        Action::Pause { rollout, owner, after_step } => {
            pause::pause(&ctx(state, *rollout, now)?, command, owner, *after_step)
        }
        Action::Resume { rollout, owner } => pause::resume(&ctx(state, *rollout, now)?, command, owner),
        Action::Advance { rollout, step, all } => {
            advance::advance(&ctx(state, *rollout, now)?, command, *step, *all)
        }
        Action::Abort { rollout } => abort::abort(&ctx(state, *rollout, now)?, command),
        Action::Rollback { rollout, new } => rollback::rollback(&ctx(state, *rollout, now)?, command, *new),
        Action::ResolveGate { rollout, step, answer } => {
            gate::resolve(&ctx(state, *rollout, now)?, command, *step, answer)
        }
        Action::ResolveInterruption { rollout: Some(rollout), choice } => {
            interruption::rollout(&ctx(state, *rollout, now)?, command, *choice)
        }
        Action::ResolveInterruption { rollout: None, choice } => {
            interruption::target(state, command, *choice, now)
        }
        Action::HandBack => hand_back::hand_back(state, command, now),
    }
}

/// Whether the command would be accepted now, and change something.
pub fn accepts(state: &TargetState, command: &Command, now: Timestamp) -> bool {
    decide(state, command, now).is_ok_and(|events| !events.is_empty())
}

fn ctx(state: &TargetState, id: RolloutId, now: Timestamp) -> Result<Ctx<'_>, Refusal> {
    let rollout =
        state.rollouts.get(&id).ok_or_else(|| Refusal::NotFound { what: format!("rollouts/{id}") })?;
    Ok(Ctx { state, rollout, now })
}

fn subject(rollout: &Rollout) -> String {
    format!("rollouts/{}", rollout.id())
}

/// The state does not allow it.
fn wrong_state(rollout: &Rollout, allowed: &str) -> Refusal {
    let text = format!("the rollout is {} ({}); {allowed}", rollout.state.name(), rollout.reason.code);
    Refusal::precondition("STATE", subject(rollout), text)
}

/// Nothing that has ended is changed; after an accepted abort or rollback few commands are left.
fn open_forward(rollout: &Rollout) -> Result<(), Refusal> {
    if rollout.ended() {
        return Err(wrong_state(rollout, "it is over"));
    }
    if rollout.undoing() {
        return Err(wrong_state(
            rollout,
            "it is being undone: only ResolveInterruption, HandBack and pause are left",
        ));
    }
    Ok(())
}

fn check(violations: Vec<Violation>) -> Result<(), Refusal> {
    if violations.is_empty() { Ok(()) } else { Err(Refusal::Precondition(violations)) }
}
