//! When time alone changes something.

use jiff::Timestamp;

use crate::engine::{aftercare::cut_by, guards::ALONE};
use crate::model::{Aftercare, Bake, HoldKind, Policies, Rollout, Stage, State, Step, TargetState, after};

/// The next moment at which [`crate::decide`] with [`crate::Input::Tick`] may have something to say; none: only an
/// input can change anything. Always later than `now`: what is due at `now` was decided by the last call.
/// Nothing is persisted for timers: a restarted shell replays, ticks once, and asks again.
pub fn wake_at(state: &TargetState, now: Timestamp) -> Option<Timestamp> {
    if state.taken_over.is_some() {
        return None;
    }
    let rollout = state.active().map(rollout).unwrap_or_default();
    let aftercare = state.aftercare.iter().flat_map(|care| aftercare(state, care));
    rollout.into_iter().chain(aftercare).filter(|at| *at > now).min()
}

fn rollout(it: &Rollout) -> Vec<Timestamp> {
    match it.state {
        State::Running => running(it),
        State::RollingBack => step(it),
        State::Recovering => vec![after(it.since, it.policies().recovery.max)],
        State::NeedsOperator { .. } => readiness(it),
        State::Pending | State::Succeeded | State::RolledBack | State::Superseded | State::Cancelled => {
            Vec::new()
        }
    }
}

fn running(it: &Rollout) -> Vec<Timestamp> {
    let limit = |kind| match kind {
        HoldKind::NoData => Some(it.policies().failure.max_hold),
        HoldKind::MonitorLost | HoldKind::Error => Some(ALONE),
        HoldKind::CommonMode | HoldKind::Undecided => None,
    };
    let held = it.hold.as_ref().and_then(|hold| Some(after(hold.since, limit(hold.kind)?)));
    step(it).into_iter().chain(readiness(it)).chain(held).collect()
}

fn readiness(it: &Rollout) -> Vec<Timestamp> {
    let limits = [it.policies().readiness_grace, it.policies().progress_deadline];
    let below = it.below_since.map(|begin| limits.map(|limit| after(begin, limit)).to_vec());
    let blocked = it.blocked_since.map(|begin| after(begin, it.policies().readiness_grace));
    below.unwrap_or_default().into_iter().chain(blocked).collect()
}

fn step(it: &Rollout) -> Vec<Timestamp> {
    let Some(current) = it.current().filter(|_| !it.step.finished) else { return Vec::new() };
    let hook = it.step.hook.as_ref().filter(|run| run.outcome.is_none());
    let call = hook_timeout(it, current);
    let called = hook.and_then(|run| Some(after(run.since, call?)));
    let progress = || it.step.progress.reaches(it.policies().progress_deadline).into_iter().collect();
    let by_kind = match current {
        Step::Bake(bake) => bakes(it, *bake),
        Step::Wait(wait) => vec![after(it.step.since, wait.duration)],
        Step::Drain => drains(after(it.step.since, it.policies().drain), it.policies()),
        Step::Scale(_)
        | Step::Route(_)
        | Step::Replace(_)
        | Step::RestoreCapacity
        | Step::RouteBack(_)
        | Step::VerifyRoute
        | Step::Remove => progress(),
        Step::Prepare(_) | Step::Gate(_) | Step::Hook(_) | Step::Promote | Step::UndoHook { .. } => {
            Vec::new()
        }
    };
    by_kind.into_iter().chain(called).collect()
}

/// Open connections are closed, then counted.
fn drains(until: Timestamp, policies: &Policies) -> Vec<Timestamp> {
    vec![until, cut_by(until, policies)]
}

fn hook_timeout(it: &Rollout, step: &Step) -> Option<std::time::Duration> {
    let undone = if let Step::UndoHook { step } = step { it.steps.get(*step) } else { None };
    let hook = undone.unwrap_or(step).hook();
    hook.map(|hook| hook.timeout)
}

fn bakes(it: &Rollout, bake: Bake) -> Vec<Timestamp> {
    if !bake.checks {
        return vec![after(it.step.since, bake.min)];
    }
    [it.step.observed.reaches(bake.min), it.step.unpaused.reaches(bake.max)].into_iter().flatten().collect()
}

fn aftercare(state: &TargetState, care: &Aftercare) -> Vec<Timestamp> {
    let Some(policies) = state.rollouts.get(&care.rollout).map(|it| it.policies()) else { return Vec::new() };
    match &care.stage {
        Stage::Kept { until } => vec![*until],
        Stage::Draining { until } => drains(*until, policies),
        Stage::Removing => vec![after(care.since, policies.progress_deadline)],
        Stage::Contract { index, run } => {
            let hook = policies.contract.get(*index).filter(|_| run.outcome.is_none());
            hook.map(|hook| after(run.since, hook.timeout)).into_iter().collect()
        }
    }
}
