//! Observations: instances, readiness, crashes, the split as read back.

use jiff::Timestamp;

use crate::{
    event::Observation,
    model::{Clock, Evidence, Instance, Problem, Rollout, Step, TargetState},
};

/// Crash times that are kept, one for each that makes a loop.
pub(crate) const CRASHES: usize = 3;
const EVIDENCE: usize = 10;

pub(super) fn apply(state: &mut TargetState, seen: &Observation, at: Timestamp) {
    state.observed.any = true;
    state.observed.generation = state.observed.generation.max(seen.generation);
    for id in &seen.gone {
        state.observed.instances.remove(id);
    }
    for instance in &seen.changed {
        changed(state, instance, at);
    }
    if let Some(split) = &seen.split {
        state.observed.split = Some(split.clone());
    }
    if let Some(drained) = &seen.drained {
        state.observed.drained.clone_from(drained);
    }
    if let Some(reason) = &seen.taken_over {
        state.observed.taken_over = Some(reason.clone()).filter(|it| !it.is_empty());
    }
    if let Some(problems) = &seen.problems {
        state.observed.problems.clone_from(problems);
    }
    settle(state);
    readiness(state, at);
    blocked(state, at);
}

/// Notes since when something that lasts keeps the candidate from running.
fn blocked(state: &mut TargetState, at: Timestamp) {
    let lasts = state.candidate().and_then(|fleet| state.problem(fleet)).is_some_and(Problem::lasts);
    if let Some(rollout) = begun(state) {
        rollout.blocked_since = if lasts { rollout.blocked_since.or(Some(at)) } else { None };
    }
}

fn changed(state: &mut TargetState, instance: &Instance, at: Timestamp) {
    let before = state.observed.instances.get(&instance.id);
    let restarts = instance.restarts.saturating_sub(before.map_or(0, |it| it.restarts));
    let new_exit = instance.last_exit.is_some() && restarts > 0;
    let candidate = state.candidate();
    if let Some(rollout) = begun(state) {
        if candidate == Some(instance.fleet) {
            crashed(rollout, restarts, at);
            if new_exit && rollout.evidence.len() < EVIDENCE {
                rollout.evidence.extend(evidence(instance, at));
            }
        }
        newly_ready(rollout, instance, at);
    }
    let mut kept = instance.clone();
    if let Some(exit) = &mut kept.last_exit {
        exit.log_tail.clear();
    }
    state.observed.instances.insert(kept.id, kept);
}

fn evidence(instance: &Instance, at: Timestamp) -> Option<Evidence> {
    let mut exit = instance.last_exit.clone()?;
    let surplus = exit.log_tail.len().saturating_sub(200);
    exit.log_tail.drain(..surplus);
    Some(Evidence { instance: instance.id, at, exit })
}

fn crashed(rollout: &mut Rollout, restarts: u32, at: Timestamp) {
    for _ in 0..restarts.min(CRASHES as u32) {
        rollout.crashes.push(at);
    }
    let surplus = rollout.crashes.len().saturating_sub(CRASHES);
    rollout.crashes.drain(..surplus);
}

/// Each newly ready instance starts the progress deadline afresh; one that flaps does not.
fn newly_ready(rollout: &mut Rollout, instance: &Instance, at: Timestamp) {
    if instance.ready && rollout.ever_ready.insert(instance.id) && rollout.step.progress.since.is_some() {
        rollout.step.progress = Clock::started(at);
    }
}

/// n counts in all bounds once its instances are ready.
fn settle(state: &mut TargetState) {
    let n = state.instances();
    let wanted: u32 = state.fleets.keys().map(|id| state.wanted(*id)).sum();
    if state.settled < n && wanted >= n && state.fleets.keys().all(|id| state.ready(*id) >= state.wanted(*id))
    {
        state.settled = n;
    }
}

/// Notes since when the candidate's readiness has been below the share that was asked for.
pub(super) fn readiness(state: &mut TargetState, at: Timestamp) {
    let short = |share| state.candidate().is_some_and(|fleet| !state.can_carry(fleet, share));
    let short = state.begun().and_then(|it| it.route.percent).is_some_and(short);
    if let Some(rollout) = begun(state) {
        let swapping = matches!(rollout.current(), Some(Step::Replace(_)));
        let asked = rollout.segment > 0 && !rollout.undoing() && !swapping;
        let below = asked && short;
        rollout.below_since = if below { rollout.below_since.or(Some(at)) } else { None };
    }
}

fn begun(state: &mut TargetState) -> Option<&mut Rollout> {
    let id = state.begun()?.id();
    state.rollouts.get_mut(&id)
}
