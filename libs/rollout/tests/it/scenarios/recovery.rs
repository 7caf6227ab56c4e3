//! Recovery validation: what is looked at after a rollback, and that nothing blocks its end.

use bellwether_rollout::{
    Canary, CanaryStep, Decision, Effect, Input, ItemKind, ItemStatus, Level, MatchRule, Mirror, Occasion,
    Percent, Reason, Recovery, Size, State, Step, Strategy, Verdict, effects, recovery_analysis,
    verdict::Check,
};

use crate::{
    plans::{self, canary},
    sim::{Sim, rollout_id, secs},
};

/// Taken back from 50 %, with every item looked at.
fn recovering() -> Sim {
    let mut sim = Sim::serving(2);
    let mut plan = canary(2, &[50]);
    plan.policies.recovery = Recovery::default();
    plan.policies.data_integrity = Some(plans::hook("check"));
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    sim.verdict(Decision::Fail);
    assert_eq!((sim.state_of(2), sim.share(1)), (State::Recovering, Percent::FULL));
    sim
}

fn check(item: ItemKind, level: Level, decision: Decision) -> Check {
    let (value, baseline) = ("0.1 percent".into(), "5 percent".into());
    Check { name: "x".into(), item: Some(item), level, decision: Some(decision), value, baseline }
}

fn says(sim: &mut Sim, decision: Decision, checks: Vec<Check>) {
    let recovery = sim.rollout(2).recoveries;
    let verdict = Verdict {
        rollout: rollout_id(2),
        analysis: recovery,
        segment: 1,
        sequence: 1,
        decision,
        reason: Reason::new("TEST", "as the test says"),
        checks,
        hard_limit: false,
        decided_at: sim.now,
    };
    sim.input(Input::Recovery(Box::new(verdict)));
}

fn intact(sim: &mut Sim, status: ItemStatus) {
    let (value, baseline) = ("200".to_owned(), String::new());
    let (rollout, item) = (rollout_id(2), ItemKind::DataIntegrity);
    sim.input(Input::Validation { rollout, occasion: Occasion::Recovery, item, status, value, baseline });
}

fn status(sim: &Sim, kind: ItemKind) -> ItemStatus {
    sim.rollout(2).validation.iter().find(|it| it.kind == kind).unwrap().status
}

#[test]
fn it_ends_when_everything_was_looked_at() {
    let mut sim = recovering();
    let spec = recovery_analysis(&sim.state).unwrap();
    assert_eq!((spec.fleet, spec.recovery), (sim.fleet(1), 1));
    assert_eq!(spec.route_revision, sim.state.route_revision);
    says(&mut sim, Decision::Undecided, vec![check(ItemKind::ErrorRates, Level::Ok, Decision::Undecided)]);
    assert_eq!(status(&sim, ItemKind::ErrorRates), ItemStatus::Open);
    assert_eq!(status(&sim, ItemKind::Business), ItemStatus::NotChecked, "no check speaks for it");
    let passed = check(ItemKind::ErrorRates, Level::Ok, Decision::Pass);
    says(&mut sim, Decision::Pass, vec![passed]);
    assert_eq!(status(&sim, ItemKind::ErrorRates), ItemStatus::Pass);
    assert_eq!(recovery_analysis(&sim.state), None, "nothing waits for the monitor any more");
    assert_eq!(sim.state_of(2), State::Recovering, "data integrity is still open");
    let wanted = effects(&sim.state);
    assert!(matches!(&wanted[..], [Effect::Validate { items, .. }] if *items == [ItemKind::DataIntegrity]));
    intact(&mut sim, ItemStatus::Pass);
    assert_eq!(sim.state_of(2), State::RolledBack);
    assert_eq!(sim.reason_of(2), "VERDICT_FAIL");
    sim.restart();
}

#[test]
fn what_was_seen_and_not_decided_is_undecided_when_the_monitor_is_done() {
    let mut sim = recovering();
    let checks = vec![
        check(ItemKind::ErrorRates, Level::Ok, Decision::Pass),
        check(ItemKind::Journeys, Level::Ok, Decision::Undecided),
    ];
    says(&mut sim, Decision::Pass, checks);
    assert_eq!(status(&sim, ItemKind::Journeys), ItemStatus::Undecided, "never shown as good");
}

#[test]
fn an_item_that_fails_asks_with_traffic_on_stable() {
    let mut sim = recovering();
    intact(&mut sim, ItemStatus::Pass);
    says(&mut sim, Decision::Fail, vec![check(ItemKind::ErrorRates, Level::Fail, Decision::Fail)]);
    assert_eq!((sim.reason_of(2), sim.share(1)), ("RECOVERY_FAILED", Percent::FULL));
    assert!(matches!(sim.state_of(2), State::NeedsOperator { .. }));
    let choice = bellwether_rollout::Choice::Retry;
    let retry = bellwether_rollout::Action::ResolveInterruption { rollout: Some(rollout_id(2)), choice };
    sim.command(retry).unwrap();
    assert_eq!(recovery_analysis(&sim.state).unwrap().recovery, 2, "FAIL was final for the first one");
    let mut late = recovering_verdict(&sim, 1);
    sim.input(Input::Recovery(Box::new(late.clone())));
    assert_eq!(sim.state_of(2), State::Recovering, "what the first one said does not count any more");
    late.analysis = 2;
    late.decision = Decision::Pass;
    sim.input(Input::Recovery(Box::new(late)));
    intact(&mut sim, ItemStatus::Pass);
    assert_eq!(sim.state_of(2), State::RolledBack);
}

fn recovering_verdict(sim: &Sim, recovery: u32) -> Verdict {
    Verdict {
        rollout: rollout_id(2),
        analysis: recovery,
        segment: 1,
        sequence: 9,
        decision: Decision::Fail,
        reason: Reason::new("HARD_LIMIT", "more than half of the requests failed"),
        checks: vec![],
        hard_limit: true,
        decided_at: sim.now,
    }
}

#[test]
fn a_failure_that_no_check_answers_for_is_not_lost() {
    let mut sim = recovering();
    let fail = recovering_verdict(&sim, 1);
    sim.input(Input::Recovery(Box::new(fail)));
    assert_eq!(sim.reason_of(2), "RECOVERY_FAILED");
    assert_eq!(status(&sim, ItemKind::ErrorRates), ItemStatus::Fail);
}

#[test]
fn a_lost_monitor_never_blocks_it() {
    let mut sim = recovering();
    says(&mut sim, Decision::Undecided, vec![check(ItemKind::ErrorRates, Level::Ok, Decision::Undecided)]);
    let last_heard = sim.now;
    sim.input(Input::MonitorLost { rollout: rollout_id(2), last_heard });
    sim.advance(secs(299));
    assert_eq!(sim.state_of(2), State::Recovering);
    sim.advance(secs(2));
    assert_eq!(sim.state_of(2), State::RolledBack);
    assert_eq!(status(&sim, ItemKind::ErrorRates), ItemStatus::Undecided, "it was looked at");
    assert_eq!(status(&sim, ItemKind::DataIntegrity), ItemStatus::NotChecked);
    sim.restart();
}

#[test]
fn traffic_that_never_moved_has_nothing_to_recover_from() {
    let mut sim = Sim::serving(2);
    let mut plan = canary(2, &[50]);
    plan.policies.recovery = Recovery::default();
    sim.start(plan).unwrap();
    sim.command(bellwether_rollout::Action::Abort { rollout: rollout_id(2) }).unwrap();
    assert_eq!(sim.state_of(2), State::RolledBack);
    assert_eq!(status(&sim, ItemKind::Health), ItemStatus::Pass);
    assert_eq!(status(&sim, ItemKind::ErrorRates), ItemStatus::NotChecked);
}

/// With every item looked at, at its first bake.
fn at_the_first_bake(strategy: Strategy) -> Sim {
    let mut sim = Sim::serving(2);
    let mut plan = plans::plan(2, strategy);
    plan.policies.recovery = Recovery::default();
    sim.start(plan).unwrap();
    sim.advance(secs(3));
    assert!(matches!(sim.rollout(2).current(), Some(Step::Bake(_))), "{:?}", sim.rollout(2).step);
    sim
}

/// A step at 0 %.
fn apart(matches: Vec<MatchRule>, mirror: Option<Mirror>) -> Strategy {
    let first = CanaryStep { matches, mirror, scale: Some(Size::Count(1)), ..plans::weight(0) };
    let steps = vec![first, plans::weight(50)];
    Strategy::Canary(Canary { steps, bake: plans::bake(), validate: plans::bake() })
}

#[test]
fn previews_and_copies_move_no_traffic_of_users() {
    let copies = Mirror { percent: Percent::new(50), unsafe_methods: false };
    let preview = plans::green(Some(Size::Count(1)), &[]);
    for strategy in [Strategy::BlueGreen(preview), apart(Vec::new(), Some(copies))] {
        for failed in [false, true] {
            let mut sim = at_the_first_bake(strategy.clone());
            if failed {
                sim.verdict(Decision::Fail);
            } else {
                sim.command(bellwether_rollout::Action::Abort { rollout: rollout_id(2) }).unwrap();
            }
            // nobody asks the monitor about stable, whatever it would say
            assert_eq!(recovery_analysis(&sim.state), None, "{strategy:?}");
            sim.advance(secs(31));
            assert_eq!(sim.state_of(2), State::RolledBack, "{strategy:?}");
            assert_eq!(status(&sim, ItemKind::Health), ItemStatus::Pass);
            assert_eq!(status(&sim, ItemKind::ErrorRates), ItemStatus::NotChecked);
            sim.restart();
        }
    }
}

#[test]
fn requests_that_are_matched_have_moved() {
    let rule = MatchRule { path_prefix: "/new".into(), ..MatchRule::default() };
    let mut sim = at_the_first_bake(apart(vec![rule], None));
    assert_eq!(sim.share(2), Percent::ZERO);
    sim.command(bellwether_rollout::Action::Abort { rollout: rollout_id(2) }).unwrap();
    sim.advance(secs(1));
    assert_eq!(sim.state_of(2), State::Recovering);
    assert_eq!(status(&sim, ItemKind::ErrorRates), ItemStatus::Open);
}

#[test]
fn a_flip_that_is_aborted_before_it_was_asked_for_has_moved_nothing() {
    let mut sim = at_the_first_bake(Strategy::BlueGreen(plans::green(Some(Size::Count(1)), &[])));
    sim.platform.ready_after = None;
    sim.pass();
    assert!(matches!(sim.rollout(2).current(), Some(Step::Scale(_))), "{:?}", sim.rollout(2).step);
    sim.command(bellwether_rollout::Action::Abort { rollout: rollout_id(2) }).unwrap();
    sim.advance(secs(31));
    assert_eq!(status(&sim, ItemKind::ErrorRates), ItemStatus::NotChecked);
    assert_eq!(sim.state_of(2), State::RolledBack);
}
