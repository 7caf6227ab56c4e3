//! A token bucket. Pure.

use std::time::Duration;

use bellwether_clock::Timestamp;

use crate::routing::Rate;

/// A token bucket; full at first.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    rate: Rate,
    tokens: f64,
    at: Timestamp,
}

// === impl Bucket ===

impl Bucket {
    /// A full one.
    pub fn new(rate: Rate, now: Timestamp) -> Self {
        Self { rate, tokens: rate.burst, at: now }
    }

    /// Takes a token; without one says how long until there is one.
    ///
    /// # Errors
    /// The time until the next token.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        let elapsed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + elapsed * self.rate.per_second).min(self.rate.burst);
        self.at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - self.tokens) / self.rate.per_second;
        // rounding must not make it a wait of nothing
        Err(Duration::from_secs_f64(wait).max(Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_then_it_is_the_rate() {
        let mut now = Timestamp::UNIX_EPOCH;
        let mut bucket = Bucket::new(Rate { per_second: 2.0, burst: 3.0 }, now);
        assert!((0..3).all(|_| bucket.take(now).is_ok()));
        assert_eq!(bucket.take(now), Err(Duration::from_millis(500)));
        now += Duration::from_millis(500);
        assert_eq!(bucket.take(now), Ok(()));
        assert!(bucket.take(now).is_err());
        now += Duration::from_secs(3600);
        assert!((0..3).all(|_| bucket.take(now).is_ok()), "full again");
        assert!(bucket.take(now).is_err(), "never more than the burst");
    }
}
