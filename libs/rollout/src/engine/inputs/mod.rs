//! Inputs that are no commands: they never fail, at worst they change nothing.

mod hook;
mod incident;
pub(super) mod monitor;
mod observed;
mod recovery;
mod validation;
mod verdict;

use jiff::Timestamp;

use super::Ctx;
use crate::{
    event::{Event, RolloutEvent},
    input::Input,
    model::{Origin, Rollout, RolloutId, State, TargetState},
};

pub(super) fn decide(state: &TargetState, input: Input, now: Timestamp) -> Vec<Event> {
    match input {
        Input::Verdict(verdict) => verdict::verdict(state, &verdict, now),
        Input::MonitorUp { rollout, since } => monitor::up(state, rollout, since, now),
        Input::MonitorLost { rollout, last_heard } => monitor::lost(state, rollout, last_heard, now),
        Input::CommonMode { rollout, reason } => incident::common_mode(state, rollout, reason, now),
        Input::Incident(incident) => incident::raised(state, *incident),
        Input::Recovery(verdict) => recovery::verdict(state, &verdict, now),
        Input::Observed(observed) => observed::observed(state, &observed, now),
        Input::RouteRefused { generation, error } => refused(state, generation, error, now),
        Input::HookOutcome { hook, attempt, outcome } => hook::hook(state, hook, attempt, outcome, now),
        Input::HandoffOutcome { rollout, step, outcome } => hook::handoff(state, rollout, step, outcome, now),
        Input::Validation { rollout, occasion, item, status, value, baseline } => {
            let found = validation::Found { item, status, value, baseline };
            validation::validation(state, rollout, occasion, found, now)
        }
        Input::Command(_) | Input::Tick => Vec::new(),
    }
}

/// The rollout, while it is the one that has begun.
fn begun(state: &TargetState, id: RolloutId, now: Timestamp) -> Option<Ctx<'_>> {
    let rollout = state.begun().filter(|it| it.id() == id)?;
    Some(Ctx { state, rollout, now })
}

/// The same, while verdicts can change something.
fn judged(state: &TargetState, id: RolloutId, now: Timestamp) -> Option<Ctx<'_>> {
    let forward = |it: &Ctx| {
        matches!(it.rollout.state, State::Running | State::NeedsOperator { from: Origin::Running, .. })
    };
    begun(state, id, now).filter(forward)
}

fn refused(state: &TargetState, generation: u64, error: String, now: Timestamp) -> Vec<Event> {
    let current = generation >= state.desired_since && !state.route_confirmed();
    let counts = |it: &&Rollout| {
        let moving = matches!(it.state, State::Running | State::RollingBack);
        moving && it.step.issued && !it.step.finished && it.step.refused < it.policies().route_attempts
    };
    let Some(rollout) = state.begun().filter(counts).filter(|_| current) else { return Vec::new() };
    vec![Ctx { state, rollout, now }.event(RolloutEvent::RouteRefused { error })]
}
