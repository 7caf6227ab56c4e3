//! A clock that runs, and that a test may move forward as well.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bellwether_clock::{Clock, SystemClock};
use jiff::Timestamp;

/// The system's clock, and how far it was moved.
#[derive(Clone, Default)]
pub struct MovableClock {
    system: Arc<SystemClock>,
    ahead: Arc<Mutex<Duration>>,
}

// === impl MovableClock ===

impl MovableClock {
    /// That much later, all at once. Who sleeps already is not woken.
    pub fn advance(&self, by: Duration) {
        *self.ahead.lock().unwrap() += by;
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        self.system.now() + *self.ahead.lock().unwrap()
    }

    fn random(&self) -> u64 {
        self.system.random()
    }
}
