//! What the platform names as the reason why a candidate does not run.

use bellwether_rollout::{Percent, Reason, State};

use crate::{
    plans::{self, canary},
    sim::{Sim, secs},
};

/// A candidate that never becomes ready, with what the platform says about it.
fn stuck(pick: u8) -> Sim {
    let mut sim = Sim::serving(2);
    sim.platform.broken.insert(sim.fleet(2));
    sim.start(canary(2, &[50])).unwrap();
    sim.platform.problems = plans::problems(sim.fleet(2), pick);
    sim.see();
    sim
}

fn explained(reason: &Reason, code: &str) {
    assert_eq!(reason.code, code);
    assert!(reason.text.contains("no such file"), "{reason}");
    assert!(reason.text.contains("Correct the command."), "{reason}");
    assert_eq!(reason.values["remedy"], "Correct the command.");
}

#[test]
fn one_that_lasts_is_a_deploy_failure_soon() {
    let mut sim = stuck(0);
    sim.advance(secs(9));
    assert_eq!(sim.state_of(2), State::Running, "it may have been a moment only");
    sim.advance(secs(2));
    assert_eq!((sim.state_of(2), sim.share(1)), (State::RolledBack, Percent::FULL));
    explained(&sim.rollout(2).reason, "START_FAILED");
    sim.restart();
}

#[test]
fn one_that_goes_away_is_forgotten() {
    let mut sim = stuck(0);
    sim.advance(secs(9));
    sim.platform.problems.clear();
    sim.see();
    sim.platform.problems = plans::problems(sim.fleet(2), 0);
    sim.see();
    sim.advance(secs(9));
    assert_eq!(sim.state_of(2), State::Running);
}

#[test]
fn one_that_may_go_away_is_the_reason_at_the_deadline() {
    let mut sim = stuck(1);
    sim.advance(secs(599));
    assert_eq!(sim.state_of(2), State::Running);
    sim.advance(secs(3));
    assert_eq!(sim.state_of(2), State::RolledBack);
    explained(&sim.rollout(2).reason, "NO_PORT");
    assert_eq!(sim.rollout(2).reason.values["failure"], "PROGRESS_DEADLINE");
}

#[test]
fn what_ended_again_and_again_says_why() {
    let mut sim = stuck(1);
    for _ in 0..3 {
        let (fleet, now) = (sim.fleet(2), sim.now);
        sim.platform.crash(fleet, now);
        sim.settle();
    }
    let reason = sim.rollout(2).reason.clone();
    explained(&reason, "NO_PORT");
    assert_eq!((reason.values["failure"].as_str(), reason.values["crashes"].as_str()), ("CRASH_LOOP", "3"));
}

#[test]
fn stables_own_problem_is_not_the_candidates() {
    let mut sim = Sim::serving(2);
    sim.start(canary(2, &[50])).unwrap();
    sim.platform.problems = plans::problems(sim.fleet(1), 0);
    sim.see();
    sim.advance(secs(60));
    assert_eq!(sim.state_of(2), State::Running);
}
