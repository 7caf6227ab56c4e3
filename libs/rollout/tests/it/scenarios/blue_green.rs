//! R15–R18, R22, R44: blue-green.

use bellwether_rollout::{Decision, Percent, Size, State, Strategy};

use crate::{
    plans,
    sim::{Sim, secs},
};

#[test]
fn r15_traffic_flips_when_all_are_ready() {
    let mut sim = Sim::serving(3);
    sim.platform.ready_after = None;
    sim.start(plans::blue_green(2)).unwrap();
    for ready in 0..3 {
        sim.platform.set_ready(sim.fleet(2), ready);
        sim.advance(secs(5));
        assert_eq!(sim.share(2), Percent::ZERO);
    }
    sim.platform.set_ready(sim.fleet(2), 3);
    sim.settle();
    assert_eq!(sim.share(2), Percent::FULL);
    sim.pass();
    assert_eq!(sim.state_of(2), State::Succeeded);
    assert_eq!(sim.count(1), 3, "blue is kept");
    sim.advance(secs(580));
    assert_eq!(sim.count(1), 3);
    sim.advance(secs(60));
    assert_eq!(sim.count(1), 0);
}

#[test]
fn r16_a_small_preview_is_scaled_before_the_flip() {
    let mut sim = Sim::serving(3);
    sim.start(plans::plan(2, Strategy::BlueGreen(plans::green(Some(Size::Count(1)), &[])))).unwrap();
    sim.advance(secs(2));
    assert_eq!((sim.count(2), sim.share(2)), (1, Percent::ZERO));
    assert_eq!(sim.platform.split.preview, Some(sim.fleet(2)));
    sim.platform.ready_after = None;
    sim.pass();
    assert_eq!((sim.count(2), sim.share(2)), (3, Percent::ZERO));
    sim.platform.set_ready(sim.fleet(2), 3);
    sim.settle();
    assert_eq!(sim.share(2), Percent::FULL);
    assert_eq!(sim.platform.split.preview, None);
}

#[test]
fn r17_a_failed_preview_moves_no_traffic() {
    let mut sim = Sim::serving(3);
    let applied = sim.platform.splits.len();
    sim.start(plans::plan(2, Strategy::BlueGreen(plans::green(Some(Size::FULL), &[])))).unwrap();
    sim.advance(secs(2));
    sim.verdict(Decision::Fail);
    assert_eq!(sim.state_of(2), State::RolledBack);
    assert!(sim.platform.splits[applied..].iter().all(|it| it.share(sim.fleet(2)).is_zero()));
}

#[test]
fn r18_r44_after_the_flip_it_goes_back_at_once() {
    let mut sim = Sim::serving(3);
    let blue = sim.platform.ids(sim.fleet(1));
    sim.start(plans::blue_green(2)).unwrap();
    sim.advance(secs(2));
    assert_eq!(sim.share(2), Percent::FULL);
    sim.verdict(Decision::Fail);
    assert_eq!((sim.share(1), sim.state_of(2)), (Percent::FULL, State::RolledBack));
    assert_eq!(sim.platform.ids(sim.fleet(1)), blue, "blue had never been stopped");
    assert!(!sim.rollout(2).promoted);
}

#[test]
fn r22_a_ramp_on_a_full_fleet_returns_at_once() {
    let mut sim = Sim::serving(3);
    sim.start(plans::plan(2, Strategy::BlueGreen(plans::green(None, &[10, 50])))).unwrap();
    sim.advance(secs(2));
    assert_eq!((sim.count(2), sim.share(2)), (3, Percent::new(10)));
    sim.pass();
    assert_eq!((sim.count(2), sim.share(2)), (3, Percent::new(50)));
    sim.verdict(Decision::Fail);
    assert_eq!(sim.share(1), Percent::FULL);
    assert_eq!(sim.platform.started[&sim.fleet(1)], 3);
}
