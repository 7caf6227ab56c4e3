//! R04–R05, R08–R10: instance counts and the progress deadline.

use bellwether_rollout::{
    Action, Answer, Decision, Gate, GateKind, PauseOwner, Percent, Reaction, Route, Scale, Size, State, Step,
};

use crate::{
    plans::{self, canary},
    sim::{Sim, person, rollout_id, secs},
};

fn gate() -> Step {
    Step::Gate(Gate { kind: GateKind::Approval, id: String::new(), who: String::new(), text: String::new() })
}

fn open(sim: &mut Sim) {
    let step = sim.rollout(2).step.index;
    sim.command(Action::ResolveGate { rollout: rollout_id(2), step, answer: Answer::Approve }).unwrap();
    sim.advance(secs(3));
}

#[test]
fn r04_scale_and_weight_are_set_apart() {
    let mut sim = Sim::serving(4);
    let written = vec![
        gate(),
        Scale::candidate(Size::Percent(Percent::new(25))),
        gate(),
        Step::Route(Route::share(Percent::new(25))),
        gate(),
        Scale::candidate(Size::Count(3)),
        Step::Route(Route::share(Percent::new(50))),
        gate(),
        Scale::candidate(Size::MatchWeight),
        gate(),
    ];
    sim.start(plans::steps(2, written)).unwrap();
    let mut counts = vec![sim.count(2)];
    for _ in 0..5 {
        open(&mut sim);
        counts.push(sim.count(2));
        assert_eq!(sim.count(1), 4, "stable keeps its instances");
    }
    assert_eq!(counts, [0, 1, 1, 3, 2, 4]);
    assert_eq!(sim.state_of(2), State::Succeeded);
}

#[test]
fn r05_shares_are_kept_while_n_changes() {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[25])).unwrap();
    sim.advance(secs(2));
    let owner = PauseOwner::Person(person());
    sim.command(Action::Pause { rollout: rollout_id(2), owner, after_step: false }).unwrap();
    for (n, candidate) in [(8, 2), (4, 1)] {
        sim.scale(n);
        sim.advance(secs(3));
        assert_eq!((sim.count(2), sim.count(1)), (candidate, n as usize));
        assert_eq!(sim.share(2), Percent::new(25));
    }
}

#[test]
fn r08_the_deadline_rolls_back() {
    let mut sim = Sim::serving(2);
    sim.platform.broken.insert(sim.fleet(2));
    let mut plan = canary(2, &[50]);
    plan.policies.progress_deadline = secs(60);
    sim.start(plan).unwrap();
    sim.advance(secs(59));
    assert_eq!(sim.state_of(2), State::Running);
    sim.advance(secs(2));
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "PROGRESS_DEADLINE"));
    assert_eq!(sim.share(1), Percent::FULL);
}

#[test]
fn r08_with_pause_it_recovers_when_ready() {
    let mut sim = Sim::serving(2);
    sim.platform.broken.insert(sim.fleet(2));
    let mut plan = canary(2, &[50]);
    plan.policies.progress_deadline = secs(60);
    plan.policies.failure.deadline = Reaction::Pause;
    sim.start(plan).unwrap();
    sim.advance(secs(600));
    assert_eq!(sim.state_of(2), State::Running);
    assert_eq!(sim.rollout(2).pauses[0].reason.code, "PROGRESS_DEADLINE");
    sim.platform.broken.clear();
    sim.advance(secs(2));
    assert!(sim.rollout(2).pauses.is_empty());
    assert_eq!(sim.share(2), Percent::new(50));
}

#[test]
fn r09_the_deadline_stands_while_paused_or_waiting() {
    let mut sim = Sim::serving(2);
    sim.platform.broken.insert(sim.fleet(2));
    let mut plan = plans::steps(
        2,
        vec![gate(), Scale::candidate(Size::Count(1)), Step::Route(Route::share(Percent::new(50)))],
    );
    plan.policies.progress_deadline = secs(60);
    sim.start(plan).unwrap();
    sim.advance(secs(3600));
    assert_eq!(sim.state_of(2), State::Running, "a gate waits for a person");
    open(&mut sim);
    sim.advance(secs(50));
    let owner = PauseOwner::Person(person());
    sim.command(Action::Pause { rollout: rollout_id(2), owner: owner.clone(), after_step: false }).unwrap();
    sim.advance(secs(3600));
    assert_eq!(sim.state_of(2), State::Running);
    sim.command(Action::Resume { rollout: rollout_id(2), owner }).unwrap();
    sim.advance(secs(59));
    assert_eq!(sim.state_of(2), State::Running, "resuming gives it afresh");
    sim.advance(secs(2));
    assert_eq!(sim.reason_of(2), "PROGRESS_DEADLINE");
}

#[test]
fn r10_a_newly_ready_instance_moves_the_deadline() {
    let mut sim = Sim::serving(4);
    sim.platform.ready_after = None;
    let mut plan = plans::blue_green(2);
    plan.policies.progress_deadline = secs(60);
    sim.start(plan).unwrap();
    for ready in 1..4 {
        sim.advance(secs(50));
        sim.platform.set_ready(sim.fleet(2), ready);
        sim.settle();
        assert_eq!(sim.state_of(2), State::Running);
    }
    sim.advance(secs(61));
    assert_eq!(sim.reason_of(2), "PROGRESS_DEADLINE");
}

#[test]
fn r10_a_flapping_instance_does_not() {
    let mut sim = Sim::serving(2);
    sim.platform.ready_after = None;
    let mut plan = plans::blue_green(2);
    plan.policies.progress_deadline = secs(60);
    sim.start(plan).unwrap();
    for flap in 0..7 {
        sim.platform.set_ready(sim.fleet(2), flap % 2);
        sim.settle();
        sim.advance(secs(10));
    }
    assert_eq!(sim.reason_of(2), "PROGRESS_DEADLINE");
}

#[test]
fn the_share_follows_readiness_down_and_up_again() {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    sim.platform.ready_after = None;
    sim.platform.set_ready(sim.fleet(2), 1);
    sim.settle();
    sim.advance(secs(9));
    assert_eq!(sim.share(2), Percent::new(50));
    sim.advance(secs(2));
    assert_eq!(sim.share(2), Percent::new(25));
    sim.verdict(Decision::Pass);
    sim.advance(secs(10));
    assert_eq!(sim.share(2), Percent::new(25), "nothing advances while instances are missing");
    sim.platform.ready_after = Some(secs(0));
    sim.advance(secs(1));
    assert_eq!(
        sim.rollout(2).route.percent,
        Some(Percent::FULL),
        "with its instances back the passed segment ends"
    );
}

#[test]
fn a_candidate_that_is_down_is_taken_back() {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    sim.platform.ready_after = None;
    sim.platform.set_ready(sim.fleet(2), 0);
    sim.settle();
    sim.advance(secs(11));
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "CANDIDATE_DOWN"));
}

#[test]
fn too_few_ready_instances_for_too_long_are_a_deploy_failure() {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    sim.platform.ready_after = None;
    sim.platform.set_ready(sim.fleet(2), 1);
    sim.settle();
    sim.advance(secs(599));
    assert_eq!(sim.state_of(2), State::Running);
    sim.advance(secs(2));
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "NOT_READY"));
}
