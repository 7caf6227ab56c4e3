//! Effects that do not converge: calls that are decided and not yet answered, and who is to be told.

use jiff::Timestamp;

use crate::{
    input::{HookId, HookPlace},
    model::{
        Call, FleetId, Gate, HookRun, ItemKind, ItemStatus, Occasion, OnUnknown, Prepare, Rollout, RolloutId,
        Stage, State, Step, TargetState, after,
    },
};

/// Something the shell has to do now, or is doing. Derived from the state alone, so a restarted shell finds it
/// again; one that is no longer in the list is cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A call was decided. The shell makes it with the key and reports the outcome with the attempt. A shell that
    /// finds it after a restart does not know whether it was made: it makes it again, or reports UNKNOWN.
    Hook {
        /// Which.
        id: HookId,
        /// Its name.
        name: String,
        /// Which attempt.
        attempt: u32,
        /// What is called.
        call: Call,
        /// When it is cancelled.
        deadline: Timestamp,
        /// What is done where nobody knows whether it was made.
        unknown: OnUnknown,
    },
    /// An agent is to be found for a preparation.
    Handoff {
        /// Which rollout.
        rollout: RolloutId,
        /// The index of its step.
        step: usize,
        /// The role.
        role: String,
        /// What is asked for.
        text: String,
    },
    /// A gate is open and somebody should know.
    Gate {
        /// Which rollout.
        rollout: RolloutId,
        /// The index of its step.
        step: usize,
        /// The gate.
        gate: Gate,
    },
    /// Items are to be looked at: those of the monitor's by [`crate::recovery_analysis`], data integrity by its hook.
    Validate {
        /// Which rollout.
        rollout: RolloutId,
        /// Which validation.
        occasion: Occasion,
        /// The fleet that serves.
        fleet: FleetId,
        /// The items.
        items: Vec<ItemKind>,
    },
    /// The platform is to be told that the target is handed back.
    HandBack,
}

/// All effects of a target that are wanted now.
pub fn effects(state: &TargetState) -> Vec<Effect> {
    let mut all: Vec<_> = state.begun().map(rollout).unwrap_or_default();
    all.extend(state.aftercare.iter().filter_map(|care| {
        let Stage::Contract { index, run } = &care.stage else { return None };
        let hook = state.rollouts.get(&care.rollout)?.policies().contract.get(*index)?;
        let id = HookId { rollout: care.rollout, place: HookPlace::Contract(*index) };
        called((id, &hook.name, hook.unknown()), run, &hook.call, after(run.since, hook.timeout))
    }));
    if state.taken_over.is_none() && state.observed.taken_over.is_some() {
        all.push(Effect::HandBack);
    }
    all
}

fn called(
    (id, name, unknown): (HookId, &str, OnUnknown),
    run: &HookRun,
    call: &Call,
    deadline: Timestamp,
) -> Option<Effect> {
    let (name, attempt, call) = (name.into(), run.attempt, call.clone());
    let effect = || Effect::Hook { id, name, attempt, call, deadline, unknown };
    run.outcome.is_none().then(effect)
}

fn rollout(it: &Rollout) -> Vec<Effect> {
    let moving = matches!(it.state, State::Running | State::RollingBack);
    // a call that was begun goes on while a person is asked
    let called = matches!(it.state, State::NeedsOperator { taken_over: false, .. }) && it.step.hook.is_some();
    let step =
        it.current().filter(|_| (moving || called) && !it.step.finished).and_then(|step| by_step(it, step));
    step.into_iter().chain(validation(it)).collect()
}

fn by_step(it: &Rollout, step: &Step) -> Option<Effect> {
    let (rollout, index) = (it.id(), it.step.index);
    match step {
        Step::Prepare(Prepare::Handoff { role, text }) => {
            let open = it.step.hook.as_ref().is_none_or(|run| run.outcome.is_none());
            let (role, text) = (role.clone(), text.clone());
            open.then_some(Effect::Handoff { rollout, step: index, role, text })
        }
        Step::Gate(gate) => {
            let open = it.step.answer.is_none();
            open.then(|| Effect::Gate { rollout, step: index, gate: gate.clone() })
        }
        Step::Prepare(Prepare::Hook(hook)) | Step::Hook(hook) => {
            let run = it.step.hook.as_ref()?;
            let id = HookId { rollout, place: HookPlace::Step(index) };
            called((id, &hook.name, hook.unknown()), run, &hook.call, after(run.since, hook.timeout))
        }
        Step::UndoHook { step } => {
            let (hook, run) = (it.steps.get(*step)?.hook()?, it.step.hook.as_ref()?);
            let id = HookId { rollout, place: HookPlace::Undo(*step) };
            let call = hook.on_undo.as_ref()?;
            let unknown = hook.on_unknown.unwrap_or(call.unknown());
            called((id, &hook.name, unknown), run, call, after(run.since, hook.timeout))
        }
        Step::Scale(_)
        | Step::Route(_)
        | Step::Replace(_)
        | Step::Bake(_)
        | Step::Wait(_)
        | Step::Promote
        | Step::RestoreCapacity
        | Step::RouteBack(_)
        | Step::VerifyRoute
        | Step::Drain
        | Step::Remove => None,
    }
}

fn validation(it: &Rollout) -> Option<Effect> {
    let rollout = it.id();
    let open = |kind: &ItemKind| {
        it.validation.iter().any(|item| item.kind == *kind && item.status == ItemStatus::Open)
    };
    if it.state == State::Recovering {
        let items = it.policies().recovery.items.iter();
        let items: Vec<_> = items.filter(|kind| **kind != ItemKind::Health && open(kind)).copied().collect();
        let fleet = it.stable_before?;
        return (!items.is_empty()).then_some(Effect::Validate {
            rollout,
            occasion: Occasion::Recovery,
            fleet,
            items,
        });
    }
    let later = |step: &Step| matches!(step, Step::Bake(_));
    let last = matches!(it.current(), Some(Step::Bake(_)))
        && !it.steps.iter().skip(it.step.index + 1).any(later)
        && !it.step.finished;
    let items: Vec<_> = it
        .policies()
        .validation
        .iter()
        .filter(|kind| !it.validation.iter().any(|item| item.kind == **kind))
        .copied()
        .collect();
    let wanted = it.is_running() && last && !items.is_empty();
    wanted.then_some(Effect::Validate { rollout, occasion: Occasion::PostDeployment, fleet: it.fleet, items })
}
