//! The engine: from inputs to events.

pub(crate) mod aftercare;
mod commands;
mod ctx;
mod draft;
mod failure;
mod finish;
mod guards;
mod inputs;
mod pending;
mod recovery;
mod route;
mod running;
mod share;
pub(crate) mod steps;
mod swap;
mod undo;

use jiff::Timestamp;

pub(crate) use ctx::Ctx;
pub use running::blocked;

use crate::{
    event::Event,
    input::Input,
    model::{State, TargetState},
    refusal::Refusal,
};
use draft::Draft;

/// What happens because of `input` at `now`, and everything that follows from it at the same moment.
///
/// The shell calls it with every input, with [`Input::Tick`] when [`crate::wake_at`] has come, and once after
/// replaying a stream. Several steps may follow each other in one call. Replaying an input yields no second
/// event.
///
/// # Errors
/// [`Refusal`] for commands only; then nothing changes.
pub fn decide(state: &TargetState, input: Input, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let first = match input {
        Input::Command(command) => commands::decide(state, &command, now)?,
        other => inputs::decide(state, other, now),
    };
    let mut draft = Draft::new(state, now);
    draft.extend(first);
    draft.follow(next);
    Ok(draft.into_events())
}

/// What follows from the state alone; nothing when it waits for an input or for time.
fn next(state: &TargetState, now: Timestamp) -> Vec<Event> {
    if state.taken_over.is_some() {
        return Vec::new();
    }
    let rollout = rollout(state, now);
    if rollout.is_empty() { aftercare::next(state, now) } else { rollout }
}

fn rollout(state: &TargetState, now: Timestamp) -> Vec<Event> {
    let Some(rollout) = state.active() else { return Vec::new() };
    let ctx = Ctx { state, rollout, now };
    let capped = swap::capped(&ctx);
    if !capped.is_empty() {
        return capped;
    }
    match rollout.state {
        State::Pending => pending::next(&ctx),
        State::Running => running::next(&ctx),
        State::RollingBack => undo::next(&ctx),
        State::Recovering => recovery::next(&ctx),
        State::NeedsOperator { .. } => guards::interrupted(&ctx),
        State::Succeeded | State::RolledBack | State::Superseded | State::Cancelled => Vec::new(),
    }
}
