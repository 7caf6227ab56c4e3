//! What may be done now, as a call and as a command line.

use bellwether_clock::Timestamp;
use bellwether_proto::common::v1::{AllowedAction, Permission};
use bellwether_rollout::{
    Answer, Choice, Origin, PauseOwner, Permitted, Rollout, State, TargetState, permitted,
};

const SERVICE: &str = "bellwether.executor.v1.ExecutorService";

/// What may be done about a rollout. `target` is its target's name.
pub(super) fn of_rollout(
    state: &TargetState,
    rollout: &Rollout,
    target: &str,
    now: Timestamp,
) -> Vec<AllowedAction> {
    let all = permitted(state, Some(rollout), now);
    all.iter().filter_map(|it| shown(it, Some(rollout), target)).collect()
}

/// What may be done about a target, and about its rollout at work.
pub(super) fn of_target(state: &TargetState, target: &str, now: Timestamp) -> Vec<AllowedAction> {
    let own = permitted(state, None, now);
    let own = own.iter().filter_map(|it| shown(it, None, target));
    let rollout = state.active().map(|rollout| of_rollout(state, rollout, target, now));
    own.chain(rollout.into_iter().flatten()).collect()
}

/// None: people have no command for it.
fn shown(permitted: &Permitted, rollout: Option<&Rollout>, target: &str) -> Option<AllowedAction> {
    let operate = |method, command: &str, effect: &str| action(method, command, target, effect);
    Some(match permitted {
        Permitted::Rollback => {
            let effect = "takes the release back with a new rollout to what served before";
            operate("RollbackRollout", "rollback", effect)
        }
        Permitted::Abort => operate("AbortRollout", "abort", "takes the rollout back to stable"),
        Permitted::Advance => operate("AdvanceRollout", "advance", "ends what the current step waits for"),
        Permitted::Pause => operate("PauseRollout", "pause", "holds it: no step forward starts"),
        Permitted::Resume(owner) => operate("ResumeRollout", "resume", &lifted(owner)?),
        Permitted::HandBack => {
            let effect = match rollout {
                Some(_) => "lets the executor take the rollout back to stable",
                None => "lets the executor work on the target again",
            };
            let permission = Permission::Emergency.into();
            AllowedAction { permission, ..operate("HandBack", "resolve hand-back", effect) }
        }
        Permitted::Gate { id, answer } => gate(id, answer, target),
        Permitted::Resolve { choice, .. } => {
            let (word, effect) = resolved(*choice, rollout);
            operate("ResolveInterruption", &format!("resolve {word}"), effect)
        }
    })
}

/// What a window holds is lifted by whoever holds it: the planner.
fn lifted(owner: &PauseOwner) -> Option<String> {
    match owner {
        PauseOwner::Person(who) => Some(format!("lifts the pause of {who}, who alone may do so")),
        PauseOwner::Policy => Some("lifts the pause of the failure policy".to_owned()),
        PauseOwner::Window(_) => None,
    }
}

fn resolved(choice: Choice, rollout: Option<&Rollout>) -> (&'static str, &'static str) {
    let from = rollout.and_then(|it| match it.state {
        State::NeedsOperator { from, .. } => Some(from),
        State::Running => Some(Origin::Running),
        _ => None,
    });
    match (choice, from) {
        (Choice::Retry, None) => ("retry", "tries again what failed"),
        (Choice::Retry, Some(Origin::Recovering)) => ("retry", "looks at stable again"),
        (Choice::Retry, Some(_)) => ("retry", "starts the same step again"),
        (Choice::Ignore, None) => ("ignore", "leaves it as it is"),
        (Choice::Ignore, Some(Origin::Recovering)) => ("ignore", "ends the recovery as it is"),
        (Choice::Ignore, Some(_)) => ("ignore", "goes on with the next step; recorded as an override"),
        (Choice::RollBack, Some(Origin::RollingBack)) => ("roll-back", "goes on with the undoing"),
        (Choice::RollBack, Some(Origin::Recovering)) => ("roll-back", "looks at stable again"),
        (Choice::RollBack, _) => ("roll-back", "takes the rollout back to stable"),
        (Choice::TakenOver, _) => ("taken-over", "leaves the target to a person until it is handed back"),
    }
}

fn gate(id: &str, answer: &Answer, target: &str) -> AllowedAction {
    let (command, effect) = match answer {
        Answer::Approve => (format!("approve --gate {id}"), "opens the gate"),
        Answer::Reject => (format!("reject --gate {id}"), "takes the rollout back to stable"),
        Answer::Value(_) => (format!("approve --gate {id} --value VALUE"), "opens the gate with a value"),
    };
    AllowedAction {
        permission: Permission::Approve.into(),
        ..action("ResolveGate", &command, target, effect)
    }
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
