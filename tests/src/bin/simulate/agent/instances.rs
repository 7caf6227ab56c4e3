//! Instances as they live: ready some time after their start, or again and again at their end.

use std::time::Duration;

use crate::{
    people::{TARGETS, Temper},
    world::World,
};

const EVERY: Duration = Duration::from_millis(100);
/// Until a new instance is ready.
const STARTS_IN: Duration = Duration::from_millis(800);
/// Rounds between two ends of an instance that crashes.
const ROUNDS_TO_A_CRASH: u32 = 8;

/// Lets them live, for as long as the host does. What came due while it was down comes then.
pub(crate) async fn live(world: World) {
    let mut every = tokio::time::interval(EVERY);
    for round in 0_u32.. {
        every.tick().await;
        for target in TARGETS {
            live_once(&world, target, round);
        }
    }
}

fn live_once(world: &World, target: &str, round: u32) {
    let (control, env) = (world.platform().control(), world.env(World::PLATFORM));
    for (fleet, started) in control.stats(target).started {
        let present = control.instances(target, fleet);
        let crashes = world.versions().get(&fleet).is_some_and(|it| Temper::of(it) == Temper::Crashing);
        if crashes {
            if round.is_multiple_of(ROUNDS_TO_A_CRASH) && !present.is_empty() {
                control.crash(target, fleet, 101);
            }
            continue;
        }
        let begun = started.iter().filter(|id| present.contains(id));
        // an id holds the time at which it was made
        let up = begun.filter(|id| {
            let made = id.0.get_timestamp().map(|it| it.to_unix()).unwrap_or_default();
            let made = bellwether_clock::Timestamp::new(made.0.cast_signed(), made.1.cast_signed());
            made.is_ok_and(|made| env.since(made) >= STARTS_IN)
        });
        let up = up.count();
        if up != control.ready(target, fleet) {
            control.set_ready(target, fleet, up);
        }
    }
}
