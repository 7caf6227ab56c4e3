//! What may be done now.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    engine::accepts,
    input::{Action, Choice, Command},
    model::{Answer, Gate, GateKind, PauseOwner, Principal, Rollout, RolloutId, Step, TargetState},
};

/// Something that would be accepted now and change something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permitted {
    /// Holding it, or saying why anew.
    Pause,
    /// Lifting the pause of this owner; only that owner can.
    Resume(PauseOwner),
    /// Ending what the running step waits for.
    Advance,
    /// Back to stable.
    Abort,
    /// Taking a finished one back.
    Rollback,
    /// Answering the gate that is open.
    Gate {
        /// The gate.
        id: String,
        /// How.
        answer: Answer,
    },
    /// Deciding where a person is asked; of the target where no rollout asks.
    Resolve {
        /// Whether it is the target that asks.
        target: bool,
        /// How.
        choice: Choice,
    },
    /// Ending a take-over.
    HandBack,
}

/// Everything that may be done about a rollout, or with none about the target itself, in the order in which it is shown.
/// What is not in it would be refused, or would change nothing.
pub fn permitted(state: &TargetState, rollout: Option<&Rollout>, now: Timestamp) -> Vec<Permitted> {
    let offered = rollout.map_or_else(of_target, of_rollout);
    let would = |(shown, by, action): (Permitted, Principal, Action)| {
        let command = Command { by, reason: "asked whether it may be done".into(), action };
        accepts(state, &command, now).then_some(shown)
    };
    offered.into_iter().filter_map(would).collect()
}

type Offer = (Permitted, Principal, Action);

const CHOICES: [Choice; 4] = [Choice::Retry, Choice::Ignore, Choice::RollBack, Choice::TakenOver];

fn somebody() -> Principal {
    Principal("somebody".into())
}

fn of_target() -> Vec<Offer> {
    let resolve = |choice| {
        let action = Action::ResolveInterruption { rollout: None, choice };
        (Permitted::Resolve { target: true, choice }, somebody(), action)
    };
    let hand_back = (Permitted::HandBack, somebody(), Action::HandBack);
    std::iter::once(hand_back).chain(CHOICES.map(resolve)).collect()
}

fn of_rollout(it: &Rollout) -> Vec<Offer> {
    let (rollout, step) = (it.id(), it.step.index);
    let resolve = |choice| {
        let action = Action::ResolveInterruption { rollout: Some(rollout), choice };
        (Permitted::Resolve { target: false, choice }, somebody(), action)
    };
    let plain = |shown, action| (shown, somebody(), action);
    // the id of the new rollout is chosen when it is asked for
    let new = RolloutId(Uuid::nil());
    let mut all = vec![plain(Permitted::Rollback, Action::Rollback { rollout, new })];
    all.extend(CHOICES.map(resolve));
    all.push(plain(Permitted::Abort, Action::Abort { rollout }));
    all.push(plain(Permitted::Advance, Action::Advance { rollout, step, all: false }));
    if let Some(Step::Gate(gate)) = it.current() {
        all.extend(answers(gate).into_iter().map(|answer| {
            let shown = Permitted::Gate { id: gate.id.clone(), answer: answer.clone() };
            plain(shown, Action::ResolveGate { rollout, step, answer })
        }));
    }
    let owner = PauseOwner::Person(somebody());
    all.push(plain(Permitted::Pause, Action::Pause { rollout, owner, after_step: false }));
    let resume = |owner: &PauseOwner| {
        let by = if let PauseOwner::Person(person) = owner { person.clone() } else { somebody() };
        (Permitted::Resume(owner.clone()), by, Action::Resume { rollout, owner: owner.clone() })
    };
    all.extend(it.pauses.iter().map(|pause| resume(&pause.owner)));
    all
}

/// What a gate asks for.
fn answers(gate: &Gate) -> Vec<Answer> {
    match gate.kind {
        GateKind::Approval | GateKind::Handoff => vec![Answer::Approve, Answer::Reject],
        GateKind::Input => vec![Answer::Value(String::new()), Answer::Reject],
    }
}
