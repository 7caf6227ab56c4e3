//! R19–R21: rollback after success.

use bellwether_rollout::{Action, Kind, Percent, Reaction, State};

use crate::{
    plans::{self, canary},
    sim::{Sim, rollout_id, secs},
};

fn rollback(of: u128, new: u128) -> Action {
    Action::Rollback { rollout: rollout_id(of), new: rollout_id(new) }
}

fn released() -> Sim {
    let mut sim = Sim::serving(3);
    sim.start(canary(2, &[])).unwrap();
    sim.advance(secs(2));
    sim.pass();
    assert_eq!(sim.state_of(2), State::Succeeded);
    sim
}

#[test]
fn r19_within_keep_it_is_one_route() {
    let mut sim = released();
    let splits = sim.platform.splits.len();
    let kept = sim.platform.ids(sim.fleet(1));
    sim.command(rollback(2, 9)).unwrap();
    assert_eq!(sim.share(1), Percent::FULL, "in the same moment");
    assert_eq!((sim.state_of(9), sim.state_of(2)), (State::Succeeded, State::Succeeded));
    assert_eq!(sim.rollout(9).kind, Kind::Rollback { of: rollout_id(2) });
    assert_eq!(sim.platform.splits.len(), splits + 1, "one route change");
    assert_eq!(sim.platform.started[&sim.fleet(1)], 3, "no instance started");
    assert_eq!(sim.platform.ids(sim.fleet(1)), kept);
    assert_eq!(sim.state.stable, Some(sim.fleet(1)));
    sim.advance(secs(60));
    assert_eq!(sim.count(2), 0, "what was taken back is not kept");
    sim.restart();
}

#[test]
fn r20_after_keep_it_is_a_new_rollout_straight_to_100() {
    let mut sim = released();
    sim.advance(secs(700));
    assert_eq!(sim.count(1), 0);
    sim.command(rollback(2, 9)).unwrap();
    assert_eq!(sim.state_of(9), State::Running);
    assert_eq!(sim.share(9), Percent::ZERO, "not before it is ready");
    sim.advance(secs(2));
    assert_eq!((sim.state_of(9), sim.share(9)), (State::Succeeded, Percent::FULL));
    assert_eq!(sim.rollout(9).request.fleet, plans::spec(1));
}

#[test]
fn r21_a_rollback_that_fails_asks() {
    let mut sim = released();
    sim.advance(secs(700));
    sim.platform.broken.insert(sim.fleet(9));
    sim.command(rollback(2, 9)).unwrap();
    sim.advance(secs(700));
    assert!(matches!(sim.state_of(9), State::NeedsOperator { .. }));
    let reason = &sim.rollout(9).reason;
    assert_eq!(
        (reason.code.as_str(), reason.values["stay"].as_str()),
        ("PROGRESS_DEADLINE", "ROLLBACK_IS_NOT_ROLLED_BACK")
    );
    assert_eq!(sim.share(2), Percent::FULL);
    sim.command(Action::Abort { rollout: rollout_id(9) }).unwrap();
    sim.advance(secs(5));
    assert_eq!((sim.state_of(9), sim.count(9), sim.share(2)), (State::RolledBack, 0, Percent::FULL));
}

#[test]
fn an_aborted_rollback_keeps_the_kept_fleet() {
    let mut sim = released();
    sim.platform.frozen = true;
    sim.command(rollback(2, 9)).unwrap();
    assert_eq!(sim.state_of(9), State::Running);
    sim.command(Action::Abort { rollout: rollout_id(9) }).unwrap();
    sim.platform.frozen = false;
    sim.settle();
    sim.advance(secs(5));
    assert_eq!((sim.state_of(9), sim.share(2), sim.count(1)), (State::RolledBack, Percent::FULL, 3));
    assert_eq!(sim.state.aftercare.len(), 1);
    sim.advance(secs(700));
    assert_eq!(sim.count(1), 0);
}

#[test]
fn what_cannot_be_taken_back_is_refused() {
    let mut sim = released();
    assert_eq!(sim.command(rollback(1, 9)).unwrap_err().codes(), ["NO_PREVIOUS_VERSION"]);
    assert_eq!(sim.command(rollback(7, 9)).unwrap_err().codes(), ["NOT_FOUND"]);
    sim.start(canary(3, &[])).unwrap();
    assert_eq!(sim.command(rollback(3, 9)).unwrap_err().codes(), ["STATE"]);
    sim.advance(secs(5));
    sim.pass();
    let mut plan = canary(4, &[]);
    plan.policies.rollback_window = 1;
    sim.start(plan).unwrap();
    sim.advance(secs(5));
    sim.pass();
    assert_eq!(sim.state_of(4), State::Succeeded);
    sim.command(rollback(2, 9)).unwrap();
    sim.advance(secs(5));
    assert_eq!((sim.state_of(9), sim.rollout(9).request.fleet.clone()), (State::Succeeded, plans::spec(1)));
}

#[test]
fn a_rollback_that_is_taken_back_goes_on_backwards_and_never_to_what_it_had_taken_away() {
    let mut sim = released();
    sim.command(rollback(2, 8)).unwrap();
    sim.advance(secs(5));
    assert_eq!(sim.command(rollback(8, 9)).unwrap_err().codes(), ["NO_PREVIOUS_VERSION"], "1 was the first");
    sim.start(canary(3, &[])).unwrap();
    sim.advance(secs(5));
    sim.pass();
    sim.start(canary(4, &[])).unwrap();
    sim.advance(secs(5));
    sim.pass();
    for (of, new, served) in [(4, 10, 3), (10, 11, 1)] {
        sim.command(rollback(of, new)).unwrap();
        sim.advance(secs(700));
        let rollout = sim.rollout(new);
        assert_eq!((rollout.state, &rollout.request.fleet), (State::Succeeded, &plans::spec(served)));
    }
    assert_eq!(sim.command(rollback(11, 12)).unwrap_err().codes(), ["NO_PREVIOUS_VERSION"]);
    sim.restart();
}

#[test]
fn a_newer_release_waits_for_a_rollback() {
    let mut sim = released();
    sim.advance(secs(700));
    sim.command(rollback(2, 9)).unwrap();
    let mut plan = canary(3, &[50]);
    plan.policies.failure.verdict = Reaction::RollBack;
    sim.start(plan).unwrap();
    assert_eq!((sim.state_of(9), sim.state_of(3)), (State::Running, State::Pending));
    sim.advance(secs(5));
    assert_eq!((sim.state_of(9), sim.state_of(3)), (State::Succeeded, State::Running));
}

#[test]
fn many_failed_releases_later_the_one_that_serves_can_still_be_taken_back() {
    let mut sim = released();
    for number in 10..40 {
        sim.start(canary(number, &[50])).unwrap();
        sim.advance(secs(40));
        sim.command(Action::Abort { rollout: rollout_id(number) }).unwrap();
        sim.advance(secs(40));
        assert_eq!(sim.state_of(number), State::RolledBack);
    }
    assert_eq!(sim.state.rollouts.len(), 2 + 5);
    sim.command(rollback(2, 9)).unwrap();
    sim.advance(secs(5));
    assert_eq!(sim.state_of(9), State::Succeeded);
    sim.restart();
}
