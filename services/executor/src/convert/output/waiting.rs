//! What a rollout waits for, and who may end that.

use bellwether_clock::Timestamp;
use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{
    FleetId, HoldKind, Hook, Prepare, Role, Rollout, Scale, State, Step, TargetState, after,
};

use super::{
    basic::timestamp,
    steps::{call, name},
};

/// Everything that stands between it and its next step.
pub(super) fn waiting_on(state: &TargetState, rollout: &Rollout) -> Vec<pb::Waiting> {
    match rollout.state {
        State::Pending => vec![pending(state, rollout)],
        State::Running => running(state, rollout),
        State::RollingBack => step(state, rollout).into_iter().collect(),
        State::Recovering => vec![recovery(rollout)],
        State::NeedsOperator { .. } => vec![waiting("OPERATOR", rollout.reason.text.as_str(), "operator")],
        State::Succeeded | State::RolledBack | State::Superseded | State::Cancelled => Vec::new(),
    }
}

fn running(state: &TargetState, rollout: &Rollout) -> Vec<pb::Waiting> {
    let mut all: Vec<pb::Waiting> = step(state, rollout).into_iter().collect();
    all.extend(rollout.pauses.iter().map(|pause| waiting("PAUSE", pause.reason.text.as_str(), "operator")));
    if let Some(until) = rollout.permit_until
        && rollout.step.finished
    {
        all.push(waiting("PERMIT", format!("the permit ends at {until}"), "planner"));
    }
    if let Some(hold) = &rollout.hold {
        let lost = match hold.kind {
            HoldKind::MonitorLost => true,
            HoldKind::CommonMode => !rollout.monitor.up,
            HoldKind::NoData | HoldKind::Error | HoldKind::Undecided => false,
        };
        let kind = if lost { "MONITOR" } else { "VERDICT" };
        let who = if hold.kind == HoldKind::Undecided { "operator" } else { "" };
        all.push(waiting(kind, hold.reason.text.as_str(), who));
    }
    all
}

fn step(state: &TargetState, rollout: &Rollout) -> Option<pb::Waiting> {
    if rollout.step.finished {
        return None;
    }
    let step = rollout.current()?;
    let since = rollout.step.since;
    let deadline = rollout.step.progress.reaches(rollout.policies().progress_deadline);
    Some(match step {
        Step::Scale(Scale { fleet: Role::Stable, .. }) | Step::RestoreCapacity => {
            until(waiting("READY", ready(state, rollout.stable_before, "stable"), ""), deadline)
        }
        Step::Scale(_) | Step::Replace(_) => {
            until(waiting("READY", ready(state, Some(rollout.fleet), "the candidate"), ""), deadline)
        }
        Step::Route(_) | Step::RouteBack(_) | Step::VerifyRoute => {
            until(waiting("ROUTE", "the router confirms the route", ""), deadline)
        }
        Step::Bake(bake) if !bake.checks => {
            until(waiting("TIME", name(step), ""), Some(after(since, bake.min)))
        }
        Step::Bake(bake) => {
            let latest = rollout.step.unpaused.reaches(bake.max);
            until(waiting("VERDICT", "PASS of the monitor", ""), latest)
        }
        Step::Gate(gate) => waiting("GATE", format!("{}: {}", gate.id, gate.text), "approver"),
        Step::Hook(hook) => {
            let text = format!("{} at {}", hook.name, call(&hook.call));
            until(waiting("HOOK", text, ""), called_until(rollout, hook))
        }
        Step::Prepare(Prepare::Hook(hook)) => {
            until(waiting("HOOK", name(step), ""), called_until(rollout, hook))
        }
        Step::Prepare(Prepare::Handoff { role, .. }) => waiting("HOOK", name(step), role),
        Step::UndoHook { step: undone } => {
            let hook = rollout.steps.get(*undone).and_then(Step::hook);
            until(waiting("HOOK", name(step), ""), hook.and_then(|hook| called_until(rollout, hook)))
        }
        Step::Wait(wait) => until(waiting("TIME", name(step), ""), Some(after(since, wait.duration))),
        Step::Drain => {
            let drained = if rollout.undoing() { Some(rollout.fleet) } else { rollout.stable_before };
            let latest = drained.and_then(|fleet| state.drains.get(&fleet)).copied();
            until(waiting("DRAIN", "open connections end", ""), latest)
        }
        Step::Promote => waiting("ROUTE", "the candidate has all the traffic", ""),
        Step::Remove => until(waiting("READY", "the candidate's instances are gone", ""), deadline),
    })
}

/// All attempts of a call together have its timeout.
fn called_until(rollout: &Rollout, hook: &Hook) -> Option<Timestamp> {
    rollout.step.hook.as_ref().map(|run| after(run.since, hook.timeout))
}

/// How many are ready, and what the platform says about the others.
fn ready(state: &TargetState, fleet: Option<FleetId>, who: &str) -> String {
    let Some(fleet) = fleet else { return format!("instances of {who} are ready") };
    let (ready, wanted) = (state.ready(fleet), state.wanted(fleet));
    let text = format!("{ready} of {wanted} instances of {who} are ready");
    let problem = state.problem(fleet).filter(|_| ready < wanted);
    problem.map_or(text.clone(), |it| format!("{text}; {}: {}", it.code, it.message))
}

fn pending(state: &TargetState, rollout: &Rollout) -> pb::Waiting {
    let before = state.active().filter(|active| active.id() != rollout.id());
    let text = before.map_or(rollout.reason.text.clone(), |it| format!("rollout {} ends", it.number));
    waiting("PREVIOUS_ROLLOUT", text, "")
}

fn recovery(rollout: &Rollout) -> pb::Waiting {
    let latest = after(rollout.since, rollout.policies().recovery.max);
    until(waiting("RECOVERY", "stable is shown to be well again", ""), Some(latest))
}

fn waiting(kind: &str, text: impl Into<String>, who: &str) -> pb::Waiting {
    pb::Waiting { kind: kind.into(), text: text.into(), who: who.into(), until: None }
}

fn until(waiting: pb::Waiting, latest: Option<Timestamp>) -> pb::Waiting {
    pb::Waiting { until: latest.map(timestamp), ..waiting }
}
