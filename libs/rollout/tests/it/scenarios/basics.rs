//! R00–R03: first deployment, canary, rollback.

use bellwether_rollout::{
    Action, Answer, Decision, Gate, GateKind, Percent, Route, Scale, Size, State, Step, StepEnd, StepKind,
};

use crate::{
    plans::{self, bake, canary},
    sim::{Sim, rollout_id, secs},
};

const UNDO: [StepKind; 5] = [
    StepKind::RestoreCapacity,
    StepKind::RouteBack,
    StepKind::VerifyRoute,
    StepKind::Drain,
    StepKind::Remove,
];

#[test]
fn r00a_first_deployment_serves() {
    let mut sim = Sim::new(3);
    sim.start(canary(1, &[10, 50])).unwrap();
    assert!(sim.platform.split.shares.is_empty());
    sim.advance(secs(2));
    assert_eq!(sim.share(1), Percent::FULL);
    sim.pass();
    assert_eq!(sim.state_of(1), State::Succeeded);
    assert_eq!(sim.state.stable, Some(sim.fleet(1)));
    assert_eq!(sim.rollout(1).steps.len(), 4);
}

#[test]
fn r00b_first_deployment_fails_to_nobody() {
    let mut sim = Sim::new(3);
    sim.start(canary(1, &[10])).unwrap();
    sim.advance(secs(2));
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(1), State::RolledBack);
    assert_eq!(sim.reason_of(1), "NO_PREVIOUS_VERSION");
    assert!(sim.platform.split.shares.is_empty());
    assert_eq!(sim.count(1), 0);
    assert_eq!(sim.state.stable, None);
}

#[test]
fn r01_canary_passes_and_the_candidate_is_stable() {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[10, 50, 100])).unwrap();
    sim.advance(secs(2));
    assert_eq!((sim.share(2), sim.count(2)), (Percent::new(10), 1));
    sim.pass();
    assert_eq!((sim.share(2), sim.count(2)), (Percent::new(50), 2));
    sim.pass();
    assert_eq!((sim.share(2), sim.count(2)), (Percent::FULL, 4));
    let ids = sim.platform.ids(sim.fleet(2));
    sim.pass();
    assert_eq!(sim.state_of(2), State::Succeeded);
    assert_eq!(sim.state.stable, Some(sim.fleet(2)));
    assert_eq!(sim.platform.ids(sim.fleet(2)), ids);
    assert_eq!(sim.platform.started[&sim.fleet(2)], 4);
    assert_eq!(sim.count(1), 4, "the old fleet is kept");
    assert_eq!(sim.ends(2).iter().filter(|it| **it == StepEnd::Passed).count(), 3);
    sim.advance(secs(700));
    assert_eq!(sim.count(1), 0);
    assert!(sim.state.aftercare.is_empty());
    sim.restart();
}

#[test]
fn r02_a_bad_canary_is_taken_back() {
    let mut sim = Sim::serving(4);
    let stable = sim.platform.ids(sim.fleet(1));
    sim.start(canary(2, &[10, 50])).unwrap();
    sim.advance(secs(2));
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::RolledBack);
    assert_eq!(sim.reason_of(2), "VERDICT_FAIL");
    assert_eq!((sim.share(2), sim.share(1)), (Percent::ZERO, Percent::FULL));
    assert_eq!(sim.count(2), 0);
    assert_eq!(sim.platform.ids(sim.fleet(1)), stable);
    assert_eq!(sim.undone(2), UNDO);
    let health = &sim.rollout(2).validation[0];
    assert_eq!(health.status, bellwether_rollout::ItemStatus::Pass);
    assert_eq!(health.value, "4 ready");
    sim.restart();
}

#[test]
fn r02_traffic_is_back_in_the_commit_that_fails() {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[10])).unwrap();
    sim.advance(secs(2));
    let verdict = sim.make_verdict(Decision::Fail, bellwether_rollout::Reason::new("ERRORS", "20 %"));
    sim.only(bellwether_rollout::Input::Verdict(Box::new(verdict)));
    assert_eq!(sim.state.split.share(sim.fleet(1)), Percent::FULL);
    assert_eq!(sim.state.wanted(sim.fleet(2)), 1, "nothing is removed before the route is verified");
}

#[test]
fn r03_rolls_back_while_a_gate_waits() {
    let mut sim = Sim::serving(4);
    let gate =
        Gate { kind: GateKind::Approval, id: "go".into(), who: "releaser".into(), text: "go on?".into() };
    let steps = vec![
        Scale::candidate(Size::MatchWeight),
        Step::Route(Route::share(Percent::new(50))),
        Step::Bake(bake()),
        Step::Gate(gate),
    ];
    sim.start(plans::steps(2, steps)).unwrap();
    sim.advance(secs(2));
    sim.pass();
    assert!(matches!(sim.rollout(2).current(), Some(Step::Gate(_))));
    sim.advance(secs(3600));
    assert_eq!(sim.state_of(2), State::Running);
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::RolledBack);
    let late = sim.command(Action::ResolveGate { rollout: rollout_id(2), step: 3, answer: Answer::Approve });
    assert_eq!(late.unwrap_err().codes(), ["STATE"]);
}
