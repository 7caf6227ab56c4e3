//! R26–R28: match, affinity, mirror.

use bellwether_rollout::{
    Affinity, CanaryStep, Decision, MatchRule, Mirror, Percent, Split, State, Strategy, StringMatch, analysis,
};

use crate::{
    plans,
    sim::{Sim, secs},
};

fn with(first: CanaryStep, weights: &[u32]) -> bellwether_rollout::StartRequest {
    let steps = std::iter::once(first).chain(weights.iter().map(|it| plans::weight(*it))).collect();
    let canary = bellwether_rollout::Canary { steps, bake: plans::bake(), validate: plans::bake() };
    plans::plan(2, Strategy::Canary(canary))
}

#[test]
fn r26_testers_get_the_candidate_at_0_and_no_rule_is_left() {
    let mut sim = Sim::serving(4);
    let headers = [("x-tester".to_owned(), StringMatch::Exact("yes".into()))].into();
    let rule = MatchRule { headers, ..MatchRule::default() };
    sim.start(with(CanaryStep { matches: vec![rule], ..plans::weight(0) }, &[50])).unwrap();
    sim.advance(secs(2));
    assert_eq!((sim.share(2), sim.count(2), sim.platform.split.matches.len()), (Percent::ZERO, 1, 1));
    for _ in 0..3 {
        sim.pass();
    }
    assert_eq!(sim.state_of(2), State::Succeeded);
    assert_eq!(sim.platform.split, Split::all_to(sim.fleet(2)));
}

#[test]
fn r27_sticky_while_split_and_no_rule_afterwards() {
    let mut sim = Sim::serving(4);
    let mut plan = plans::canary(2, &[10, 50]);
    plan.policies.affinity = Some(Affinity::default());
    sim.start(plan).unwrap();
    sim.advance(secs(2));
    for _ in 0..2 {
        assert!(sim.platform.split.affinity.is_some());
        sim.pass();
    }
    assert!(sim.platform.split.affinity.is_none());
    sim.verdict(Decision::Fail);
    assert_eq!(sim.platform.split, Split::all_to(sim.fleet(1)));
}

#[test]
fn r28_the_mirror_ends_with_its_step() {
    let mut sim = Sim::serving(4);
    let mirror = Some(Mirror { percent: Percent::FULL, unsafe_methods: false });
    sim.start(with(CanaryStep { mirror, ..plans::weight(0) }, &[50])).unwrap();
    sim.advance(secs(2));
    assert_eq!(sim.share(1), Percent::FULL);
    assert!(sim.platform.split.mirror.is_some() && analysis(&sim.state).unwrap().mirrored);
    sim.pass();
    assert!(sim.platform.split.mirror.is_none());
    assert_eq!(sim.share(2), Percent::new(50));
}

#[test]
fn r28_errors_in_mirrored_traffic_count() {
    let mut sim = Sim::serving(4);
    let mirror = Some(Mirror { percent: Percent::FULL, unsafe_methods: false });
    sim.start(with(CanaryStep { mirror, ..plans::weight(0) }, &[])).unwrap();
    sim.advance(secs(2));
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::RolledBack);
    assert!(sim.platform.split.mirror.is_none());
}
