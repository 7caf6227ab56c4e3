//! Random inputs in random order, with crashes, against a platform that misbehaves. Every invariant is checked
//! after every event (see `sim`); here is what must hold in the end.

mod offers;
mod ops;
mod run;

use bellwether_rollout::{Event, State, Step, TargetState, evolve};
use ops::op;
use proptest::prelude::*;
use run::{Run, request};

use crate::sim::secs;

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 2, max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_keeps_the_invariants_and_ends(n in 1..6u32, first in prop::bool::weighted(0.2), ops in prop::collection::vec(op(), 1..60)) {
        let mut run = Run::new(n, first);
        for op in &ops {
            run.apply(op);
            offers::are_what_is_accepted(&run.sim);
        }
        run.cooperate();
        run.check_end();
        run.sim.restart();
    }

    #[test]
    fn good_releases_succeed_on_their_own(n in 1..6u32, strategy in 0..8u8) {
        let mut run = Run::new(n, false);
        let started = run.sim.start(request(strategy, 2, false, 1));
        prop_assume!(started.is_ok());
        run.next = 3;
        for _ in 0..200 {
            run.sim.advance(secs(2));
            if run.sim.state.active().is_some_and(|it| matches!(it.current(), Some(Step::Bake(_)))) {
                run.verdict(9, 1, false);
            }
        }
        prop_assert_eq!(run.sim.state_of(2), State::Succeeded);
    }

    #[test]
    fn an_event_in_a_wrong_state_is_an_error_and_never_a_panic(ops in prop::collection::vec(op(), 1..30), drop in any::<prop::sample::Index>(), swap in any::<prop::sample::Index>()) {
        let mut run = Run::new(3, false);
        for op in &ops {
            run.apply(op);
        }
        let mut log = run.sim.log.clone();
        let at = swap.index(log.len());
        let moved = log.remove(drop.index(log.len()));
        log.insert(at.min(log.len()), moved);
        let mut state = TargetState::default();
        for (event, at) in &log {
            match evolve(state.clone(), event, *at) {
                Ok(next) => state = next,
                Err(illegal) => prop_assert_eq!(illegal.version, state.version + 1),
            }
        }
        for (event, at) in &log {
            let terminal: Vec<_> = state.rollouts.iter().filter(|(_, it)| it.ended()).map(|(id, it)| (*id, it.state)).collect();
            if let Ok(next) = evolve(state.clone(), event, *at) {
                if !matches!(event, Event::Rollout { .. }) { continue; }
                for (id, ended) in terminal {
                    prop_assert!(next.rollouts.get(&id).is_none_or(|it| it.state == ended), "terminal is absorbing");
                }
            }
        }
    }
}
