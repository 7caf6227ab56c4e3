//! The engine: from inputs to events.

pub(crate) mod aftercare;
mod commands;
mod ctx;
mod draft;
mod failure;
mod finish;
pub(crate) mod guards;
mod inputs;
mod pending;
mod problem;
mod recovery;
mod route;
mod running;
mod share;
pub(crate) mod steps;
mod swap;
mod undo;
mod validation;

use jiff::Timestamp;

pub use commands::accepts;
pub(crate) use ctx::Ctx;
pub use running::blocked;

use crate::{
    event::Event,
    input::Input,
    model::{Rollout, State, TargetState},
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

/// The same for the first inputs of a process that found the rollout under observation: what happened after `last_heard`
/// was observed by nobody, and that is said together with whatever happens next. Nothing is said where nothing happens: a
/// process that ends right away leaves no trace.
///
/// # Errors
/// As [`decide`].
pub fn resume(
    state: &TargetState,
    last_heard: Timestamp,
    input: Input,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let Some(rollout) = state.begun().filter(|it| it.monitor.up).map(Rollout::id) else {
        return decide(state, input, now);
    };
    if let Input::MonitorLost { rollout, last_heard: heard } = input {
        return decide(state, Input::MonitorLost { rollout, last_heard: heard.min(last_heard) }, now);
    }
    let mut draft = Draft::new(state, now);
    draft.extend(inputs::monitor::lost(state, rollout, last_heard, now));
    let unsaid = draft.len();
    let first = match input {
        Input::Command(command) => commands::decide(draft.state(), &command, now)?,
        other => inputs::decide(draft.state(), other, now),
    };
    draft.extend(first);
    draft.follow(next);
    Ok(if draft.len() > unsaid { draft.into_events() } else { Vec::new() })
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
