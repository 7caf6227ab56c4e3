//! The real clock, anchored once.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use crate::Clock;

/// Wall time at start plus monotonic time since.
#[derive(Debug)]
pub struct SystemClock {
    wall: Timestamp,
    start: Instant,
}

// === impl SystemClock ===

impl SystemClock {
    /// Anchored now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    pub fn new() -> Self {
        Self { wall: Timestamp::now(), start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.start.elapsed()).unwrap_or(SignedDuration::MAX);
        self.wall.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn random(&self) -> u64 {
        rand::random()
    }
}
