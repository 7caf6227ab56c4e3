//! What may be done now, as a call and as a command line.

use bellwether_proto::common::v1::{AllowedAction, Permission};
use bellwether_rollout::{Origin, PauseOwner, Rollout, State, Step, TargetState};

const SERVICE: &str = "bellwether.executor.v1.ExecutorService";

/// What may be done about a rollout. `target` is its target's name.
pub(super) fn of_rollout(state: &TargetState, rollout: &Rollout, target: &str) -> Vec<AllowedAction> {
    let operate = |method, command: &str, effect: &str| action(method, command, target, effect);
    let mut actions = Vec::new();
    if rollout.ended() {
        if can_roll_back(state, rollout) {
            let effect = "takes the release back with a new rollout to what served before";
            actions.push(operate("RollbackRollout", "rollback", effect));
        }
        return actions;
    }
    if let State::NeedsOperator { from, taken_over } = rollout.state {
        actions.extend(interruption(target, from, taken_over));
    }
    if !rollout.undoing() {
        actions.push(operate("AbortRollout", "abort", "takes the rollout back to stable"));
        if rollout.is_running() {
            let effect = "ends what the current step waits for";
            actions.push(operate("AdvanceRollout", "advance", effect));
        }
        if let Some(Step::Gate(gate)) = rollout.current() {
            actions.extend(gate_answers(target, &gate.id));
        }
    }
    actions.extend(pausing(rollout, target));
    actions
}

/// What may be done about a target.
pub(super) fn of_target(state: &TargetState, target: &str) -> Vec<AllowedAction> {
    let mut actions = Vec::new();
    if state.hands_off() {
        let effect = "lets the executor work on the target again";
        let mut hand_back = action("HandBack", "resolve hand-back", target, effect);
        hand_back.permission = Permission::Emergency.into();
        actions.push(hand_back);
    }
    if state.trouble.is_some() {
        let effect = "tries again what failed";
        actions.push(action("ResolveInterruption", "resolve retry", target, effect));
        let effect = "leaves it as it is";
        actions.push(action("ResolveInterruption", "resolve ignore", target, effect));
    }
    if let Some(rollout) = state.active() {
        actions.extend(of_rollout(state, rollout, target));
    }
    actions
}

fn pausing(rollout: &Rollout, target: &str) -> Vec<AllowedAction> {
    let persons =
        |it: &&bellwether_rollout::Pause| matches!(it.owner, PauseOwner::Person(_) | PauseOwner::Policy);
    let mut actions = vec![action("PauseRollout", "pause", target, "holds it: no step forward starts")];
    if rollout.pauses.iter().any(|it| persons(&it)) {
        actions.push(action("ResumeRollout", "resume", target, "lifts the pause"));
    }
    actions
}

fn interruption(target: &str, from: Origin, taken_over: bool) -> Vec<AllowedAction> {
    let resolve =
        |choice: &str, effect| action("ResolveInterruption", &format!("resolve {choice}"), target, effect);
    if taken_over {
        let effect = "lets the executor take the rollout back to stable";
        let mut hand_back = action("HandBack", "resolve hand-back", target, effect);
        hand_back.permission = Permission::Emergency.into();
        return vec![hand_back];
    }
    let mut actions = vec![resolve("retry", "starts the same step again")];
    match from {
        Origin::Running => {
            actions.push(resolve("ignore", "goes on with the next step; recorded as an override"));
            actions.push(resolve("roll-back", "takes the rollout back to stable"));
        }
        Origin::RollingBack => actions.push(resolve("roll-back", "goes on with the undoing")),
        Origin::Recovering => actions.push(resolve("ignore", "ends the recovery as it is")),
    }
    actions.push(resolve("taken-over", "leaves the target to a person until it is handed back"));
    actions
}

fn gate_answers(target: &str, gate: &str) -> Vec<AllowedAction> {
    let answer = |command: &str, effect| AllowedAction {
        permission: Permission::Approve.into(),
        ..action("ResolveGate", &format!("{command} --gate {gate}"), target, effect)
    };
    vec![answer("approve", "opens the gate"), answer("reject", "takes the rollout back to stable")]
}

fn can_roll_back(state: &TargetState, rollout: &Rollout) -> bool {
    let latest = state.past.last().is_some_and(|past| past.rollout == rollout.id());
    rollout.state == State::Succeeded && latest && state.past.len() > 1
}

fn action(method: &str, command: &str, target: &str, effect: &str) -> AllowedAction {
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    let rest = if rest.is_empty() { String::new() } else { format!(" {rest}") };
    AllowedAction {
        method: format!("{SERVICE}/{method}"),
        command: format!("bellwether {verb} {target}{rest}"),
        permission: Permission::Operate.into(),
        effect: effect.to_owned(),
    }
}
