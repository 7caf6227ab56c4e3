//! R31, R50: what one target loses, and what several lose together.

use bellwether_rollout::{Decision, HoldKind, Incident, Input, Percent, Reaction, Reason, State};

use crate::{
    plans::canary,
    sim::{Sim, rollout_id, secs},
};

/// At 50 % under observation, with the policy that a lost monitor or source takes it back.
fn watched() -> Sim {
    let mut sim = Sim::serving(4);
    let mut plan = canary(2, &[50]);
    plan.policies.failure.monitor_lost = Reaction::RollBack;
    plan.policies.failure.error = Reaction::RollBack;
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    sim.monitor_up(2);
    sim
}

fn lost(sim: &mut Sim) {
    let last_heard = sim.now;
    sim.input(Input::MonitorLost { rollout: rollout_id(2), last_heard });
}

fn common(sim: &mut Sim) {
    let reason = Reason::new("COMMON_MODE", "3 targets lost the monitor").with("incident", "i-1");
    sim.input(Input::CommonMode { rollout: rollout_id(2), reason });
}

fn hold(sim: &Sim) -> Option<HoldKind> {
    sim.rollout(2).hold.as_ref().map(|it| it.kind)
}

#[test]
fn r31_a_monitor_that_one_target_loses_is_answered_by_its_policy_after_a_minute() {
    let mut sim = watched();
    lost(&mut sim);
    sim.advance(secs(59));
    assert_eq!((sim.state_of(2), hold(&sim)), (State::Running, Some(HoldKind::MonitorLost)));
    sim.advance(secs(2));
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "MONITOR_LOST"));
}

#[test]
fn r31_a_monitor_that_comes_back_within_the_minute_takes_nothing_back() {
    let mut sim = watched();
    lost(&mut sim);
    sim.advance(secs(50));
    sim.monitor_up(2);
    sim.advance(secs(100));
    assert_eq!((sim.state_of(2), sim.share(2)), (State::Running, Percent::new(50)));
}

#[test]
fn r50_a_monitor_that_several_lose_holds_whatever_the_policy_says() {
    let mut sim = watched();
    lost(&mut sim);
    sim.advance(secs(30));
    common(&mut sim);
    sim.advance(secs(4000));
    lost(&mut sim);
    assert_eq!((sim.state_of(2), hold(&sim)), (State::Running, Some(HoldKind::CommonMode)));
    assert_eq!(sim.share(2), Percent::new(50));
    sim.restart();
    sim.monitor_up(2);
    assert_eq!(hold(&sim), None);
    sim.pass();
    assert_eq!(sim.share(2), Percent::FULL);
}

#[test]
fn r50_a_source_that_several_lose_holds_until_it_is_back() {
    let mut sim = watched();
    sim.verdict_with(Decision::Error, Reason::new("SOURCE_FAILED", "prometheus"));
    common(&mut sim);
    sim.advance(secs(4000));
    assert_eq!((sim.state_of(2), hold(&sim)), (State::Running, Some(HoldKind::CommonMode)));
    sim.pass();
    assert_eq!((hold(&sim), sim.share(2)), (None, Percent::FULL));
}

#[test]
fn a_source_that_one_target_loses_is_answered_by_its_policy_after_a_minute() {
    let mut sim = watched();
    sim.verdict_with(Decision::Error, Reason::new("SOURCE_FAILED", "prometheus"));
    sim.advance(secs(61));
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "SOURCE_FAILED"));
}

#[test]
fn what_is_not_lost_is_no_common_mode() {
    let mut sim = watched();
    let version = sim.state.version;
    common(&mut sim);
    assert_eq!(sim.state.version, version);
}

#[test]
fn an_incident_is_told_once() {
    let mut sim = watched();
    let targets = ["targets/a@p", "targets/b@p"].map(String::from).into();
    let incident = Incident { id: "i-1".into(), reason: Reason::new("MONITOR_LOST", "gone"), targets };
    sim.input(Input::Incident(Box::new(incident.clone())));
    let version = sim.state.version;
    sim.input(Input::Incident(Box::new(incident.clone())));
    assert_eq!((sim.state.version, sim.state.incident.as_ref()), (version, Some(&incident)));
    sim.restart();
}
