//! The steps of a rollout and how each went.

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{Call, Prepare, Role, Rollout, Size, State, Step, StepEnd, StepKind, StepRecord};
use pb::step_status::State as Pb;

use super::basic::{reason, timestamp};
use crate::record::Asked;

/// Forward steps, then those of undoing once there are any.
pub(super) fn steps(rollout: &Rollout, asked: &Asked) -> Vec<pb::StepStatus> {
    let forward = rollout.steps.iter().enumerate().map(|(at, step)| {
        let name = asked_name(asked, at).unwrap_or_else(|| name(step));
        status(rollout, at, step, false, name)
    });
    let undo = rollout.undo.iter().enumerate().map(|(at, step)| status(rollout, at, step, true, name(step)));
    forward.chain(undo).collect()
}

/// The index of the step at work in that list.
pub(super) fn index(rollout: &Rollout) -> usize {
    let at = rollout.step.index;
    if rollout.undoing() { rollout.steps.len() + at } else { at }
}

/// Steps that are over, of all that there are now; once it is undone, of those of undoing and the recovery after them.
pub(super) fn progress_percent(rollout: &Rollout) -> f64 {
    if rollout.ended() {
        return 100.0;
    }
    let done = rollout.step.next_index();
    let of = if rollout.undoing() { rollout.undo.len() + 1 } else { rollout.steps.len() };
    if of == 0 { 0.0 } else { 100.0 * done.min(of) as f64 / of as f64 }
}

fn status(rollout: &Rollout, at: usize, step: &Step, undo: bool, name: String) -> pb::StepStatus {
    let record = rollout.history.iter().rfind(|record| record.undo == undo && record.index == at);
    let active = rollout.undoing() == undo
        && rollout.step.index == at
        && !rollout.step.finished
        && matches!(rollout.state, State::Running | State::RollingBack | State::NeedsOperator { .. });
    let (state, why) = match record {
        _ if active => (Pb::Active, None),
        Some(record) => ended(record),
        None => (Pb::Pending, None),
    };
    let since = if active { Some(rollout.step.since) } else { record.map(|it| it.started_at) };
    pb::StepStatus {
        name,
        kind: kind(step.kind()).into(),
        state: state.into(),
        undo,
        start_time: since.map(timestamp),
        end_time: record.filter(|_| !active).map(|it| timestamp(it.ended_at)),
        reason: why,
    }
}

fn ended(record: &StepRecord) -> (Pb, Option<bellwether_proto::common::v1::Reason>) {
    match &record.end {
        StepEnd::Done | StepEnd::Passed => (Pb::Done, None),
        StepEnd::ByPolicy { reason: why } => (Pb::Skipped, Some(reason(why))),
        StepEnd::Left { reason: why } => (Pb::Failed, Some(reason(why))),
        StepEnd::Overridden { by, reason: why } => {
            let why = bellwether_rollout::Reason::new("OVERRIDDEN", why.as_str()).with("by", by);
            (Pb::Skipped, Some(reason(&why)))
        }
    }
}

/// The name that a user gave to a step. Custom steps come first in a rollout, as they were given.
fn asked_name(asked: &Asked, at: usize) -> Option<String> {
    asked.strategy.steps.get(at).map(|step| step.name.clone()).filter(|name| !name.is_empty())
}

/// A step's name for people.
pub(super) fn name(step: &Step) -> String {
    match step {
        Step::Prepare(Prepare::Handoff { role, .. }) => format!("Prepare by {role}"),
        Step::Prepare(Prepare::Hook(hook)) => format!("Prepare {}", hook.name),
        Step::Scale(scale) => format!("Scale {} {}", role(scale.fleet), size(scale.size)),
        Step::Route(route) => route.percent.map_or("Route to nobody".into(), |it| format!("Route {it}")),
        Step::Replace(replace) => format!("Replace {}", size(replace.batch)),
        Step::Bake(_) => "Bake".into(),
        Step::Gate(gate) if gate.id.is_empty() => "Gate".into(),
        Step::Gate(gate) => format!("Gate {}", gate.id),
        Step::Hook(hook) => format!("Hook {}", hook.name),
        Step::Wait(wait) => format!("Wait {:?}", wait.duration),
        Step::Promote => "Promote".into(),
        Step::RestoreCapacity => "Restore capacity".into(),
        Step::RouteBack(_) => "Route back".into(),
        Step::VerifyRoute => "Verify route".into(),
        Step::Drain => "Drain".into(),
        Step::Remove => "Remove".into(),
        Step::UndoHook { step } => format!("Undo hook of step {step}"),
    }
}

/// Where a call goes, for people.
pub(super) fn call(call: &Call) -> String {
    match call {
        Call::Http { url } => url.clone(),
        Call::Grpc { address } => address.clone(),
        Call::Command { argv } => argv.join(" "),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Candidate => "candidate",
        Role::Stable => "stable",
    }
}

fn size(size: Size) -> String {
    match size {
        Size::Count(count) => format!("to {count}"),
        Size::Percent(percent) => format!("to {percent}"),
        Size::MatchWeight => "to match traffic".into(),
        Size::Rest(percent) => format!("to {}", percent.rest()),
    }
}

/// The kind as the contract names it.
pub(super) const fn kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Prepare => "PREPARE",
        StepKind::Scale => "SCALE",
        StepKind::Route | StepKind::RouteBack => "ROUTE",
        StepKind::Replace => "REPLACE",
        StepKind::Bake => "BAKE",
        StepKind::Gate => "GATE",
        StepKind::Hook | StepKind::UndoHook => "HOOK",
        StepKind::Wait => "WAIT",
        StepKind::Promote => "PROMOTE",
        StepKind::RestoreCapacity => "RESTORE_CAPACITY",
        StepKind::VerifyRoute => "VERIFY_ROUTE",
        StepKind::Drain => "DRAIN",
        StepKind::Remove => "REMOVE",
    }
}
