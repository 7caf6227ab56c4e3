//! X01: a process that dies again and again leaves no trace by itself, and still comes on.

use bellwether_rollout::{Action, Command, Input, PauseOwner, Percent, StepEnd};

use crate::{
    plans::canary,
    sim::{Sim, person, rollout_id, secs},
};

fn baking() -> Sim {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    sim.verdict(bellwether_rollout::Decision::Pass);
    sim
}

fn passed(sim: &Sim) -> usize {
    sim.rollout(2).history.iter().filter(|it| it.end == StepEnd::Passed).count()
}

#[test]
fn a_start_commits_nothing_and_counts_nothing_that_nobody_observed() {
    let mut sim = baking();
    let last_heard = sim.now;
    sim.now = bellwether_rollout::after(sim.now, secs(3600));
    assert_eq!(sim.resume(last_heard, Input::Tick), 0);
    assert_eq!((passed(&sim), sim.share(2)), (0, Percent::new(50)));
    let since = bellwether_rollout::after(last_heard, secs(3598));
    assert!(sim.resume(last_heard, Input::MonitorUp { rollout: rollout_id(2), since }) > 0);
    assert_eq!(passed(&sim), 0, "2 s of 5 s were observed");
    assert_eq!(sim.rollout(2).hold, None);
    sim.advance(secs(3));
    assert_eq!(passed(&sim), 1);
    sim.restart();
}

#[test]
fn every_life_adds_what_it_observed_with_a_single_commit() {
    let mut sim = baking();
    for _ in 0..5 {
        assert_eq!(passed(&sim), 0);
        let last_heard = sim.now;
        let since = bellwether_rollout::after(sim.now, secs(60));
        sim.now = bellwether_rollout::after(since, secs(1));
        sim.resume(last_heard, Input::MonitorUp { rollout: rollout_id(2), since });
    }
    assert_eq!(passed(&sim), 1);
}

#[test]
fn a_command_says_first_what_was_not_observed() {
    let mut sim = baking();
    let last_heard = sim.now;
    sim.now = bellwether_rollout::after(sim.now, secs(3600));
    let action =
        Action::Pause { rollout: rollout_id(2), owner: PauseOwner::Person(person()), after_step: true };
    let command = Command { by: person(), reason: "slowly".into(), action };
    assert_eq!(sim.resume(last_heard, Input::Command(Box::new(command))), 3);
    assert!(!sim.rollout(2).monitor.up);
}

#[test]
fn a_monitor_that_is_really_lost_is_lost_since_the_last_event() {
    let mut sim = baking();
    let last_heard = sim.now;
    sim.now = bellwether_rollout::after(sim.now, secs(60));
    let lost = Input::MonitorLost { rollout: rollout_id(2), last_heard: sim.now };
    assert_eq!(sim.resume(last_heard, lost), 2);
    assert_eq!(sim.rollout(2).monitor.since, Some(last_heard));
    sim.restart();
}
