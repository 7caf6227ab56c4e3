//! R13, R14, R23, R36, R43, R47: newer releases, equal releases.

use bellwether_rollout::{Action, OnNewer, Percent, RolloutEvent, State};

use crate::{
    plans::{self, canary},
    sim::{Sim, rollout_id, secs},
};

#[test]
fn r13_a_newer_release_supersedes() {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    sim.start(canary(3, &[10])).unwrap();
    assert_eq!(sim.state_of(2), State::Superseded);
    assert_eq!(sim.rollout(2).superseded_by, Some(rollout_id(3)));
    assert_eq!(sim.count(2), 0);
    assert_eq!((sim.state_of(3), sim.rollout(3).step.index), (State::Running, 0));
    sim.advance(secs(2));
    assert_eq!((sim.share(3), sim.share(1)), (Percent::new(10), Percent::new(90)));
    assert_eq!(sim.rollout(3).stable_before, Some(sim.fleet(1)));
    assert!(sim.platform.splits.iter().all(|it| it.shares.len() <= 2));
}

#[test]
fn r13_it_waits_until_the_old_candidate_is_gone() {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    sim.platform.clinging = true;
    sim.start(canary(3, &[10])).unwrap();
    assert_eq!((sim.state_of(2), sim.state_of(3)), (State::RollingBack, State::Pending));
    assert_eq!(sim.reason_of(3), "QUEUED");
    sim.start(canary(4, &[10])).unwrap();
    assert_eq!(sim.state_of(3), State::Superseded, "nothing was changed");
    sim.advance(secs(40));
    assert_eq!((sim.state_of(2), sim.state_of(4)), (State::Superseded, State::Running));
    assert_eq!(sim.rollout(2).superseded_by, Some(rollout_id(3)));
}

#[test]
fn r14_back_to_stable_needs_no_steps() {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    let mut same = canary(3, &[10]);
    same.fleet = plans::spec(1);
    sim.start(same).unwrap();
    assert_eq!(sim.state_of(2), State::Superseded);
    assert_eq!((sim.state_of(3), sim.reason_of(3)), (State::Succeeded, "UNCHANGED"));
    assert!(!sim.events_of(3).any(|it| matches!(it, RolloutEvent::StepStarted { .. })));
    assert_eq!(sim.share(1), Percent::FULL);
}

#[test]
fn r23_strategies_change_between_releases() {
    let mut sim = Sim::serving(3);
    sim.start(canary(2, &[50])).unwrap();
    for _ in 0..3 {
        sim.advance(secs(5));
        if !sim.rollout(2).ended() {
            sim.pass();
        }
    }
    assert_eq!(sim.state_of(2), State::Succeeded);
    sim.start(plans::blue_green(3)).unwrap();
    assert_eq!(sim.reason_of(3), "STEP", "the kept fleet was retired at once");
    sim.advance(secs(5));
    sim.pass();
    assert_eq!(sim.state_of(3), State::Succeeded);
    sim.advance(secs(700));
    assert_eq!(sim.platform.instances.len(), 3);
    assert_eq!(sim.count(3), 3);
    assert_eq!(sim.platform.split.shares.len(), 1);
}

#[test]
fn r36_the_same_version_is_unchanged() {
    let mut sim = Sim::serving(2);
    let mut same = canary(2, &[10]);
    same.fleet = plans::spec(1);
    sim.start(same).unwrap();
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::Succeeded, "UNCHANGED"));
    assert_eq!(sim.state.stable, Some(sim.fleet(1)));
}

#[test]
fn r43_configuration_alone_is_a_rollout() {
    let mut sim = Sim::serving(2);
    let mut plan = canary(2, &[50]);
    plan.fleet = plans::spec(1);
    plan.fleet.configuration_digest = "sha256:new".into();
    sim.start(plan).unwrap();
    assert_eq!(sim.state_of(2), State::Running);
}

#[test]
fn r47_equal_to_stable_aborts_the_other_also_where_releases_queue() {
    let mut sim = Sim::serving(2);
    let mut plan = canary(2, &[50]);
    plan.policies.newer = OnNewer::Queue;
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    let mut same = canary(3, &[10]);
    same.fleet = plans::spec(1);
    sim.start(same).unwrap();
    assert_eq!((sim.state_of(2), sim.state_of(3)), (State::Superseded, State::Succeeded));
}

#[test]
fn queued_releases_run_one_after_the_other() {
    let mut sim = Sim::serving(2);
    for number in 2..4 {
        let mut plan = canary(number, &[]);
        plan.policies.newer = OnNewer::Queue;
        sim.start(plan).unwrap();
    }
    sim.advance(secs(2));
    assert_eq!((sim.state_of(2), sim.state_of(3)), (State::Running, State::Pending));
    sim.pass();
    assert_eq!(sim.state_of(2), State::Succeeded);
    sim.advance(secs(5));
    sim.pass();
    assert_eq!(sim.state_of(3), State::Succeeded);
}

#[test]
fn the_same_id_is_refused_and_a_second_target_owner_too() {
    let mut sim = Sim::serving(2);
    sim.start(canary(2, &[50])).unwrap();
    assert_eq!(sim.start(canary(2, &[50])).unwrap_err().codes(), ["ALREADY_EXISTS"]);
    assert_eq!(sim.command(Action::Delete).unwrap_err().codes(), ["STATE"]);
    sim.command(Action::Abort { rollout: rollout_id(2) }).unwrap();
    sim.command(Action::Delete).unwrap();
    assert!(sim.platform.instances.is_empty());
    assert_eq!(sim.start(canary(5, &[50])).unwrap_err().codes(), ["NOT_FOUND"]);
}
