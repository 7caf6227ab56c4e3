//! The traits that the shells ask for time, identifiers and randomness.

use std::{fmt, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// A source of time.
///
/// # Guarantees
/// `now` is *steady*: within one process it advances with the monotonic clock, so a step of the wall clock
/// (NTP, an operator, daylight saving of a misconfigured host) changes no running duration. Across a restart
/// it is anchored at the wall clock anew; who computes an elapsed time over a restart clamps it to
/// `[0, duration]`.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// Random bits, for identifiers and jitter.
    fn random(&self) -> u64;
}

/// What a shell needs of its surroundings; cheap to clone.
#[derive(Clone)]
pub struct Env(Arc<dyn Clock>);

// === impl Env ===

impl Env {
    /// Surroundings with this clock.
    pub fn new(clock: impl Clock) -> Self {
        Self(Arc::new(clock))
    }

    /// The real ones.
    pub fn system() -> Self {
        Self::new(crate::SystemClock::new())
    }

    /// The current time, steady within the process (see [`Clock`]).
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// Time since `earlier`; zero when `earlier` lies in the future.
    pub fn since(&self, earlier: Timestamp) -> Duration {
        let elapsed = self.now().duration_since(earlier).max(SignedDuration::ZERO);
        elapsed.unsigned_abs()
    }

    /// Time until `later`; zero when it has passed.
    pub fn until(&self, later: Timestamp) -> Duration {
        let left = later.duration_since(self.now()).max(SignedDuration::ZERO);
        left.unsigned_abs()
    }

    /// A new identifier (UUID version 7: sortable by time).
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        let mut random = [0u8; 10];
        random[..8].copy_from_slice(&self.0.random().to_be_bytes());
        random[8..].copy_from_slice(&self.0.random().to_be_bytes()[..2]);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// Random bits.
    pub fn random(&self) -> u64 {
        self.0.random()
    }

    /// `base` varied by ±`percent` %, for retries that must not march in step.
    pub fn jitter(&self, base: Duration, percent: u8) -> Duration {
        let spread = f64::from(percent) / 100.0;
        let unit = (self.random() >> 11) as f64 / (1u64 << 53) as f64;
        base.mul_f64(1.0 - spread + 2.0 * spread * unit)
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("now", &self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;

    #[test]
    fn uuids_sort_by_time() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let env = Env::new(clock.clone());
        let first = env.uuid();
        clock.advance(Duration::from_millis(2));
        assert!(first < env.uuid());
        assert_eq!(first.get_version_num(), 7);
    }

    #[test]
    fn elapsed_and_left_never_go_below_zero() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let env = Env::new(clock.clone());
        let start = env.now();
        clock.advance(Duration::from_secs(3));
        assert_eq!(env.since(start), Duration::from_secs(3));
        assert_eq!(env.until(start), Duration::ZERO);
        clock.set(Timestamp::UNIX_EPOCH - Duration::from_secs(9));
        assert_eq!(env.since(start), Duration::ZERO);
    }

    #[test]
    fn jitter_stays_in_its_bounds() {
        let env = Env::system();
        for _ in 0..1000 {
            let varied = env.jitter(Duration::from_secs(10), 20);
            assert!((8.0..=12.0).contains(&varied.as_secs_f64()), "{varied:?}");
        }
    }
}
