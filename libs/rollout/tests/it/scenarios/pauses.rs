//! R35, R42, X06: pauses, advancing, permits.

use bellwether_rollout::{Action, Decision, PauseOwner, Percent, State, StepEnd, blocked};

use crate::{
    plans::{self, canary},
    sim::{Sim, person, rollout_id, secs},
};

fn pause(owner: PauseOwner, after_step: bool) -> Action {
    Action::Pause { rollout: rollout_id(2), owner, after_step }
}

fn resume(owner: PauseOwner) -> Action {
    Action::Resume { rollout: rollout_id(2), owner }
}

fn mine() -> PauseOwner {
    PauseOwner::Person(person())
}

fn window() -> PauseOwner {
    PauseOwner::Window("freeze".into())
}

fn advance(sim: &Sim, all: bool) -> Action {
    Action::Advance { rollout: rollout_id(2), step: sim.rollout(2).step.index, all }
}

fn baking() -> Sim {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[10, 50])).unwrap();
    sim.advance(secs(2));
    sim
}

#[test]
fn each_owner_lifts_only_its_own() {
    let mut sim = baking();
    sim.command(pause(mine(), false)).unwrap();
    sim.command(pause(window(), true)).unwrap();
    sim.pass();
    assert_eq!(sim.share(2), Percent::new(10));
    assert_eq!(blocked(&sim.state, sim.now).unwrap().code, "PAUSED");
    sim.command(resume(mine())).unwrap();
    sim.advance(secs(5));
    assert_eq!(sim.share(2), Percent::new(10), "the window still holds");
    assert_eq!(sim.command(resume(mine())).unwrap_err().codes(), ["NOT_PAUSED"]);
    sim.command(resume(window())).unwrap();
    sim.advance(secs(5));
    assert_eq!(sim.share(2), Percent::new(50));
    assert_eq!(blocked(&sim.state, sim.now), None);
}

#[test]
fn fail_goes_on_while_paused() {
    let mut sim = baking();
    sim.command(pause(mine(), false)).unwrap();
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::RolledBack);
}

#[test]
fn r35_advance_one_then_all() {
    let mut sim = baking();
    let stale = Action::Advance { rollout: rollout_id(2), step: 0, all: false };
    assert_eq!(sim.command(stale).unwrap_err().codes(), ["STEP_CHANGED"]);
    sim.command(advance(&sim, false)).unwrap();
    sim.advance(secs(2));
    assert_eq!(sim.share(2), Percent::new(50), "one bake was overridden");
    sim.advance(secs(60));
    assert_eq!(sim.share(2), Percent::new(50), "the next one counts again");
    sim.command(advance(&sim, true)).unwrap();
    sim.advance(secs(5));
    assert_eq!(sim.state_of(2), State::Succeeded);
    let overridden = sim.ends(2).iter().filter(|it| matches!(it, StepEnd::Overridden { .. })).count();
    assert_eq!(overridden, 3);
}

#[test]
fn r35_advancing_one_step_over_a_pause_keeps_the_pause() {
    let mut sim = baking();
    sim.command(pause(mine(), false)).unwrap();
    sim.pass();
    sim.command(advance(&sim, false)).unwrap();
    sim.advance(secs(3));
    assert_eq!(sim.rollout(2).step.index, 3, "one step: Scale to 50 %");
    assert_eq!(sim.share(2), Percent::new(10));
    assert_eq!(sim.rollout(2).pauses.len(), 1);
}

#[test]
fn x06_advance_all_and_abort_race_and_abort_wins() {
    for abort_first in [false, true] {
        let mut sim = baking();
        let (all, abort) = (advance(&sim, true), Action::Abort { rollout: rollout_id(2) });
        sim.platform.ready_after = None;
        if abort_first {
            sim.command(abort).unwrap();
            assert_eq!(sim.command(all).unwrap_err().codes(), ["STATE"]);
        } else {
            sim.command(all).unwrap();
            sim.command(abort).unwrap();
        }
        sim.advance(secs(60));
        assert_eq!((sim.state_of(2), sim.share(1)), (State::RolledBack, Percent::FULL));
    }
}

#[test]
fn x06_pause_and_resume_race_in_commit_order() {
    let mut sim = baking();
    sim.command(pause(mine(), false)).unwrap();
    sim.command(pause(mine(), false)).unwrap();
    sim.command(resume(mine())).unwrap();
    assert_eq!(sim.command(resume(mine())).unwrap_err().codes(), ["NOT_PAUSED"]);
    assert!(sim.rollout(2).pauses.is_empty());
}

#[test]
fn windows_and_permits_stop_advancing_too() {
    let mut sim = baking();
    sim.command(pause(window(), true)).unwrap();
    sim.command(Action::RenewPermit { rollout: rollout_id(2), until: Some(sim.now) }).unwrap();
    assert_eq!(sim.command(advance(&sim, true)).unwrap_err().codes(), ["PAUSED", "PERMIT_EXPIRED"]);
}

#[test]
fn r42_without_a_permit_nothing_goes_forward_and_everything_back() {
    let mut sim = Sim::serving(4);
    let mut plan = canary(2, &[10, 50]);
    plan.permit_until = Some(bellwether_rollout::after(sim.now, secs(4)));
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    sim.pass();
    assert_eq!(sim.share(2), Percent::new(10));
    assert_eq!(blocked(&sim.state, sim.now).unwrap().code, "PERMIT_EXPIRED");
    let until = Some(bellwether_rollout::after(sim.now, secs(60)));
    sim.command(Action::RenewPermit { rollout: rollout_id(2), until }).unwrap();
    sim.advance(secs(3));
    assert_eq!(sim.share(2), Percent::new(50));
    sim.advance(secs(120));
    sim.command(Action::Abort { rollout: rollout_id(2) }).unwrap();
    assert_eq!(sim.state_of(2), State::RolledBack, "undoing never needs a permit");
}

#[test]
fn a_paused_pending_rollout_starts_when_resumed() {
    let mut sim = Sim::serving(2);
    let mut plan = canary(2, &[50]);
    plan.permit_until = Some(sim.now);
    sim.start(plan).unwrap();
    sim.command(pause(mine(), false)).unwrap();
    sim.command(Action::RenewPermit { rollout: rollout_id(2), until: None }).unwrap();
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::Pending, "PAUSED"));
    sim.command(resume(mine())).unwrap();
    assert_eq!(sim.state_of(2), State::Running);
}

#[test]
fn a_bake_stands_still_while_paused() {
    let mut sim = Sim::serving(2);
    sim.start(plans::blue_green(2)).unwrap();
    sim.advance(secs(2));
    sim.monitor_up(2);
    sim.command(pause(mine(), false)).unwrap();
    sim.advance(secs(3600));
    assert!(sim.rollout(2).hold.is_none(), "max does not run");
    sim.command(resume(mine())).unwrap();
    sim.advance(secs(121));
    assert!(sim.rollout(2).hold.is_some());
}

#[test]
fn a_person_may_go_on_over_a_hold() {
    let mut sim = baking();
    sim.pass();
    sim.advance(secs(2));
    assert_eq!(sim.share(2), Percent::new(50));
    let last_heard = sim.now;
    sim.input(bellwether_rollout::Input::MonitorLost { rollout: rollout_id(2), last_heard });
    sim.advance(secs(60));
    sim.command(advance(&sim, false)).unwrap();
    sim.advance(secs(3));
    assert_eq!(sim.share(2), Percent::FULL);
}

#[test]
fn a_second_pause_of_the_same_owner_says_the_newer_reason() {
    let mut sim = baking();
    sim.command_for("lunch", pause(mine(), false)).unwrap();
    let since = sim.now;
    sim.advance(secs(30));
    let version = sim.state.version;
    sim.command_for("lunch", pause(mine(), false)).unwrap();
    assert_eq!(sim.state.version, version, "nothing is new");
    sim.command_for("an incident", pause(mine(), true)).unwrap();
    let [pause] = sim.rollout(2).pauses.as_slice() else { panic!("one owner has one pause") };
    assert_eq!((pause.reason.text.as_str(), pause.since, pause.after_step), ("an incident", since, true));
    assert!(sim.rollout(2).step.progress.since.is_some(), "the step itself is not held any more");
}

#[test]
fn a_pause_is_taken_while_undoing_and_changes_nothing_about_it() {
    let mut sim = baking();
    sim.platform.clinging = true;
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::RollingBack);
    sim.command(pause(mine(), false)).unwrap();
    sim.advance(secs(60));
    assert_eq!(sim.state_of(2), State::RolledBack);
}
