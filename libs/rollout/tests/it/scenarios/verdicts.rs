//! R29–R32, R44, R45, R49, X05, X08: what verdicts do.

use bellwether_rollout::{
    Decision, HoldKind, Input, ItemKind, ItemStatus, Level, Occasion, Percent, Reaction, Reason, State,
    StepEnd,
    verdict::{COMMON_MODE, Check, PASS_BY_POLICY},
};

use crate::{
    plans::{self, canary},
    sim::{Sim, rollout_id, secs},
};

fn baking() -> Sim {
    let mut sim = Sim::serving(4);
    sim.start(canary(2, &[50])).unwrap();
    sim.advance(secs(2));
    sim
}

fn hold(sim: &Sim) -> Option<HoldKind> {
    sim.rollout(2).hold.as_ref().map(|it| it.kind)
}

#[test]
fn pass_counts_after_min_under_observation() {
    let mut sim = baking();
    sim.verdict(Decision::Pass);
    assert_eq!(sim.share(2), Percent::new(50));
    sim.advance(secs(4));
    assert_eq!(sim.share(2), Percent::new(50));
    sim.advance(secs(2));
    assert_eq!(sim.rollout(2).ends_passed(), 1);
}

trait Ends {
    fn ends_passed(&self) -> usize;
}

impl Ends for bellwether_rollout::Rollout {
    fn ends_passed(&self) -> usize {
        self.history.iter().filter(|it| it.end == StepEnd::Passed).count()
    }
}

#[test]
fn r29_fail_between_steps_acts_at_once() {
    let mut sim = baking();
    sim.verdict(Decision::Pass);
    sim.platform.ready_after = None;
    sim.advance(secs(6));
    assert_eq!(sim.rollout(2).current().unwrap().kind(), bellwether_rollout::StepKind::Scale);
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::RolledBack);
}

#[test]
fn r30_no_data_holds_and_goes_on_when_it_returns() {
    let mut sim = baking();
    sim.verdict_with(Decision::NoData, Reason::new("NO_DATA", "nothing for 3 intervals"));
    assert_eq!(hold(&sim), Some(HoldKind::NoData));
    sim.advance(secs(600));
    assert_eq!((sim.state_of(2), sim.share(2)), (State::Running, Percent::new(50)));
    sim.verdict(Decision::Pass);
    sim.advance(secs(3));
    assert_eq!(hold(&sim), None);
    assert_eq!(sim.share(2), Percent::FULL);
}

#[test]
fn r30_no_data_past_max_hold_rolls_back() {
    let mut sim = baking();
    sim.verdict_with(Decision::NoData, Reason::new("NO_DATA", "nothing for 3 intervals"));
    sim.advance(secs(901));
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "NO_DATA"));
}

#[test]
fn r31_a_lost_monitor_holds_and_its_time_does_not_count() {
    let mut sim = baking();
    sim.monitor_up(2);
    sim.advance(secs(3));
    let last_heard = sim.now;
    sim.advance(secs(5));
    sim.input(Input::MonitorLost { rollout: rollout_id(2), last_heard });
    assert_eq!(hold(&sim), Some(HoldKind::MonitorLost));
    sim.advance(secs(600));
    assert_eq!((sim.state_of(2), sim.share(2)), (State::Running, Percent::new(50)));
    sim.verdict(Decision::Pass);
    assert_eq!(hold(&sim), None);
    assert_eq!(sim.share(2), Percent::new(50), "3 s were observed, 5 s are needed");
    sim.advance(secs(2));
    assert_eq!(sim.rollout(2).ends_passed(), 1);
}

#[test]
fn r32_undecided_at_max_holds_and_asks_by_default() {
    let mut sim = baking();
    sim.verdict_with(
        Decision::Undecided,
        Reason::new("UNDECIDED", "0.1 % to 0.9 %").with("high_percent", 0.9),
    );
    sim.advance(secs(300));
    assert_eq!((sim.state_of(2), hold(&sim)), (State::Running, Some(HoldKind::Undecided)));
    assert_eq!(sim.rollout(2).hold.as_ref().unwrap().reason.values["high_percent"], "0.9");
    sim.verdict(Decision::Pass);
    sim.advance(secs(3));
    assert_eq!(hold(&sim), None);
    assert_eq!(sim.rollout(2).ends_passed(), 1);
}

#[test]
fn r32_undecided_at_max_advances_where_the_policy_says_so() {
    let mut sim = Sim::serving(4);
    let mut plan = canary(2, &[50]);
    plan.policies.failure.undecided = Reaction::Advance;
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    sim.verdict_with(
        Decision::Undecided,
        Reason::new("UNDECIDED", "0.1 % to 0.9 %").with("high_percent", 0.9),
    );
    sim.advance(secs(121));
    let end = sim.ends(2).into_iter().find(|it| matches!(it, StepEnd::ByPolicy { .. })).unwrap();
    let StepEnd::ByPolicy { reason } = end else { unreachable!() };
    assert_eq!((reason.code.as_str(), reason.values["high_percent"].as_str()), ("UNDECIDED_AT_MAX", "0.9"));
}

#[test]
fn pass_by_policy_is_recorded_as_such() {
    let mut sim = baking();
    sim.verdict_with(Decision::Undecided, Reason::new(PASS_BY_POLICY, "LOW risk, probes are green"));
    sim.advance(secs(6));
    assert!(
        sim.ends(2)
            .iter()
            .any(|it| matches!(it, StepEnd::ByPolicy { reason } if reason.code == PASS_BY_POLICY))
    );
}

#[test]
fn r49_common_mode_holds_past_every_limit() {
    let mut sim = baking();
    sim.verdict_with(Decision::Undecided, Reason::new(COMMON_MODE, "stable is as bad"));
    sim.advance(secs(4000));
    assert_eq!((sim.state_of(2), hold(&sim)), (State::Running, Some(HoldKind::CommonMode)));
    sim.verdict_with(Decision::Undecided, Reason::new("UNDECIDED", "stable is well"));
    assert_eq!(hold(&sim), None, "the time for deciding was not used up");
    sim.advance(secs(200));
    assert_eq!(hold(&sim), Some(HoldKind::Undecided));
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::RolledBack);
}

#[test]
fn an_error_of_a_source_holds() {
    let mut sim = baking();
    sim.verdict_with(Decision::Error, Reason::new("SOURCE_FAILED", "prometheus"));
    sim.advance(secs(4000));
    assert_eq!((sim.state_of(2), hold(&sim)), (State::Running, Some(HoldKind::Error)));
}

#[test]
fn x05_duplicates_latecomers_and_disorder_change_nothing() {
    let mut sim = baking();
    let reason = || Reason::new("TEST", "x");
    let undecided = sim.make_verdict(Decision::Undecided, reason());
    let pass = sim.make_verdict(Decision::Pass, reason());
    let fail = sim.make_verdict(Decision::Fail, reason());
    sim.input(Input::Verdict(Box::new(pass.clone())));
    let version = sim.state.version;
    for late in [&undecided, &pass] {
        sim.input(Input::Verdict(Box::new(late.clone())));
    }
    assert_eq!(sim.state.version, version);
    sim.advance(secs(8));
    assert_eq!(sim.rollout(2).segment, 2);
    let version = sim.state.version;
    sim.input(Input::Verdict(Box::new(pass.clone())));
    assert_eq!(sim.state.version, version, "a PASS of an earlier segment is no PASS of this one");
    sim.input(Input::Verdict(Box::new(fail.clone())));
    assert_eq!(sim.state_of(2), State::RolledBack, "FAIL counts, also of an earlier segment");
    let version = sim.state.version;
    for late in [undecided, pass, fail] {
        sim.input(Input::Verdict(Box::new(late)));
    }
    assert_eq!(sim.state.version, version);
}

#[test]
fn x08_a_wall_clock_that_jumps_over_a_restart_ends_no_bake_early() {
    let mut sim = baking();
    sim.monitor_up(2);
    sim.advance(secs(3));
    sim.verdict(Decision::Pass);
    sim.now = sim.now.checked_sub(secs(3600)).unwrap();
    sim.restart();
    assert_eq!(
        sim.rollout(2).ends_passed(),
        0,
        "elapsed is never below zero, and never above what has passed"
    );
    sim.advance(secs(3610));
    assert_eq!(sim.rollout(2).ends_passed(), 1);
}

#[test]
fn recovery_ignores_verdicts_and_waits_for_its_items() {
    let mut sim = Sim::serving(2);
    let mut plan = canary(2, &[50]);
    plan.policies.recovery.items = vec![ItemKind::Health, ItemKind::ErrorRates, ItemKind::DataIntegrity];
    plan.policies.data_integrity = Some(plans::hook("check"));
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    let late = sim.make_verdict(Decision::Pass, Reason::new("TEST", "late"));
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::Recovering);
    let version = sim.state.version;
    sim.input(Input::Verdict(Box::new(late)));
    assert_eq!(sim.state.version, version);
    found(&mut sim, ItemKind::ErrorRates, ItemStatus::Pass);
    sim.advance(secs(301));
    assert_eq!(sim.state_of(2), State::RolledBack);
    let status = |kind| sim.rollout(2).validation.iter().find(|it| it.kind == kind).unwrap().status;
    assert_eq!(status(ItemKind::Health), ItemStatus::Pass);
    assert_eq!(status(ItemKind::ErrorRates), ItemStatus::Pass);
    assert_eq!(status(ItemKind::DataIntegrity), ItemStatus::NotChecked);
    assert_eq!(status(ItemKind::Journeys), ItemStatus::NotChecked, "r45: never shown as good");
}

fn found(sim: &mut Sim, item: ItemKind, status: ItemStatus) {
    let occasion =
        if sim.state_of(2) == State::Recovering { Occasion::Recovery } else { Occasion::PostDeployment };
    let (value, baseline) = ("0.1 %".to_owned(), "0.1 %".to_owned());
    sim.input(Input::Validation { rollout: rollout_id(2), occasion, item, status, value, baseline });
}

#[test]
fn a_failed_recovery_asks_and_keeps_traffic_on_stable() {
    let mut sim = Sim::serving(2);
    let mut plan = canary(2, &[50]);
    plan.policies.recovery.items = vec![ItemKind::Health, ItemKind::DataIntegrity];
    plan.policies.data_integrity = Some(plans::hook("check"));
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    sim.verdict(Decision::Fail);
    found(&mut sim, ItemKind::DataIntegrity, ItemStatus::Fail);
    assert_eq!(sim.reason_of(2), "RECOVERY_FAILED");
    assert_eq!(sim.share(1), Percent::FULL);
    let choice = bellwether_rollout::Choice::Retry;
    let retry = bellwether_rollout::Action::ResolveInterruption { rollout: Some(rollout_id(2)), choice };
    sim.command(retry).unwrap();
    found(&mut sim, ItemKind::DataIntegrity, ItemStatus::Pass);
    assert_eq!(sim.state_of(2), State::RolledBack);
}

#[test]
fn r45_post_deployment_validation_names_what_was_not_checked() {
    let mut sim = Sim::serving(2);
    sim.start(plans::blue_green(2)).unwrap();
    sim.advance(secs(2));
    let mut pass = sim.make_verdict(Decision::Pass, Reason::new("PASS", "fine"));
    let item = Some(ItemKind::ErrorRates);
    let check = Check {
        name: "errors".into(),
        item,
        level: Level::Ok,
        decision: None,
        value: "0.1 %".into(),
        baseline: "0.1 %".into(),
    };
    pass.checks.push(check);
    sim.input(Input::Verdict(Box::new(pass)));
    sim.advance(secs(6));
    assert_eq!(sim.state_of(2), State::Succeeded);
    let status: Vec<_> = sim.rollout(2).validation.iter().map(|it| (it.kind, it.status)).collect();
    let expected = [
        (ItemKind::Health, ItemStatus::Pass),
        (ItemKind::Performance, ItemStatus::NotChecked),
        (ItemKind::ErrorRates, ItemStatus::Pass),
        (ItemKind::Journeys, ItemStatus::NotChecked),
        (ItemKind::Business, ItemStatus::NotChecked),
    ];
    assert_eq!(status, expected);
}

#[test]
fn a_failed_item_after_deployment_is_a_verdict() {
    let mut sim = Sim::serving(2);
    sim.start(plans::blue_green(2)).unwrap();
    sim.advance(secs(2));
    found(&mut sim, ItemKind::Journeys, ItemStatus::Fail);
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "VALIDATION_FAILED"));
}

#[test]
fn the_last_bake_waits_for_what_somebody_looks_at() {
    let mut sim = Sim::serving(2);
    let mut plan = plans::blue_green(2);
    plan.policies.validation = vec![ItemKind::Journeys];
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    let wanted = bellwether_rollout::effects(&sim.state);
    assert!(
        matches!(wanted.as_slice(), [bellwether_rollout::Effect::Validate { items, .. }] if *items == [ItemKind::Journeys])
    );
    sim.pass();
    assert_eq!(sim.state_of(2), State::Running);
    found(&mut sim, ItemKind::Journeys, ItemStatus::Pass);
    assert_eq!(sim.state_of(2), State::Succeeded);
}
