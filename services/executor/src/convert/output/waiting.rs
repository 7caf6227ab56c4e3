//! What a rollout waits for, and who may end that.

use bellwether_clock::Timestamp;
use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{HoldKind, Rollout, State, Step, TargetState, after};

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
        let kind = if hold.kind == HoldKind::MonitorLost { "MONITOR" } else { "VERDICT" };
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
        Step::Scale(_) | Step::Replace(_) | Step::RestoreCapacity => {
            until(waiting("READY", ready(state, rollout), ""), deadline)
        }
        Step::Route(_) | Step::RouteBack(_) | Step::VerifyRoute => {
            until(waiting("ROUTE", "the router confirms the route", ""), deadline)
        }
        Step::Bake(bake) => {
            let latest = rollout.step.unpaused.reaches(bake.max);
            until(waiting("VERDICT", "PASS of the monitor", ""), latest)
        }
        Step::Gate(gate) => waiting("GATE", format!("{}: {}", gate.id, gate.text), "approver"),
        Step::Hook(hook) => {
            let text = format!("{} at {}", hook.name, call(&hook.call));
            until(waiting("HOOK", text, ""), Some(after(since, hook.timeout)))
        }
        Step::Prepare(_) | Step::UndoHook { .. } => until(waiting("HOOK", name(step), ""), deadline),
        Step::Wait(wait) => {
            until(waiting("TIME", name(step), ""), rollout.step.unpaused.reaches(wait.duration))
        }
        Step::Drain => {
            let latest = state.drains.get(&rollout.fleet).copied();
            until(waiting("DRAIN", "open connections end", ""), latest)
        }
        Step::Promote | Step::Remove => waiting("READY", name(step), ""),
    })
}

fn ready(state: &TargetState, rollout: &Rollout) -> String {
    let (ready, wanted) = (state.ready(rollout.fleet), state.wanted(rollout.fleet));
    format!("{ready} of {wanted} instances of the candidate are ready")
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
