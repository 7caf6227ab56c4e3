//! What comes after a success: the old fleet is kept, retired, removed; then contract migrations.

use std::time::Duration;

use jiff::Timestamp;

use super::{pending::RETIRING, steps::hook_timed_out};
use crate::{
    event::{AftercareEvent, Event},
    model::{Aftercare, HookRun, OnUnknown, Outcome, Policies, Reason, Stage, TargetState, after, since},
};

/// How long a router may take to close what is left and to say how much it was.
const COUNTING: Duration = Duration::from_secs(2);

pub(super) fn next(state: &TargetState, now: Timestamp) -> Vec<Event> {
    if state.trouble.is_some() || state.contested.is_some() {
        return Vec::new();
    }
    state
        .aftercare
        .iter()
        .map(|care| one(state, care, now))
        .find(|events| !events.is_empty())
        .unwrap_or_default()
}

fn one(state: &TargetState, care: &Aftercare, now: Timestamp) -> Vec<Event> {
    let Some(policies) = state.rollouts.get(&care.rollout).map(|it| it.policies()) else {
        return vec![event(care, AftercareEvent::Ended)];
    };
    match &care.stage {
        Stage::Kept { until } => kept(state, care, *until, policies, now),
        Stage::Draining { until } => draining(state, care, cut_by(*until, policies), now),
        Stage::Removing => removing(state, care, policies, now),
        Stage::Contract { index, run } => contract(care, *index, run, policies, now),
    }
}

const fn event(care: &Aftercare, what: AftercareEvent) -> Event {
    Event::Aftercare { rollout: care.rollout, what }
}

/// A new rollout ends the keeping: its candidate needs the room.
fn kept(
    state: &TargetState,
    care: &Aftercare,
    until: Timestamp,
    policies: &Policies,
    now: Timestamp,
) -> Vec<Event> {
    let hurried = state.active().is_some_and(|it| it.started_at.is_none() && it.reason.code == RETIRING);
    if now < until && !hurried {
        return Vec::new();
    }
    let Some(fleet) = care.fleet else { return gone(care, policies) };
    let until = after(now, policies.drain);
    vec![Event::FleetDraining { fleet, until }, event(care, AftercareEvent::Draining { until })]
}

fn draining(state: &TargetState, care: &Aftercare, until: Timestamp, now: Timestamp) -> Vec<Event> {
    let Some(fleet) = care.fleet else { return vec![event(care, AftercareEvent::Removing)] };
    let over = now >= until || drained(state, fleet);
    if over { vec![event(care, AftercareEvent::Removing), Event::FleetRemoved { fleet }] } else { Vec::new() }
}

/// When a drain is over at the latest: what is cut at its end has a moment to be counted.
pub(crate) fn cut_by(until: Timestamp, policies: &Policies) -> Timestamp {
    if policies.drain.is_zero() { until } else { after(until, COUNTING) }
}

/// Whether the last connection of a fleet has ended.
pub(super) fn drained(state: &TargetState, fleet: crate::model::FleetId) -> bool {
    (state.applied() && state.observed.drained.contains_key(&fleet)) || state.existing(fleet) == 0
}

fn removing(state: &TargetState, care: &Aftercare, policies: &Policies, now: Timestamp) -> Vec<Event> {
    let left = care.fleet.map_or(0, |fleet| state.existing(fleet));
    if left == 0 && state.applied() {
        return gone(care, policies);
    }
    if since(care.since, now) < policies.progress_deadline {
        return Vec::new();
    }
    let reason =
        Reason::new("RETIREMENT_FAILED", "instances of the old fleet do not go away").with("left", left);
    vec![Event::Troubled { reason, aftercare: Some(care.rollout) }]
}

fn gone(care: &Aftercare, policies: &Policies) -> Vec<Event> {
    contract_from(care, 0, policies)
}

fn contract_from(care: &Aftercare, index: usize, policies: &Policies) -> Vec<Event> {
    let what = match policies.contract.get(index) {
        Some(_) => AftercareEvent::ContractStarted { index, attempt: 1 },
        None => AftercareEvent::Ended,
    };
    vec![event(care, what)]
}

fn contract(
    care: &Aftercare,
    index: usize,
    run: &HookRun,
    policies: &Policies,
    now: Timestamp,
) -> Vec<Event> {
    let Some(hook) = policies.contract.get(index) else { return vec![event(care, AftercareEvent::Ended)] };
    let failed = |text: String| {
        let reason = Reason::new("CONTRACT_FAILED", text).with("hook", &hook.name);
        vec![Event::Troubled { reason, aftercare: Some(care.rollout) }]
    };
    match &run.outcome {
        None if hook_timed_out(run, hook.timeout, now) => {
            vec![event(care, AftercareEvent::ContractEnded { index, outcome: Outcome::TimedOut })]
        }
        None => Vec::new(),
        Some(Outcome::Done { .. }) => contract_from(care, index + 1, policies),
        Some(Outcome::Unknown { .. }) if hook.unknown() == OnUnknown::Retry => {
            vec![event(care, AftercareEvent::ContractStarted { index, attempt: run.attempt + 1 })]
        }
        Some(Outcome::Unknown { error }) => {
            failed(format!("nobody knows whether the migration ran: {error}"))
        }
        Some(Outcome::Failed { error }) => failed(format!("the migration failed: {error}")),
        Some(Outcome::TimedOut) => failed("the migration ran into its timeout".into()),
    }
}
