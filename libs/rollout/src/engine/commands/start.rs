//! StartRollout: accepted, queued, or in place of the one that runs.

use jiff::Timestamp;

use super::{Decided, check, subject};
use crate::{
    engine::{Ctx, pending::unhealthy, undo},
    event::{Event, RolloutEvent},
    input::Command,
    model::{
        FleetId, Kind, OnNewer, Origin, Reason, Rollout, StableUnhealthy, StartRequest, State, Strategy,
        TargetState,
    },
    recipe,
    refusal::{FieldViolation, Refusal, Violation},
};

pub(super) fn start(
    state: &TargetState,
    command: &Command,
    request: &StartRequest,
    now: Timestamp,
) -> Decided {
    if state.rollouts.contains_key(&request.rollout) {
        return Err(Refusal::Exists { what: format!("rollouts/{}", request.rollout) });
    }
    let Some(target) = &state.spec else { return Err(Refusal::NotFound { what: "target".into() }) };
    let invalid = invalid(request, target.instances);
    if !invalid.is_empty() {
        return Err(Refusal::Invalid(invalid));
    }
    let unhealthy = health(state, request);
    check(closed(state, &target.name).into_iter().chain(unhealthy).collect())?;
    accept(state, command, (request, Kind::Release, request.rollout.fleet()), now)
}

fn invalid(request: &StartRequest, n: u32) -> Vec<FieldViolation> {
    let mut all = recipe::validate(&request.strategy);
    let artifact = &request.fleet.artifact;
    if artifact.name.is_empty() && artifact.digest.is_empty() && request.fleet.command.is_empty() {
        all.push(FieldViolation::new("fleet.artifact", "is missing; allowed: an artifact or a command"));
    }
    if let Strategy::Rolling(it) = &request.strategy {
        let none = it.max_surge.count(n, Default::default()) == 0;
        if none && it.max_unavailable.count(n, Default::default()) == 0 {
            let text =
                format!("with {n} instances neither max_surge nor max_unavailable leaves room to swap one");
            all.push(FieldViolation::new("rolling.max_surge", text));
        }
    }
    all
}

/// What stands against any new rollout.
pub(super) fn closed(state: &TargetState, name: &str) -> Vec<Violation> {
    let mut all = Vec::new();
    if state.taken_over.is_some() {
        all.push(Violation::new(
            "TAKEN_OVER",
            name,
            "a person has taken the target over; hand it back first",
        ));
    }
    if state.contested.is_some() && state.begun().is_none() {
        all.push(Violation::new(
            "DRIFT_CONTESTED",
            name,
            "what a person changes on the platform is contested",
        ));
    }
    if let Some(trouble) = &state.trouble {
        all.push(Violation::new("TARGET_NEEDS_OPERATOR", name, trouble.reason.text.clone()));
    }
    if let Some(rollout) = state.active().filter(|it| matches!(it.state, State::NeedsOperator { .. })) {
        let text =
            format!("rollout {} needs an operator ({}); resolve it first", rollout.id(), rollout.reason.code);
        all.push(Violation::new("STATE", subject(rollout), text));
    }
    all
}

/// Only what can start now is refused; what has to wait anyway is looked at when its turn comes.
fn health(state: &TargetState, request: &StartRequest) -> Option<Violation> {
    let refuses = request.policies.stable_unhealthy == StableUnhealthy::Refuse && state.queue.is_empty();
    let same = |stable: &FleetId| {
        state.fleets.get(stable).is_some_and(|it| it.spec.identity() == request.fleet.identity())
    };
    let stable = unhealthy(state).filter(|stable| refuses && !same(stable))?;
    let text = format!(
        "{} of {} instances of stable are ready; set stable_unhealthy to ALLOW to release a fix",
        state.ready(stable),
        state.settled
    );
    Some(Violation::new("STABLE_UNHEALTHY", format!("fleets/{stable}"), text))
}

/// Accepts a rollout and settles what happens to those before it.
pub(super) fn accept(
    state: &TargetState,
    command: &Command,
    (request, kind, fleet): (&StartRequest, Kind, FleetId),
    now: Timestamp,
) -> Decided {
    let waits = if state.queue.is_empty() {
        Reason::new("ACCEPTED", "it starts now")
    } else {
        Reason::new("QUEUED", "another rollout has to end first")
    };
    let accepted = RolloutEvent::Accepted {
        request: Box::new(request.clone()),
        number: state.numbered + 1,
        kind,
        fleet,
        reason: waits,
        by: command.by.clone(),
    };
    let mut events = vec![Event::of(request.rollout, accepted)];
    for rollout in state.queue.iter().filter_map(|id| state.rollouts.get(id)) {
        events.extend(displaced(&Ctx { state, rollout, now }, request));
    }
    Ok(events)
}

/// What a newer release does to this rollout.
fn displaced(ctx: &Ctx, newer: &StartRequest) -> Vec<Event> {
    let same = |stable: FleetId| {
        ctx.state.fleets.get(&stable).is_some_and(|it| it.spec.identity() == newer.fleet.identity())
    };
    let back_to_stable = ctx.state.stable.is_some_and(same);
    if ctx.policies().newer == OnNewer::Queue && !back_to_stable {
        return Vec::new();
    }
    let reason = Reason::new("SUPERSEDED", "a newer release came").with("by", newer.rollout);
    match ctx.rollout.state {
        State::Pending => vec![ended(ctx.rollout, State::Superseded, reason)],
        State::Running if ctx.rollout.kind == Kind::Release => undo::begin(ctx, reason, Some(newer.rollout)),
        State::Running
        | State::RollingBack
        | State::Recovering
        | State::NeedsOperator { from: Origin::Running | Origin::RollingBack | Origin::Recovering, .. }
        | State::Succeeded
        | State::RolledBack
        | State::Superseded
        | State::Cancelled => Vec::new(),
    }
}

fn ended(rollout: &Rollout, state: State, reason: Reason) -> Event {
    Event::of(rollout.id(), RolloutEvent::Ended { state, reason })
}
