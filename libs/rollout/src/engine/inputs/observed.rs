//! Observations: only what differs from what was last seen is an event.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    engine::Ctx,
    event::{Event, Observation, RolloutEvent},
    model::{FleetId, Instance, Observed, Reason, TargetState, since},
};

/// Corrected again within this time, a change is contested.
const CONTEST: Duration = Duration::from_secs(300);

pub(super) fn observed(state: &TargetState, seen: &Observed, now: Timestamp) -> Vec<Event> {
    let before = &state.observed;
    if before.any && seen.generation < before.generation {
        return Vec::new();
    }
    let Some(observation) = difference(state, seen) else { return Vec::new() };
    let mut events = vec![Event::Observed(observation)];
    if let Some(reason) =
        seen.taken_over.as_ref().filter(|_| before.taken_over.is_none() && state.taken_over.is_none())
    {
        events.extend(taken_over(state, reason, now));
    } else if let Some(reason) = drift(state, seen) {
        events.extend(drifted(state, reason, now));
    }
    events
}

fn difference(state: &TargetState, seen: &Observed) -> Option<Observation> {
    let before = &state.observed;
    let bare = |it: &Instance| {
        let mut bare = it.clone();
        bare.last_exit.iter_mut().for_each(|exit| exit.log_tail.clear());
        bare
    };
    let is_new = |it: &&Instance| before.instances.get(&it.id) != Some(&bare(it));
    let gone = |id: &&_| !seen.instances.iter().any(|it| it.id == **id);
    let observation = Observation {
        generation: seen.generation,
        changed: seen.instances.iter().filter(is_new).cloned().collect(),
        gone: before.instances.keys().filter(gone).copied().collect(),
        split: seen.split.clone().filter(|it| before.split.as_ref() != Some(it)),
        drained: (seen.drained != before.drained).then(|| seen.drained.clone()),
        taken_over: (seen.taken_over != before.taken_over)
            .then(|| seen.taken_over.clone().unwrap_or_default()),
        problems: (seen.problems != before.problems).then(|| seen.problems.clone()),
    };
    let applied = seen.generation >= state.desired_since && !state.applied();
    let nothing = Observation { generation: seen.generation, ..Observation::default() };
    (applied || !before.any || observation != nothing).then_some(observation)
}

fn taken_over(state: &TargetState, why: &str, now: Timestamp) -> Vec<Event> {
    let reason = Reason::new("TAKEN_OVER", format!("taken over on the platform: {why}"));
    let interrupted = state.begun().map(|rollout| {
        let what = RolloutEvent::Interrupted { reason: reason.clone(), taken_over: true };
        Ctx { state, rollout, now }.event(what)
    });
    std::iter::once(Event::TakenOver { reason }).chain(interrupted).collect()
}

/// What had been confirmed and is no longer so: somebody else changed it.
fn drift(state: &TargetState, seen: &Observed) -> Option<Reason> {
    if state.hands_off() || !state.route_confirmed() {
        return None;
    }
    if let Some(split) = seen.split.as_ref().filter(|it| **it != state.split) {
        let text = "the route is not the one that was confirmed";
        return Some(
            Reason::new("DRIFT_ROUTE", text).with("seen", shares(split)).with("wanted", shares(&state.split)),
        );
    }
    let surplus = |fleet: &&FleetId| {
        // one that ended and the one in its place may be seen together for a moment
        let wanted = state.wanted(**fleet);
        seen.ready(**fleet) > wanted && state.existing(**fleet) <= wanted
    };
    let fleet = state.fleets.keys().find(surplus)?;
    let text = "there are more instances than wanted";
    Some(Reason::new("DRIFT_INSTANCES", text).with("fleet", fleet).with("wanted", state.wanted(*fleet)))
}

fn shares(split: &crate::model::Split) -> String {
    let all: Vec<_> = split.shares.iter().map(|(fleet, share)| format!("{fleet}={share}")).collect();
    if all.is_empty() { "none".into() } else { all.join(" ") }
}

/// Corrected once; changed again within 5 minutes, a person is asked.
fn drifted(state: &TargetState, reason: Reason, now: Timestamp) -> Vec<Event> {
    if state.drift_at.is_none_or(|at| since(at, now) >= CONTEST) {
        return vec![Event::DriftCorrected { reason }];
    }
    let contested = Reason {
        text: format!("{}, although it was corrected within the last 5 minutes", reason.text),
        code: "DRIFT_CONTESTED".into(),
        ..reason.with("drift", "again")
    };
    let interrupted = state.begun().map(|rollout| {
        let what = RolloutEvent::Interrupted { reason: contested.clone(), taken_over: false };
        Ctx { state, rollout, now }.event(what)
    });
    let event = Event::DriftContested { reason: contested.clone() };
    std::iter::once(event).chain(interrupted).collect()
}
