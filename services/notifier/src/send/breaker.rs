//! A circuit breaker: a receiver that is down is not asked for each of the messages that wait for it. Pure.

use std::time::Duration;

use bellwether_clock::Timestamp;

/// When to stop asking, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct BreakerPolicy {
    /// Opens after this many failures in a row. Default 5.
    pub failures: u32,
    /// The first pause; each failed trial after it doubles it. Default 5 s.
    pub pause: Duration,
    /// The longest pause. Default 5 min.
    pub max_pause: Duration,
}

/// Closed at first. Once open it lets one attempt through after each pause.
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    policy: BreakerPolicy,
    failures: u32,
}

// === impl BreakerPolicy ===

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(5), max_pause: Duration::from_secs(300) }
    }
}

// === impl Breaker ===

impl Breaker {
    /// A closed one.
    pub fn new(policy: BreakerPolicy) -> Self {
        Self { policy, failures: 0 }
    }

    /// The receiver did not work; until when to leave it alone, if so.
    pub fn failed(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.failures = self.failures.saturating_add(1);
        let trials = self.failures.checked_sub(self.policy.failures)?;
        let factor = 1u32.checked_shl(trials).unwrap_or(u32::MAX);
        let pause = self.policy.pause.saturating_mul(factor).min(self.policy.max_pause);
        Some(now.checked_add(pause).unwrap_or(Timestamp::MAX))
    }

    /// The receiver works; whether it had been open.
    pub fn worked(&mut self) -> bool {
        let was_open = self.failures >= self.policy.failures;
        self.failures = 0;
        was_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_pauses_longer_each_time() {
        let policy =
            BreakerPolicy { failures: 3, pause: Duration::from_secs(5), max_pause: Duration::from_secs(12) };
        let (mut breaker, now) = (Breaker::new(policy), Timestamp::UNIX_EPOCH);
        assert_eq!(breaker.failed(now), None);
        assert!(!breaker.worked());
        assert_eq!(breaker.failed(now), None);
        assert_eq!(breaker.failed(now), None);
        let pauses: Vec<_> = (0..4).map(|_| breaker.failed(now).unwrap().as_second()).collect();
        assert_eq!(pauses, [5, 10, 12, 12]);
        assert!(breaker.worked(), "it had been open");
        assert_eq!(breaker.failed(now), None, "closed again");
    }
}
