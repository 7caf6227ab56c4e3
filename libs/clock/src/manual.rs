//! A clock that a test moves by hand.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::Clock;

/// Stands still until it is moved; its random numbers are a fixed sequence.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<(Timestamp, u64)>>);

// === impl ManualClock ===

impl ManualClock {
    /// Standing at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new((now, 0))))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        self.with(|(now, _)| *now = now.checked_add(by).unwrap_or(Timestamp::MAX));
    }

    /// Jumps, also backwards.
    pub fn set(&self, to: Timestamp) {
        self.with(|(now, _)| *now = to);
    }

    fn with<T>(&self, change: impl FnOnce(&mut (Timestamp, u64)) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.with(|(now, _)| *now)
    }

    fn random(&self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014)
        self.with(|(_, state)| {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        })
    }
}
