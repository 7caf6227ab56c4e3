//! R40 and take-overs: what a person decides.

use bellwether_rollout::{Action, Choice, Decision, Effect, Percent, State, StepEnd, effects};

use crate::{
    plans::{self, canary},
    sim::{Sim, rollout_id, secs},
};

fn resolve(choice: Choice) -> Action {
    Action::ResolveInterruption { rollout: Some(rollout_id(2)), choice }
}

/// A guided rollout that has failed at 50 %.
fn guided() -> Sim {
    let mut sim = Sim::serving(4);
    let mut plan = canary(2, &[50]);
    plan.policies.guided = true;
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    sim.verdict(Decision::Fail);
    assert_eq!(sim.reason_of(2), "VERDICT_FAIL");
    assert!(matches!(sim.state_of(2), State::NeedsOperator { .. }));
    assert_eq!(sim.share(2), Percent::new(50));
    sim
}

#[test]
fn r40_retry_runs_the_step_again_with_a_fresh_analysis() {
    let mut sim = guided();
    sim.command(resolve(Choice::Retry)).unwrap();
    assert_eq!(
        (sim.state_of(2), sim.rollout(2).step.attempt, sim.rollout(2).analysis),
        (State::Running, 2, 2)
    );
    sim.pass();
    assert_eq!(sim.share(2), Percent::FULL);
}

#[test]
fn r40_ignore_overrides_the_bakes_that_follow() {
    let mut sim = guided();
    sim.command_for("known problem", resolve(Choice::Ignore)).unwrap();
    sim.advance(secs(10));
    assert_eq!(sim.state_of(2), State::Succeeded);
    let overridden = sim
        .ends(2)
        .into_iter()
        .filter(|it| matches!(it, StepEnd::Overridden { reason, .. } if reason == "known problem"));
    assert_eq!(overridden.count(), 2);
}

#[test]
fn r40_roll_back() {
    let mut sim = guided();
    sim.command_for("too many errors", resolve(Choice::RollBack)).unwrap();
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "OPERATOR_ROLL_BACK"));
    assert_eq!(sim.rollout(2).reason.text, "too many errors");
}

#[test]
fn r40_taken_over_converges_nothing_until_handed_back() {
    let mut sim = guided();
    sim.command(resolve(Choice::TakenOver)).unwrap();
    let by_hand = bellwether_rollout::Split::all_to(sim.fleet(1));
    sim.platform.split = by_hand.clone();
    sim.see();
    sim.scale(6);
    sim.advance(secs(3600));
    assert_eq!((sim.count(1), sim.platform.split.clone()), (4, by_hand));
    for refused in [resolve(Choice::Retry), Action::Abort { rollout: rollout_id(2) }] {
        assert_eq!(sim.command(refused).unwrap_err().codes(), ["STATE"]);
    }
    sim.command(Action::HandBack).unwrap();
    sim.advance(secs(5));
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "HANDED_BACK"));
    assert_eq!((sim.count(1), sim.count(2)), (6, 0));
    assert_eq!(sim.share(1), Percent::FULL);
}

#[test]
fn an_emergency_route_on_the_platform_takes_over() {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    sim.platform.taken_over = Some("emergency".into());
    sim.platform.split = bellwether_rollout::Split::all_to(sim.fleet(1));
    sim.see();
    assert!(matches!(sim.state_of(2), State::NeedsOperator { taken_over: true, .. }));
    assert_eq!(sim.reason_of(2), "TAKEN_OVER");
    sim.verdict(Decision::Fail);
    assert!(matches!(sim.state_of(2), State::NeedsOperator { taken_over: true, .. }), "recorded only");
    sim.restart();
    sim.command(Action::HandBack).unwrap();
    assert_eq!(effects(&sim.state).last(), Some(&Effect::HandBack));
    sim.platform.taken_over = None;
    sim.see();
    sim.advance(secs(5));
    assert_eq!(sim.state_of(2), State::RolledBack);
    assert!(effects(&sim.state).is_empty());
    assert_eq!(sim.share(1), Percent::FULL);
}

#[test]
fn a_take_over_without_a_rollout_refuses_new_ones() {
    let mut sim = Sim::serving(2);
    sim.platform.taken_over = Some("emergency".into());
    sim.see();
    assert_eq!(sim.start(canary(2, &[50])).unwrap_err().codes(), ["TAKEN_OVER"]);
    sim.command(Action::HandBack).unwrap();
    sim.platform.taken_over = None;
    sim.see();
    sim.start(canary(2, &[50])).unwrap();
    assert_eq!(sim.command(Action::HandBack).unwrap_err().codes(), ["STATE"]);
}

#[test]
fn fail_acts_also_while_a_person_is_asked_about_something_else() {
    let mut sim = Sim::serving(2);
    let mut plan = canary(2, &[50]);
    plan.policies.failure.deploy = bellwether_rollout::Reaction::Stay;
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    for _ in 0..3 {
        let (fleet, now) = (sim.fleet(2), sim.now);
        sim.platform.crash(fleet, now);
        sim.settle();
    }
    assert_eq!(sim.reason_of(2), "CRASH_LOOP");
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::RolledBack);
}

#[test]
fn what_later_steps_rest_on_cannot_be_ignored() {
    let mut sim = Sim::serving(2);
    let mut plan = plans::blue_green(2);
    plan.policies.guided = true;
    sim.start(plan).unwrap();
    sim.platform.refuses = true;
    sim.advance(secs(2));
    assert_eq!(sim.reason_of(2), "ROUTE_REFUSED");
    assert_eq!(sim.command(resolve(Choice::Ignore)).unwrap_err().codes(), ["STEP_NEEDED"]);
    sim.platform.refuses = false;
    sim.command(resolve(Choice::Retry)).unwrap();
    assert_eq!(sim.share(2), Percent::FULL);
}
