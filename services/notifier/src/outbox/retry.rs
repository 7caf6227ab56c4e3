//! When a failed delivery is tried again. Pure.

use std::time::Duration;

/// When failed deliveries are tried again.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// Time before each attempt, counted from the one before; the first is normally zero. After the last one has
    /// failed the delivery is dead.
    pub delays: Vec<Duration>,
    /// Each delay is varied by up to this many percent both ways.
    pub jitter_percent: u8,
    /// The longest delay while a message of a higher class about the same subject waits behind, which must not come
    /// before it.
    pub urgent: Duration,
    /// The most that a receiver's `Retry-After` is obeyed for.
    pub max_retry_after: Duration,
    /// A receiver that always asks to wait is given up on after this, counted from queueing or replay.
    pub max_age: Duration,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// Standard Webhooks' schedule: 75 hours and a half in ten attempts.
const DELAYS: [u64; 10] =
    [0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

// === impl RetryPolicy ===

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            delays: DELAYS.map(Duration::from_secs).to_vec(),
            jitter_percent: 10,
            urgent: Duration::from_secs(MINUTE),
            max_retry_after: Duration::from_secs(24 * HOUR),
            max_age: Duration::from_secs(4 * 24 * HOUR),
        }
    }
}

impl RetryPolicy {
    /// The delay before the attempt after `used` ones; none when it was the last.
    pub fn delay(&self, used: u32) -> Option<Duration> {
        self.delays.get(usize::try_from(used).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_outlasts_a_receiver_that_is_down_for_a_day() {
        let policy = RetryPolicy::default();
        let total: Duration = policy.delays.iter().sum();
        assert!(total > Duration::from_secs(3 * 24 * HOUR));
        assert_eq!(policy.delay(0), Some(Duration::ZERO));
        assert_eq!(policy.delay(1), Some(Duration::from_secs(5)));
        assert_eq!(policy.delay(10), None);
    }
}
