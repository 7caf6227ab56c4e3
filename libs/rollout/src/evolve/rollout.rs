//! Events about a rollout: its way through the states.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Why, ensure, step, unknown};
use crate::{
    event::RolloutEvent,
    input::Choice,
    model::{
        Decision, FleetId, Kind, Monitor, Origin, Override, Past, PauseOwner, Percent, Principal, Reason,
        Rollout, RolloutId, Route, StartRequest, State, Step, StepEnd, StepRun, TargetState, ValidationItem,
    },
};

/// Ended rollouts that a target remembers beside those that have served; the shell keeps the rest.
const REMEMBERED: usize = 5;
/// Releases that have served and can be gone back to.
const PAST: usize = 20;

pub(super) fn apply(
    state: &mut TargetState,
    id: RolloutId,
    event: &RolloutEvent,
    at: Timestamp,
) -> Result<(), Why> {
    match event {
        RolloutEvent::Accepted { request, number, kind, fleet, reason, by } => {
            ensure(!state.rollouts.contains_key(&id), || format!("rollout {id} exists"))?;
            let rollout = accepted((request, *number, *kind, *fleet), reason, by, at);
            state.rollouts.insert(id, rollout);
            state.queue.push(id);
            state.numbered = *number;
            Ok(())
        }
        RolloutEvent::Ended { state: end, reason } => ended(state, id, *end, reason, at),
        RolloutEvent::Promoted { past } => promoted(state, id, past),
        RolloutEvent::PromoteReversed => reversed(state, id),
        RolloutEvent::Waiting { reason } => {
            let rollout = open(state, id)?;
            expect(rollout, rollout.state == State::Pending, "waits")?;
            rollout.reason = reason.clone();
            Ok(())
        }
        RolloutEvent::Started { steps, stable, stable_floor } => {
            started(state, id, (steps, *stable, *stable_floor), at)
        }
        RolloutEvent::Interrupted { reason, taken_over } => {
            interrupted(open(state, id)?, reason, *taken_over, at)
        }
        RolloutEvent::Resolved { choice, by, reason } => {
            resolved(open(state, id)?, *choice, (by, reason), at)
        }
        RolloutEvent::RollbackStarted { reason, undo, superseded_by } => {
            turned(open(state, id)?, reason, undo, *superseded_by, at)
        }
        RolloutEvent::RollbackResumed { reason } => {
            let rollout = open(state, id)?;
            expect(rollout, rollout.undoing(), "resumes undoing")?;
            enter(rollout, State::RollingBack, reason, at);
            Ok(())
        }
        RolloutEvent::RecoveryStarted { items } => recovering(open(state, id)?, items, at),
        RolloutEvent::StepEnded { .. } => {
            let cut = cut_by_drain(state);
            let rollout = open(state, id)?;
            if matches!(rollout.current(), Some(Step::Drain)) {
                // a drain that is repeated says the same again
                rollout.cut_by_drain = rollout.cut_by_drain.max(cut);
            }
            step::apply(rollout, event, at)
        }
        RolloutEvent::StepStarted { .. }
        | RolloutEvent::StepIssued
        | RolloutEvent::SegmentStarted { .. }
        | RolloutEvent::Paused(_)
        | RolloutEvent::Resumed { .. }
        | RolloutEvent::Advanced { .. }
        | RolloutEvent::PermitRenewed { .. }
        | RolloutEvent::Judged(_)
        | RolloutEvent::Monitored { .. }
        | RolloutEvent::Held(_)
        | RolloutEvent::HookStarted { .. }
        | RolloutEvent::HookEnded { .. }
        | RolloutEvent::Answered { .. }
        | RolloutEvent::RouteRefused { .. }
        | RolloutEvent::Validated(_) => step::apply(open(state, id)?, event, at),
    }
}

/// The rollout, unless it is over.
fn open(state: &mut TargetState, id: RolloutId) -> Result<&mut Rollout, Why> {
    let rollout = state.rollouts.get_mut(&id).ok_or_else(|| unknown(id))?;
    ensure(!rollout.ended(), || format!("rollout {id} is {}", rollout.state.name()))?;
    Ok(rollout)
}

/// Connections that the running drains had to close.
pub(super) fn cut_by_drain(state: &TargetState) -> u64 {
    let draining = state.drains.keys().filter_map(|fleet| state.observed.drained.get(fleet));
    draining.map(|it| it.cut_by_drain).sum()
}

pub(super) fn expect(rollout: &Rollout, holds: bool, what: &str) -> Result<(), Why> {
    ensure(holds, || format!("rollout {} {what} in {}", rollout.id(), rollout.state.name()))
}

fn enter(rollout: &mut Rollout, state: State, reason: &Reason, at: Timestamp) {
    rollout.state = state;
    rollout.reason = reason.clone();
    rollout.since = at;
}

fn accepted(
    (request, number, kind, fleet): (&StartRequest, u64, Kind, FleetId),
    reason: &Reason,
    by: &Principal,
    at: Timestamp,
) -> Rollout {
    Rollout {
        request: request.clone(),
        number,
        kind,
        fleet,
        state: State::Pending,
        reason: reason.clone(),
        since: at,
        steps: Vec::new(),
        undo: Vec::new(),
        step: StepRun::before(at),
        history: Vec::new(),
        pauses: Vec::new(),
        permit_until: request.permit_until,
        stable_before: None,
        stable_floor: None,
        promoted: false,
        route: Route::share(Percent::ZERO),
        replaced: Percent::ZERO,
        segment: 0,
        analysis: 1,
        verdict: None,
        passed: None,
        monitor: Monitor::default(),
        hold: None,
        ignoring: None,
        advancing: None,
        advance_once: false,
        hooks_done: Vec::new(),
        inputs: BTreeMap::new(),
        validation: Vec::new(),
        recoveries: 0,
        ever_ready: Default::default(),
        crashes: Vec::new(),
        below_since: None,
        blocked_since: None,
        evidence: Vec::new(),
        cut_by_drain: 0,
        superseded_by: None,
        by: by.clone(),
        accepted_at: at,
        started_at: None,
        undo_at: None,
        ended_at: None,
    }
}

type Beginning<'a> = (&'a [Step], Option<FleetId>, Option<u32>);

fn started(
    state: &mut TargetState,
    id: RolloutId,
    (steps, stable, floor): Beginning<'_>,
    at: Timestamp,
) -> Result<(), Why> {
    ensure(state.queue.first() == Some(&id), || format!("it is not the turn of rollout {id}"))?;
    let ready: Vec<_> = state.observed.instances.values().filter(|it| it.ready).map(|it| it.id).collect();
    let rollout = open(state, id)?;
    expect(rollout, rollout.state == State::Pending, "starts")?;
    let reason = Reason::new("STARTED", "the rollout has started");
    enter(rollout, State::Running, &reason, at);
    rollout.steps = steps.to_vec();
    rollout.stable_before = stable;
    rollout.stable_floor = floor;
    rollout.started_at = Some(at);
    rollout.step = StepRun::before(at);
    rollout.ever_ready.extend(ready);
    Ok(())
}

fn recovering(rollout: &mut Rollout, items: &[ValidationItem], at: Timestamp) -> Result<(), Why> {
    expect(rollout, rollout.undoing(), "recovers")?;
    let reason = rollout.reason.clone();
    enter(rollout, State::Recovering, &reason, at);
    rollout.validation = items.to_vec();
    rollout.recoveries += 1;
    Ok(())
}

fn interrupted(rollout: &mut Rollout, reason: &Reason, taken_over: bool, at: Timestamp) -> Result<(), Why> {
    let from = match rollout.state {
        State::Running => Origin::Running,
        State::RollingBack => Origin::RollingBack,
        State::Recovering => Origin::Recovering,
        State::NeedsOperator { from, .. } => from,
        State::Pending | State::Succeeded | State::RolledBack | State::Superseded | State::Cancelled => {
            return expect(rollout, false, "is interrupted");
        }
    };
    enter(rollout, State::NeedsOperator { from, taken_over }, reason, at);
    step::stand_still(rollout, at);
    Ok(())
}

fn resolved(
    rollout: &mut Rollout,
    choice: Choice,
    (by, reason): (&Principal, &str),
    at: Timestamp,
) -> Result<(), Why> {
    if choice == Choice::Ignore && failed(rollout) {
        rollout.ignoring = Some(Override { by: by.clone(), reason: reason.to_owned(), at });
    }
    if choice == Choice::Retry && failed(rollout) {
        rollout.analysis += 1;
        rollout.verdict = None;
        rollout.passed = None;
    }
    rollout.crashes.clear();
    rollout.hold = None;
    rollout.below_since = rollout.below_since.map(|_| at);
    rollout.blocked_since = rollout.blocked_since.map(|_| at);
    rollout.pauses.retain(|pause| pause.owner != PauseOwner::Policy);
    let back = match rollout.state {
        State::NeedsOperator { from: Origin::Running, .. } => State::Running,
        State::NeedsOperator { from: Origin::RollingBack, .. } => State::RollingBack,
        State::NeedsOperator { from: Origin::Recovering, .. } => State::Recovering,
        State::Running => State::Running,
        State::Pending
        | State::RollingBack
        | State::Recovering
        | State::Succeeded
        | State::RolledBack
        | State::Superseded
        | State::Cancelled => return expect(rollout, false, "is resolved"),
    };
    let why = Reason::new("RESOLVED", format!("{by} decided {choice:?}: {reason}"));
    enter(rollout, back, &why, at);
    step::go_on(rollout, at);
    Ok(())
}

fn failed(rollout: &Rollout) -> bool {
    rollout.verdict.as_ref().is_some_and(|it| it.decision == Decision::Fail)
}

fn turned(
    rollout: &mut Rollout,
    reason: &Reason,
    undo: &[Step],
    by: Option<RolloutId>,
    at: Timestamp,
) -> Result<(), Why> {
    let again = matches!(rollout.state, State::NeedsOperator { .. });
    expect(rollout, rollout.is_running() || again, "turns back")?;
    step::left(rollout, StepEnd::Left { reason: reason.clone() }, at);
    enter(rollout, State::RollingBack, reason, at);
    rollout.undo = undo.to_vec();
    rollout.undo_at = Some(at);
    rollout.superseded_by = by.or(rollout.superseded_by);
    rollout.hold = None;
    rollout.step = StepRun::before(at);
    Ok(())
}

fn promoted(state: &mut TargetState, id: RolloutId, past: &Past) -> Result<(), Why> {
    let rollout = state.rollouts.get_mut(&id).ok_or_else(|| unknown(id))?;
    expect(rollout, rollout.is_running() && !rollout.promoted, "is promoted")?;
    rollout.promoted = true;
    rollout.hold = None;
    state.stable = Some(rollout.fleet);
    state.past.push(past.clone());
    let surplus = state.past.len().saturating_sub(PAST);
    state.past.drain(..surplus);
    Ok(())
}

fn reversed(state: &mut TargetState, id: RolloutId) -> Result<(), Why> {
    let rollout = state.rollouts.get_mut(&id).ok_or_else(|| unknown(id))?;
    expect(rollout, rollout.promoted && !rollout.ended(), "takes Promote back")?;
    rollout.promoted = false;
    state.stable = rollout.stable_before;
    state.past.pop();
    Ok(())
}

fn ended(
    state: &mut TargetState,
    id: RolloutId,
    end: State,
    reason: &Reason,
    at: Timestamp,
) -> Result<(), Why> {
    let rollout = state.rollouts.get_mut(&id).ok_or_else(|| unknown(id))?;
    expect(rollout, end.terminal() && !rollout.ended(), "ends")?;
    if end == State::Cancelled {
        expect(rollout, rollout.state == State::Pending, "is cancelled")?;
    }
    enter(rollout, end, reason, at);
    rollout.ended_at = Some(at);
    rollout.hold = None;
    state.queue.retain(|it| *it != id);
    forget(state);
    Ok(())
}

/// The oldest ended rollouts go; those stay that aftercare still needs, or that can be taken back.
fn forget(state: &mut TargetState) {
    let cared = state.aftercare.iter().map(|it| it.rollout);
    let needed: Vec<_> = cared.chain(state.past.iter().map(|it| it.rollout)).collect();
    let mut ended: Vec<_> = state
        .rollouts
        .values()
        .filter(|it| it.ended() && !needed.contains(&it.id()))
        .map(|it| (it.number, it.id()))
        .collect();
    ended.sort_unstable();
    for (_, id) in ended.iter().take(ended.len().saturating_sub(REMEMBERED)) {
        state.rollouts.remove(id);
    }
}
