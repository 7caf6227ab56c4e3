//! What is offered is accepted, and what is not offered is refused or changes nothing.

use bellwether_rollout::{
    Action, Answer, Choice, Command, Input, PauseOwner, Permitted, Principal, Rollout, RolloutId, decide,
    permitted,
};

use crate::sim::{Sim, person, rollout_id};

const CHOICES: [Choice; 4] = [Choice::Retry, Choice::Ignore, Choice::RollBack, Choice::TakenOver];

/// Whether `decide` lets it happen.
fn accepted(sim: &Sim, by: Principal, action: Action) -> bool {
    let command = Command { by, reason: "why not".into(), action };
    let decided = decide(&sim.state, Input::Command(Box::new(command)), sim.now);
    decided.is_ok_and(|events| !events.is_empty())
}

fn same(sim: &Sim, offered: &[Permitted], shown: &Permitted, by: Principal, action: Action) {
    let accepted = accepted(sim, by, action.clone());
    assert_eq!(offered.contains(shown), accepted, "{shown:?} by {action:?} in {:?}", sim.state.active());
}

pub fn are_what_is_accepted(sim: &Sim) {
    for rollout in sim.state.rollouts.values() {
        of_rollout(sim, rollout);
    }
    let offered = permitted(&sim.state, None, sim.now);
    same(sim, &offered, &Permitted::HandBack, person(), Action::HandBack);
    for choice in CHOICES {
        let action = Action::ResolveInterruption { rollout: None, choice };
        same(sim, &offered, &Permitted::Resolve { target: true, choice }, person(), action);
    }
}

fn of_rollout(sim: &Sim, it: &Rollout) {
    let (rollout, step) = (it.id(), it.step.index);
    let offered = permitted(&sim.state, Some(it), sim.now);
    let same = |shown: Permitted, action: Action| same(sim, &offered, &shown, person(), action);
    same(Permitted::Rollback, Action::Rollback { rollout, new: rollout_id(0xffff) });
    same(Permitted::Abort, Action::Abort { rollout });
    same(Permitted::Advance, Action::Advance { rollout, step, all: false });
    same(Permitted::Pause, Action::Pause { rollout, owner: PauseOwner::Person(person()), after_step: true });
    for choice in CHOICES {
        let action = Action::ResolveInterruption { rollout: Some(rollout), choice };
        same(Permitted::Resolve { target: false, choice }, action);
    }
    for owner in [PauseOwner::Person(person()), PauseOwner::Window("w".into()), PauseOwner::Policy] {
        same(Permitted::Resume(owner.clone()), Action::Resume { rollout, owner });
    }
    gate(sim, it, rollout, &offered);
}

fn gate(sim: &Sim, it: &Rollout, rollout: RolloutId, offered: &[Permitted]) {
    let step = it.step.index;
    for answer in [Answer::Approve, Answer::Reject] {
        let shown = |it: &Permitted| matches!(it, Permitted::Gate { answer: given, .. } if *given == answer);
        let action = Action::ResolveGate { rollout, step, answer: answer.clone() };
        assert_eq!(offered.iter().any(shown), accepted(sim, person(), action), "{answer:?}");
    }
}
