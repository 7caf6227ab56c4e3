//! R06, R07 and recreate: instances in place.

use bellwether_rollout::{Decision, Input, Percent, Size, State, StepKind, desired};

use crate::{
    plans,
    sim::{Sim, secs},
};

/// The ready instances of both fleets.
fn ready(sim: &Sim) -> usize {
    sim.platform.ready(sim.fleet(1)) + sim.platform.ready(sim.fleet(2))
}

#[test]
fn rolling_swaps_in_place_and_completes() {
    for (surge, unavailable) in [(1, 0), (0, 1), (2, 1), (4, 4)] {
        let mut sim = Sim::serving(4);
        sim.start(plans::rolling(2, Size::Count(1), surge, unavailable)).unwrap();
        for _ in 0..40 {
            assert!(sim.platform.instances.len() <= 4 + surge as usize, "surge {surge}");
            assert!(ready(&sim) >= 4 - unavailable as usize, "unavailable {unavailable}");
            sim.advance(secs(1));
        }
        assert_eq!(sim.share(2), Percent::FULL);
        sim.pass();
        assert_eq!(sim.state_of(2), State::Succeeded, "{:?}", sim.rollout(2).step);
        assert_eq!((sim.count(1), sim.count(2)), (0, 4));
        assert!(sim.state.aftercare.is_empty(), "nothing is left to keep");
    }
}

#[test]
fn r06_scaled_in_the_middle() {
    let mut sim = Sim::serving(4);
    let mut plan = plans::rolling(2, Size::Count(1), 4, 0);
    if let bellwether_rollout::Strategy::Rolling(it) = &mut plan.strategy {
        it.max_surge = Size::FULL;
    }
    sim.start(plan).unwrap();
    let mut least = 4;
    for second in 0..80 {
        if second == 2 {
            sim.scale(8);
        }
        if second == 20 {
            sim.scale(4);
        }
        sim.advance(secs(1));
        assert!(sim.platform.instances.len() <= 16);
        least = least.min(ready(&sim));
    }
    assert!(least >= 4, "never below min(old n, new n): {least}");
    sim.pass();
    assert_eq!(sim.state_of(2), State::Succeeded, "{:?}", sim.rollout(2).step);
    assert_eq!((sim.count(1), sim.count(2)), (0, 4));
}

#[test]
fn r07_a_bad_candidate_never_takes_capacity() {
    let mut sim = Sim::serving(4);
    sim.platform.broken.insert(sim.fleet(2));
    let mut plan = plans::rolling(2, Size::Count(2), 2, 0);
    plan.policies.progress_deadline = secs(120);
    sim.start(plan).unwrap();
    for (n, seconds) in [(4, 10), (8, 20), (4, 20)] {
        sim.scale(n);
        for _ in 0..seconds {
            sim.advance(secs(1));
            assert!(ready(&sim) >= 4);
            assert!(sim.platform.instances.len() <= n as usize + 2 + 4);
        }
    }
    sim.advance(secs(300));
    assert_eq!((sim.state_of(2), sim.reason_of(2)), (State::RolledBack, "PROGRESS_DEADLINE"));
    assert_eq!((sim.count(1), sim.count(2)), (4, 0));
    assert_eq!(sim.share(1), Percent::FULL);
}

#[test]
fn a_rolled_half_comes_back_ramped() {
    let mut sim = Sim::serving(4);
    let mut plan = plans::rolling(2, Size::Count(2), 1, 0);
    if let bellwether_rollout::Strategy::Rolling(it) = &mut plan.strategy {
        it.bake = Some(plans::bake());
    }
    sim.start(plan).unwrap();
    sim.advance(secs(10));
    assert_eq!((sim.count(1), sim.count(2), sim.share(2)), (2, 2, Percent::new(50)));
    sim.scale(8);
    sim.advance(secs(3));
    assert_eq!((sim.count(1), sim.count(2)), (4, 4), "between batches both follow n");
    sim.scale(4);
    sim.advance(secs(3));
    sim.verdict(Decision::Fail);
    for _ in 0..20 {
        assert!(sim.platform.instances.len() <= 5);
        sim.advance(secs(1));
        assert!(ready(&sim) >= 4);
    }
    assert_eq!(sim.state_of(2), State::RolledBack);
    assert_eq!((sim.count(1), sim.count(2), sim.share(1)), (4, 0, Percent::FULL));
}

#[test]
fn recreate_never_runs_both() {
    let mut sim = Sim::serving(2);
    sim.start(plans::recreate(2)).unwrap();
    sim.advance(secs(5));
    assert_eq!((sim.count(1), sim.count(2), sim.share(2)), (0, 2, Percent::FULL));
    assert_eq!(sim.platform.peak, 2);
    sim.verdict(Decision::Fail);
    sim.advance(secs(5));
    assert_eq!((sim.count(1), sim.count(2), sim.share(1)), (2, 0, Percent::FULL));
    assert_eq!(sim.platform.peak, 2);
    assert_eq!(sim.state_of(2), State::RolledBack);
    use StepKind as K;
    let order =
        [K::RouteBack, K::VerifyRoute, K::Drain, K::Remove, K::RestoreCapacity, K::RouteBack, K::VerifyRoute];
    assert_eq!(sim.undone(2), order);
}

#[test]
fn traffic_does_not_come_back_to_instances_that_are_on_their_way_out() {
    let mut sim = Sim::serving(2);
    sim.platform.clinging = true;
    sim.start(plans::recreate(2)).unwrap();
    sim.platform.frozen = true;
    sim.advance(secs(40));
    let name = (sim.rollout(2).current().unwrap().kind(), ready(&sim));
    assert_eq!(name, (StepKind::Scale, 2), "they were told to stop, and nothing has been seen since");
    let abort = bellwether_rollout::Action::Abort { rollout: sim.rollout(2).id() };
    sim.command(abort).unwrap();
    assert_eq!(sim.share(1), Percent::ZERO);
    assert_eq!(sim.undone(2), [], "nobody knows yet what is left of it");
    sim.platform.frozen = false;
    sim.settle();
    sim.advance(secs(5));
    assert_eq!((sim.state_of(2), sim.share(1), ready(&sim)), (State::RolledBack, Percent::FULL, 2));
}

#[test]
fn a_batch_does_not_come_back_to_instances_that_are_on_their_way_out() {
    for (batch, unavailable) in [(4, 0), (2, 0), (4, 4)] {
        let mut sim = Sim::serving(4);
        sim.platform.ready_after = None;
        sim.start(plans::rolling(2, Size::Count(batch), 4, unavailable)).unwrap();
        sim.platform.set_ready(sim.fleet(2), 4);
        // the last thing that is wanted is fewer of stable, and nobody has seen yet what became of it
        let told = |sim: &Sim| sim.state.wanted(sim.fleet(1)) < sim.platform.count(sim.fleet(1)) as u32;
        while !told(&sim) {
            let wanted = desired(&sim.state, sim.now);
            assert!(sim.platform.apply(&wanted, sim.now));
            sim.platform.set_ready(sim.fleet(2), 4);
            let seen = sim.platform.observe();
            assert!(sim.only(Input::Observed(Box::new(seen))) > 0, "{:?}", sim.rollout(2).step);
        }
        let (share, left) = (sim.state.split.share(sim.fleet(1)), sim.state.wanted(sim.fleet(1)));
        sim.platform.frozen = true;
        sim.command(bellwether_rollout::Action::Abort { rollout: sim.rollout(2).id() }).unwrap();
        assert_eq!(sim.state.split.share(sim.fleet(1)), share, "batch {batch}: {left} are left");
        sim.platform.frozen = false;
        sim.platform.ready_after = Some(secs(1));
        sim.settle();
        sim.advance(secs(40));
        assert_eq!((sim.state_of(2), ready(&sim)), (State::RolledBack, 4), "{:?}", sim.rollout(2).step);
        assert_eq!((sim.share(1), sim.count(2)), (Percent::FULL, 0));
    }
}

#[test]
fn a_retried_batch_is_the_same_batch() {
    let mut sim = Sim::serving(4);
    sim.platform.broken.insert(sim.fleet(2));
    let mut plan = plans::rolling(2, Size::Count(1), 1, 0);
    plan.policies.guided = true;
    sim.start(plan).unwrap();
    sim.advance(secs(700));
    assert_eq!(sim.reason_of(2), "PROGRESS_DEADLINE");
    let choice = bellwether_rollout::Choice::Retry;
    let retry =
        bellwether_rollout::Action::ResolveInterruption { rollout: Some(sim.rollout(2).id()), choice };
    sim.command(retry).unwrap();
    assert_eq!((sim.rollout(2).replaced, sim.rollout(2).step.attempt), (Percent::new(25), 2));
    sim.platform.broken.clear();
    sim.advance(secs(1));
    sim.advance(secs(20));
    assert_eq!(sim.share(2), Percent::FULL);
}
