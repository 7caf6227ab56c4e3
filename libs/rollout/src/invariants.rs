//! What must never happen: the same predicates in property tests, in simulation and in production.
//!
//! `fenced` is the journal's and the platforms' (they refuse an older epoch); `once` is a property of
//! [`crate::decide`] that only a replayed input shows. All others are here. They are cheap: a handful of map
//! look-ups per event.

use jiff::Timestamp;

use crate::{
    event::{Event, RolloutEvent},
    model::{Bake, FleetId, Percent, Rollout, State, Step, StepEnd, StepKind, Strategy, TargetState},
};

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name.
    pub name: &'static str,
    /// What is wrong.
    pub text: String,
}

/// All invariants of one event that leads from `before` to `after`.
pub fn event(before: &TargetState, event: &Event, after: &TargetState, at: Timestamp) -> Vec<Violation> {
    let found = [
        capacity_before_traffic(before, after),
        no_advance_without_pass(before, event),
        permitted(before, event, at),
        never_removed_under_traffic(before, event),
        terminal_is_absorbing(before, event),
    ];
    found.into_iter().flatten().collect()
}

/// All invariants of a state that [`crate::decide`] has left.
pub fn state(state: &TargetState) -> Vec<Violation> {
    let mut found: Vec<_> =
        [stable_is_safe(state), one_candidate(state), bounded(state)].into_iter().flatten().collect();
    found.extend(state.rollouts.values().filter_map(explained));
    found.extend(state.rollouts.values().filter_map(undo_in_order));
    found
}

fn broken(name: &'static str, text: String) -> Option<Violation> {
    Some(Violation { name, text })
}

/// A Route never raises a fleet's share above ready(fleet)/n. Where instances are swapped in place, those that
/// may be missing count as there; where nobody else has a ready instance, one that has takes everything; a stable
/// that was allowed to be unhealthy carries what it carried.
pub fn capacity_before_traffic(before: &TargetState, after: &TargetState) -> Option<Violation> {
    let name = "capacity_before_traffic";
    let raised = |(fleet, share): (&FleetId, _)| {
        let lone =
            after.ready(*fleet) > 0 && after.fleets.keys().all(|it| it == fleet || after.ready(*it) == 0);
        let spared = spare(after, *fleet);
        let needed = Percent::of(share, after.settled.max(1));
        let fits = needed <= after.ready(*fleet) + spared || lone;
        (share > before.split.share(*fleet) && !fits)
            .then(|| format!("{fleet} gets {share} with {} of {} ready", after.ready(*fleet), after.settled))
    };
    let text = after.split.shares.iter().map(|(fleet, share)| (fleet, *share)).find_map(raised)?;
    broken(name, text)
}

/// Instances of a fleet that may be missing.
fn spare(state: &TargetState, fleet: FleetId) -> u32 {
    let Some(rollout) = state.begun() else { return 0 };
    let n = state.instances();
    let unavailable = replace(rollout).map_or(0, |it| it.max_unavailable.count(n, Default::default()));
    let floor = rollout.stable_floor.filter(|_| rollout.stable_before == Some(fleet));
    // a person has gone on without the capacity
    let overridden = rollout.undoing()
        && rollout
            .history
            .iter()
            .any(|it| it.kind == StepKind::RestoreCapacity && matches!(it.end, StepEnd::Overridden { .. }));
    let allowed = floor.map_or(0, |floor| state.settled.saturating_sub(floor));
    if overridden { state.settled } else { unavailable.max(allowed) }
}

fn replace(rollout: &Rollout) -> Option<crate::model::Replace> {
    rollout.steps.iter().find_map(|step| if let Step::Replace(it) = step { Some(*it) } else { None })
}

/// Until Promote, stable keeps the capacity for 100 %, or regains it before traffic comes back. A stable that was
/// allowed to be unhealthy has none to keep.
pub fn stable_is_safe(state: &TargetState) -> Option<Violation> {
    let rollout = state.begun().filter(|it| !it.promoted && it.is_running() && it.stable_floor.is_none())?;
    let stable = rollout.stable_before?;
    let wanted = state.wanted(stable);
    let least = match replace(rollout) {
        Some(it) => {
            let unavailable = it.max_unavailable.count(state.instances(), Default::default());
            let others = state.wanted(rollout.fleet);
            state.settled.saturating_sub(unavailable).saturating_sub(others)
        }
        None if state.split.shares.is_empty()
            || matches!(rollout.request.strategy, Strategy::Recreate(_)) =>
        {
            0
        }
        None => state.instances(),
    };
    let text = || format!("stable has {wanted} instances, {least} are needed");
    broken("stable_is_safe", (wanted < least).then(text)?)
}

/// A Bake ends only on PASS, or on a recorded override or policy choice.
pub fn no_advance_without_pass(before: &TargetState, event: &Event) -> Option<Violation> {
    let Event::Rollout { id, what: RolloutEvent::StepEnded { end } } = event else { return None };
    let rollout = before.rollouts.get(id)?;
    let Some(Step::Bake(Bake { checks: true, .. })) = rollout.current() else { return None };
    let right = match end {
        StepEnd::Passed => rollout.passed == Some(rollout.segment),
        StepEnd::Overridden { .. } | StepEnd::ByPolicy { .. } | StepEnd::Left { .. } => true,
        StepEnd::Done => false,
    };
    if right {
        None
    } else {
        broken("no_advance_without_pass", format!("the Bake of {id} ended with {end:?}"))
    }
}

/// No forward step starts after the end of the permit.
pub fn permitted(before: &TargetState, event: &Event, at: Timestamp) -> Option<Violation> {
    let Event::Rollout { id, what: RolloutEvent::StepStarted { index, attempt: 1 } } = event else {
        return None;
    };
    let rollout = before.rollouts.get(id).filter(|it| it.is_running())?;
    let over = rollout.permit_until.is_some_and(|until| at >= until);
    if over { broken("permitted", format!("step {index} of {id} started after the permit")) } else { None }
}

/// What still gets traffic is never removed.
pub fn never_removed_under_traffic(before: &TargetState, event: &Event) -> Option<Violation> {
    let Event::FleetRemoved { fleet } = event else { return None };
    let reached = before.split.reaches(*fleet);
    if reached { broken("undo_in_order", format!("{fleet} was removed under traffic")) } else { None }
}

/// SUCCEEDED, ROLLED_BACK, SUPERSEDED, CANCELLED are final.
pub fn terminal_is_absorbing(before: &TargetState, event: &Event) -> Option<Violation> {
    let Event::Rollout { id, .. } = event else { return None };
    let ended = before.rollouts.get(id).filter(|it| it.ended())?;
    broken("terminal_is_absorbing", format!("{id} is {} and changed", ended.state.name()))
}

/// stable's capacity → route → verify the route → drain → remove → on_undo in reverse order, one after the other.
pub fn undo_in_order(rollout: &Rollout) -> Option<Violation> {
    let undo: Vec<_> = rollout.undo.iter().map(Step::kind).collect();
    let first = |kind| undo.iter().position(|it| *it == kind);
    let before = |a, b| first(a).zip(first(b)).is_none_or(|(a, b)| a < b);
    let last_away = undo.iter().rposition(|it| *it == StepKind::Remove).unwrap_or(0);
    let planned = before(StepKind::RouteBack, StepKind::VerifyRoute)
        && before(StepKind::VerifyRoute, StepKind::Drain)
        && before(StepKind::Drain, StepKind::Remove)
        && first(StepKind::UndoHook).is_none_or(|it| it > last_away)
        && hooks_in_reverse(rollout);
    let done: Vec<_> = rollout.history.iter().filter(|it| it.undo).map(|it| it.index).collect();
    let run = rollout.undo.is_empty()
        || done.windows(2).all(|pair| matches!(pair, [a, b] if *b == a + 1 || *b == 0));
    if planned && run { None } else { broken("undo_in_order", format!("{undo:?}, run {done:?}")) }
}

fn hooks_in_reverse(rollout: &Rollout) -> bool {
    let steps: Vec<_> = rollout
        .undo
        .iter()
        .filter_map(|step| if let Step::UndoHook { step } = step { Some(*step) } else { None })
        .collect();
    steps.is_sorted_by(|a, b| a > b)
}

/// At most one fleet besides stable gets traffic.
pub fn one_candidate(state: &TargetState) -> Option<Violation> {
    let stable = state.begun().map_or(state.stable, |it| it.stable_before);
    let others: Vec<_> =
        state.fleets.keys().filter(|it| Some(**it) != stable && state.split.reaches(**it)).collect();
    if others.len() <= 1 { None } else { broken("one_candidate", format!("{others:?} get traffic")) }
}

/// Wanted instances never exceed 2n; in place: n + surge; what cannot run twice: n. While a person has taken over
/// nothing that is wanted is converged, so n may have changed under it.
pub fn bounded(state: &TargetState) -> Option<Violation> {
    if state.hands_off() {
        return None;
    }
    let n = state.instances();
    let total: u32 = state.fleets.keys().map(|id| state.wanted(*id)).sum();
    let limit = match state.begun() {
        Some(it) if matches!(it.request.strategy, Strategy::Recreate(_)) && it.stable_before.is_some() => n,
        Some(it) => replace(it).map_or(2 * n, |step| n + step.max_surge.count(n, Default::default()).max(1)),
        None => 2 * n,
    };
    if total <= limit {
        None
    } else {
        broken("bounded", format!("{total} instances are wanted, at most {limit} may be"))
    }
}

/// Every state has a reason code and a text.
pub fn explained(rollout: &Rollout) -> Option<Violation> {
    let named = !rollout.reason.code.is_empty() && !rollout.reason.text.is_empty();
    let waits = rollout.state != State::Pending || rollout.started_at.is_none();
    if named && waits { None } else { broken("explained", format!("{} has no reason", rollout.id())) }
}
