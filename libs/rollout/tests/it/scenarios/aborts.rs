//! R11, R12, R41: aborting at every step of every recipe.

use bellwether_rollout::{
    Action, Answer, Event, Gate, GateKind, Percent, RolloutEvent, Scale, Size, StartRequest, State, Step,
    StepKind, Strategy, Wait,
};

use crate::{
    plans::{self, canary},
    sim::{Sim, rollout_id, secs},
};

fn abort(number: u128) -> Action {
    Action::Abort { rollout: rollout_id(number) }
}

fn recipes() -> Vec<StartRequest> {
    vec![
        canary(2, &[10, 50]),
        plans::blue_green(2),
        plans::plan(2, Strategy::BlueGreen(plans::green(Some(Size::Count(1)), &[10, 50]))),
        plans::rolling(2, Size::Count(1), 1, 0),
        plans::rolling(2, Size::Count(2), 0, 1),
        plans::rolling(2, Size::Count(2), 2, 2),
        plans::recreate(2),
        plans::direct(2),
    ]
}

/// Runs until step `index` has started, passing every bake on the way; false: it ended before.
fn until_step(sim: &mut Sim, index: usize) -> bool {
    for _ in 0..200 {
        let rollout = sim.rollout(2);
        if rollout.ended() {
            return false;
        }
        if rollout.step.index >= index && rollout.step.attempt > 0 {
            return true;
        }
        if matches!(rollout.current(), Some(Step::Bake(_))) && rollout.passed != Some(rollout.segment) {
            sim.verdict(bellwether_rollout::Decision::Pass);
        }
        sim.advance(std::time::Duration::from_millis(500));
    }
    panic!("step {index} is never reached: {:?}", sim.rollout(2).step);
}

#[test]
fn r11_abort_at_every_step_of_every_recipe() {
    for plan in recipes() {
        let steps = bellwether_rollout::recipe::steps(&plan.strategy, 4, false).len();
        for index in 0..steps {
            let mut sim = Sim::serving(4);
            let stable = sim.platform.ids(sim.fleet(1));
            sim.start(plan.clone()).unwrap();
            if !until_step(&mut sim, index) {
                continue;
            }
            sim.command(abort(2)).unwrap();
            sim.advance(secs(120));
            let name = format!("{:?} at step {index}", plan.strategy);
            assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "ABORTED"), "{name}");
            assert_eq!(sim.share(1), Percent::FULL, "{name}");
            assert_eq!((sim.count(1), sim.count(2)), (4, 0), "{name}");
            in_order(&sim, &name);
            let replaced = matches!(plan.strategy, Strategy::Rolling(_) | Strategy::Recreate(_));
            assert!(replaced || sim.platform.ids(sim.fleet(1)) == stable, "{name}: stable was touched");
            sim.restart();
        }
    }
}

/// capacity → route → verify → drain → remove; what cannot run twice is stopped before.
fn in_order(sim: &Sim, name: &str) {
    let undone = sim.undone(2);
    let at = |kind| undone.iter().position(|it| *it == kind);
    let order = [StepKind::RouteBack, StepKind::VerifyRoute, StepKind::Drain, StepKind::Remove];
    let places: Vec<_> = order.iter().filter_map(|kind| at(*kind)).collect();
    assert!(places.is_sorted() && places.len() == order.len(), "{name}: {undone:?}");
    if !name.contains("Recreate") {
        assert_eq!(at(StepKind::RestoreCapacity), Some(0), "{name}: {undone:?}");
    }
}

#[test]
fn r12_abort_after_promote_reverses_it() {
    let mut sim = Sim::serving(2);
    let steps = vec![
        Scale::candidate(Size::FULL),
        Step::Route(bellwether_rollout::Route::share(Percent::FULL)),
        Step::Promote,
        Step::Wait(Wait { duration: secs(60) }),
    ];
    sim.start(plans::steps(2, steps)).unwrap();
    sim.advance(secs(3));
    assert!(sim.rollout(2).promoted);
    assert_eq!(sim.state.stable, Some(sim.fleet(2)));
    sim.command(abort(2)).unwrap();
    assert_eq!(sim.state.stable, Some(sim.fleet(1)));
    assert_eq!(sim.state_of(2), State::RolledBack);
    assert_eq!((sim.share(1), sim.count(2)), (Percent::FULL, 0));
    assert_eq!(sim.state.past.len(), 1);
}

#[test]
fn r12_abort_twice_is_one_rollback_and_after_the_end_refused() {
    let mut sim = Sim::serving(2);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    sim.platform.clinging = true;
    sim.command(abort(2)).unwrap();
    assert_eq!(sim.state_of(2), State::RollingBack);
    let version = sim.state.version;
    sim.command(abort(2)).unwrap();
    assert_eq!(sim.state.version, version, "the outcome of the first");
    sim.advance(secs(60));
    assert_eq!(sim.state_of(2), State::RolledBack);
    assert_eq!(sim.rollout(2).cut_by_drain, 1);
    assert_eq!(sim.command(abort(2)).unwrap_err().codes(), ["STATE"]);
    let rollbacks = sim.events_of(2).filter(|it| matches!(it, RolloutEvent::RollbackStarted { .. })).count();
    assert_eq!(rollbacks, 1);
}

#[test]
fn abort_before_the_start_changes_nothing() {
    let mut sim = Sim::serving(2);
    let mut plan = canary(2, &[50]);
    plan.permit_until = Some(sim.now);
    sim.start(plan).unwrap();
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::Pending, "PERMIT_EXPIRED"));
    sim.command(abort(2)).unwrap();
    assert_eq!(sim.state_of(2), State::Cancelled);
    assert!(
        !sim.log
            .iter()
            .any(|(event, _)| matches!(event, Event::FleetAdded { fleet, .. } if *fleet == sim.fleet(2)))
    );
}

#[test]
fn r41_a_rejected_gate_rolls_back() {
    let mut sim = Sim::serving(2);
    let gate = Gate { kind: GateKind::Approval, id: String::new(), who: String::new(), text: String::new() };
    let steps = vec![
        Scale::candidate(Size::Count(1)),
        Step::Route(bellwether_rollout::Route::share(Percent::new(50))),
        Step::Gate(gate),
    ];
    sim.start(plans::steps(2, steps)).unwrap();
    sim.advance(secs(2));
    let wrong = Action::ResolveGate { rollout: rollout_id(2), step: 2, answer: Answer::Value("7".into()) };
    assert_eq!(sim.command(wrong).unwrap_err().codes(), ["INVALID_ARGUMENT"]);
    sim.command(Action::ResolveGate { rollout: rollout_id(2), step: 2, answer: Answer::Reject }).unwrap();
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "GATE_REJECTED"));
}
