//! R24, R25, R33, R37, R46, R48 and what failed candidates leave behind.

use bellwether_rollout::{Action, Choice, Decision, Event, Percent, Reaction, StableUnhealthy, State};

use crate::{
    plans::{self, canary},
    sim::{Sim, rollout_id, secs},
};

#[test]
fn r24_a_crash_loop_is_a_deploy_failure() {
    let mut sim = Sim::serving(3);
    sim.platform.ready_after = Some(secs(5));
    sim.start(plans::blue_green(2)).unwrap();
    for _ in 0..3 {
        let (fleet, now) = (sim.fleet(2), sim.now);
        sim.platform.crash(fleet, now);
        sim.settle();
        sim.advance(secs(1));
    }
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "CRASH_LOOP"));
    assert!(sim.platform.splits.iter().all(|it| it.share(sim.fleet(2)).is_zero()));
    let evidence = &sim.rollout(2).evidence;
    assert_eq!(evidence.len(), 3);
    assert_eq!(
        (evidence[0].exit.code, evidence[0].exit.log_tail.as_slice()),
        (Some(101), &["panicked".to_owned()][..])
    );
}

#[test]
fn slow_crashes_are_no_loop_and_stable_ones_are_not_blamed_on_the_candidate() {
    let mut sim = Sim::serving(3);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    for number in [2, 1, 1, 1] {
        let (fleet, now) = (sim.fleet(number), sim.now);
        sim.platform.crash(fleet, now);
        sim.settle();
        sim.advance(secs(5));
    }
    assert_eq!(sim.state_of(2), State::Running);
}

#[test]
fn r25_an_unhealthy_stable_refuses_unless_allowed() {
    let mut sim = Sim::serving(4);
    sim.platform.ready_after = None;
    sim.platform.set_ready(sim.fleet(1), 1);
    sim.settle();
    assert_eq!(sim.start(canary(2, &[50])).unwrap_err().codes(), ["STABLE_UNHEALTHY"]);
    let mut plan = canary(2, &[50]);
    plan.policies.stable_unhealthy = StableUnhealthy::Allow;
    sim.start(plan).unwrap();
    assert_eq!(sim.rollout(2).stable_floor, Some(1));
    sim.platform.set_ready(sim.fleet(2), 2);
    sim.settle();
    assert_eq!(sim.share(2), Percent::new(50));
    let spec = bellwether_rollout::analysis(&sim.state).unwrap();
    assert_eq!((spec.baseline, spec.one_sided), (None, "STABLE_UNHEALTHY"));
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::RolledBack, "stable has what it had");
    assert_eq!(sim.share(1), Percent::FULL);
}

#[test]
fn r33_an_irreversible_migration_stays() {
    let mut sim = Sim::serving(2);
    let mut plan = canary(2, &[50]);
    plan.irreversible = true;
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    sim.verdict(Decision::Fail);
    assert!(matches!(sim.state_of(2), State::NeedsOperator { .. }));
    let reason = &sim.rollout(2).reason;
    assert_eq!(
        (reason.code.as_str(), reason.values["stay"].as_str()),
        ("VERDICT_FAIL", "IRREVERSIBLE_MIGRATION")
    );
    assert_eq!(sim.share(2), Percent::new(50), "traffic is held");
    assert_eq!(sim.start(canary(3, &[10])).unwrap_err().codes(), ["STATE"]);
    sim.command(Action::Abort { rollout: rollout_id(2) }).unwrap();
    assert_eq!(sim.state_of(2), State::RolledBack, "a person can always stop it");
}

#[test]
fn r37_a_refused_route_is_retried_and_then_rolled_back() {
    let mut sim = Sim::serving(2);
    sim.start(canary(2, &[50])).unwrap();
    sim.platform.refuses = true;
    let events = {
        sim.platform.ready_after = None;
        sim.platform.set_ready(sim.fleet(2), 1);
        let seen = sim.platform.observe();
        sim.only(bellwether_rollout::Input::Observed(Box::new(seen)))
    };
    assert!(events > 0);
    assert_eq!(sim.state.split.share(sim.fleet(2)), Percent::new(50));
    for attempt in 1..=5 {
        assert_eq!(sim.state_of(2), State::Running);
        let generation = bellwether_rollout::desired(&sim.state, sim.now).generation;
        let refused = bellwether_rollout::Input::RouteRefused { generation, error: "no".into() };
        sim.refused(refused);
        assert!(!sim.rollout(2).history.is_empty(), "attempt {attempt}");
    }
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RollingBack, "ROUTE_REFUSED"));
    assert_eq!(sim.state.observed.split.as_ref().unwrap().share(sim.fleet(1)), Percent::FULL, "as read back");
    sim.platform.refuses = false;
    sim.settle();
    sim.advance(secs(5));
    assert_eq!(sim.state_of(2), State::RolledBack);
}

#[test]
fn r46_drift_is_corrected_once_and_then_contested() {
    let mut sim = Sim::serving(2);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    let right = sim.platform.split.clone();
    sim.platform.split = bellwether_rollout::Split::all_to(sim.fleet(2));
    let wrong = sim.platform.split.clone();
    sim.see();
    assert_eq!(sim.platform.split, right, "corrected");
    assert_eq!(sim.state_of(2), State::Running);
    sim.advance(secs(60));
    sim.platform.split = wrong.clone();
    sim.see();
    assert_eq!(sim.reason_of(2), "DRIFT_CONTESTED");
    assert_eq!(sim.platform.split, wrong, "not fought over");
    let choice = Choice::Retry;
    sim.command(Action::ResolveInterruption { rollout: Some(rollout_id(2)), choice }).unwrap();
    assert_eq!((sim.platform.split.clone(), sim.state_of(2)), (right.clone(), State::Running));
    sim.advance(secs(301));
    sim.platform.split = wrong;
    sim.see();
    assert_eq!(
        (sim.platform.split.clone(), sim.state_of(2)),
        (right, State::Running),
        "long after it is new"
    );
}

#[test]
fn r46_a_contest_without_a_rollout_is_the_targets() {
    let mut sim = Sim::serving(2);
    for _ in 0..2 {
        sim.platform.split = bellwether_rollout::Split::default();
        sim.see();
    }
    assert!(sim.state.contested.is_some());
    assert_eq!(sim.start(canary(2, &[50])).unwrap_err().codes(), ["DRIFT_CONTESTED"]);
    sim.command(Action::ResolveInterruption { rollout: None, choice: Choice::Retry }).unwrap();
    assert_eq!(sim.share(1), Percent::FULL);
}

#[test]
fn r46_instances_started_by_hand_go_and_missing_ones_come_back() {
    let mut sim = Sim::serving(2);
    let (fleet, now) = (sim.fleet(1), sim.now);
    sim.platform.start(fleet, now);
    sim.see();
    assert_eq!(sim.count(1), 2);
    let id = sim.platform.ids(fleet)[0];
    sim.platform.instances.remove(&id);
    sim.see();
    assert_eq!(sim.count(1), 2);
}

#[test]
fn r48_a_failed_retirement_is_the_targets_trouble() {
    let mut sim = Sim::serving(2);
    sim.start(canary(2, &[])).unwrap();
    sim.advance(secs(2));
    sim.pass();
    sim.platform.stuck = true;
    sim.advance(secs(3600));
    assert_eq!(sim.state_of(2), State::Succeeded);
    let trouble = sim.state.trouble.clone().unwrap();
    assert_eq!((trouble.reason.code.as_str(), trouble.aftercare), ("RETIREMENT_FAILED", Some(rollout_id(2))));
    assert_eq!(sim.start(canary(3, &[])).unwrap_err().codes(), ["TARGET_NEEDS_OPERATOR"]);
    sim.platform.stuck = false;
    sim.command(Action::ResolveInterruption { rollout: None, choice: Choice::Retry }).unwrap();
    sim.advance(secs(5));
    assert!(sim.state.aftercare.is_empty() && sim.state.trouble.is_none());
    assert_eq!(sim.count(1), 0);
}

#[test]
fn an_undo_that_is_stuck_asks_and_is_retried() {
    let mut sim = Sim::serving(2);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    sim.platform.stuck = true;
    sim.verdict(Decision::Fail);
    sim.advance(secs(700));
    assert_eq!(sim.reason_of(2), "UNDO_STUCK");
    assert_eq!(sim.share(1), Percent::FULL, "traffic is back all the same");
    sim.platform.stuck = false;
    sim.command(Action::Abort { rollout: rollout_id(2) }).unwrap();
    sim.advance(secs(5));
    assert_eq!(sim.state_of(2), State::RolledBack);
}

#[test]
fn deploy_failures_follow_their_own_policy() {
    for (reaction, state) in [(Reaction::Stay, "NEEDS_OPERATOR"), (Reaction::Pause, "RUNNING")] {
        let mut sim = Sim::serving(2);
        let mut plan = plans::blue_green(2);
        plan.policies.failure.deploy = reaction;
        sim.start(plan).unwrap();
        for _ in 0..3 {
            let (fleet, now) = (sim.fleet(2), sim.now);
            sim.platform.crash(fleet, now);
            sim.settle();
        }
        assert_eq!(sim.state_of(2).name(), state);
        assert_eq!(sim.rollout(2).pauses.len(), usize::from(reaction == Reaction::Pause));
        let removed = |event: &Event| matches!(event, Event::FleetRemoved { .. });
        assert!(!sim.log.iter().any(|(event, _)| removed(event)));
        sim.command(Action::ResolveInterruption { rollout: Some(rollout_id(2)), choice: Choice::RollBack })
            .unwrap();
        sim.advance(secs(5));
        assert_eq!(sim.state_of(2), State::RolledBack);
    }
}

#[test]
fn a_platform_that_refuses_is_a_deploy_failure_with_its_words() {
    let mut sim = Sim::serving(2);
    sim.platform.frozen = true;
    sim.start(canary(2, &[50])).unwrap();
    for _ in 0..5 {
        assert_eq!(sim.state_of(2), State::Running);
        let generation = bellwether_rollout::desired(&sim.state, sim.now).generation;
        let error = "no such artifact".into();
        sim.refused(bellwether_rollout::Input::RouteRefused { generation, error });
    }
    let reason = &sim.rollout(2).reason;
    assert_eq!(
        (reason.code.as_str(), reason.values["error"].as_str()),
        ("PLATFORM_REFUSED", "no such artifact")
    );
    sim.platform.frozen = false;
    sim.settle();
    assert_eq!(sim.state_of(2), State::RolledBack);
}
