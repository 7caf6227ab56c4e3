//! Time and chance of one simulated host: the network's time, and a sequence of its own.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bellwether_clock::{Clock, Env, Timestamp};

use bellwether_tests::chance::Chance;

/// When every simulation begins: 2026-01-05T12:00:00Z.
const BEGINNING: i64 = 1_767_614_400;

struct Simulated(Mutex<Inner>);

struct Inner {
    /// What is dropped after its host has crashed asks for the time too.
    last: Duration,
    chance: Chance,
}

/// The surroundings of a host. They outlive its crashes: no identifier comes twice.
pub(crate) fn env(seed: u64, host: &str) -> Env {
    Env::new(Simulated(Mutex::new(Inner { last: Duration::ZERO, chance: Chance::new(seed, host) })))
}

// === impl Simulated ===

impl Simulated {
    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for Simulated {
    fn now(&self) -> Timestamp {
        let elapsed = self.with(|it| {
            it.last = turmoil::sim_elapsed().unwrap_or(it.last);
            it.last
        });
        let beginning = Timestamp::from_second(BEGINNING).unwrap_or(Timestamp::UNIX_EPOCH);
        beginning.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn random(&self) -> u64 {
        self.with(|it| it.chance.bits())
    }
}
