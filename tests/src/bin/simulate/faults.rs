//! What goes wrong: hosts crash and come back, the network is cut, held up and slow. Until a certain time.

use std::{collections::BTreeMap, time::Duration};

use bellwether_tests::chance::Chance;
use turmoil::Sim;

use crate::world::World;

/// What is done to the simulation.
#[derive(Clone, Debug)]
enum Act {
    /// The host is dead: what it had in memory is lost.
    Crash(&'static str),
    /// It is started again, on the disk that it left.
    Start(&'static str),
    /// Nothing comes through, in either direction.
    Cut(&'static str, &'static str),
    /// Nothing comes through in this direction.
    CutOneWay(&'static str, &'static str),
    Repair(&'static str, &'static str),
    /// What is sent arrives later.
    Hold(&'static str, &'static str),
    Release(&'static str, &'static str),
    /// The longest time that a message takes.
    Latency(Duration),
}

/// What happens when, the last first.
pub(crate) struct Faults(Vec<(Duration, Act)>);

/// The longest time that a message takes while all is well.
pub(crate) const LATENCY: Duration = Duration::from_millis(20);
/// Who talks to whom.
const LINKS: [(&str, &str); 13] = [
    (World::PEOPLE, World::PLANNER),
    (World::PEOPLE, World::NOTIFIER),
    (World::OUTSIDER, World::PLANNER),
    (World::OUTSIDER, World::EXECUTOR),
    (World::PLANNER, World::EXECUTOR),
    (World::EXECUTOR, World::PLATFORM),
    (World::EXECUTOR, World::PLATFORM),
    (World::EXECUTOR, World::MONITOR),
    (World::PLATFORM, World::MONITOR),
    (World::NOTIFIER, World::PLANNER),
    (World::NOTIFIER, World::EXECUTOR),
    (World::NOTIFIER, World::MONITOR),
    (World::NOTIFIER, World::RECEIVER),
];
/// Faults begin when everybody is there.
const FROM: Duration = Duration::from_secs(5);

// === impl Faults ===

impl Faults {
    /// Those of a seed; all of them are over at `until`.
    pub(crate) fn new(seed: u64, until: Duration) -> Self {
        let mut chance = Chance::new(seed, "faults");
        let (mut acts, mut busy) = (Vec::new(), BTreeMap::new());
        let mut at = FROM;
        while at + Duration::from_secs(1) < until {
            let lasts = chance.between(Duration::from_millis(200), Duration::from_secs(12));
            let end = (at + lasts).min(until);
            let (subject, begin, over) = draw(&mut chance);
            if busy.get(&subject).is_none_or(|free| *free < at) {
                busy.insert(subject, end);
                acts.extend([(at, begin), (end, over)]);
            }
            at += chance.between(Duration::from_millis(300), Duration::from_secs(4));
        }
        acts.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Self(acts)
    }

    /// Does what is due.
    pub(crate) fn act(&mut self, sim: &mut Sim<'_>, world: &World) {
        while let Some((_, act)) = self.0.pop_if(|(at, _)| *at <= sim.elapsed()) {
            world.trace().line("fault", format_args!("{:.3} {act:?}", sim.elapsed().as_secs_f64()));
            match act {
                Act::Crash(host) => sim.crash(host),
                Act::Start(host) => sim.bounce(host),
                Act::Cut(one, other) => sim.partition(one, other),
                Act::CutOneWay(from, to) => sim.partition_oneway(from, to),
                Act::Repair(one, other) => sim.repair(one, other),
                Act::Hold(one, other) => sim.hold(one, other),
                Act::Release(one, other) => sim.release(one, other),
                Act::Latency(most) => sim.set_max_message_latency(most),
            }
        }
    }
}

/// A fault: what it happens to, how it begins, and how it ends.
fn draw(chance: &mut Chance) -> (String, Act, Act) {
    let kind = chance.below(10);
    if kind < 4 {
        let host = *chance.one_of(&World::MORTAL);
        return (host.to_owned(), Act::Crash(host), Act::Start(host));
    }
    if kind == 9 {
        let most = chance.between(Duration::from_millis(100), Duration::from_secs(2));
        return ("latency".to_owned(), Act::Latency(most), Act::Latency(LATENCY));
    }
    let (one, other) = *chance.one_of(&LINKS);
    let (begin, over) = match kind {
        4 | 5 => (Act::Cut(one, other), Act::Repair(one, other)),
        6 => (Act::CutOneWay(one, other), Act::Repair(one, other)),
        _ => (Act::Hold(one, other), Act::Release(one, other)),
    };
    (format!("{one}-{other}"), begin, over)
}
