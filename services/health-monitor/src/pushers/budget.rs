//! Bytes that may be read of a client.

use std::time::Duration;

use bellwether_clock::Timestamp;

/// Bytes a second. A sample has some 200.
const RATE: f64 = 16.0 * 1024.0 * 1024.0;
/// What may be read at once after a silence.
const MOST: f64 = RATE;
/// A message counts as so many bytes more than it has.
const PER_MESSAGE: f64 = 256.0;
/// Nobody waits longer than this without being looked at again.
const LONGEST: Duration = Duration::from_millis(250);

/// Fills with time, and is emptied by what is read. The last message may take more than there is: then nothing is read until it is
/// made up for.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    level: f64,
    filled: Timestamp,
}

// === impl Budget ===

impl Budget {
    /// Full.
    pub fn new(now: Timestamp) -> Self {
        Self { level: MOST, filled: now }
    }

    /// A message of so many bytes was read.
    pub fn spend(&mut self, bytes: usize, now: Timestamp) {
        self.fill(now);
        self.level -= bytes as f64 + PER_MESSAGE;
    }

    /// How long to wait before the next message is read, or before this is asked again. None: not at all.
    pub fn pause(&mut self, now: Timestamp) -> Option<Duration> {
        self.fill(now);
        (self.level < 0.0).then(|| Duration::from_secs_f64(-self.level / RATE).min(LONGEST))
    }

    fn fill(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.filled).as_secs_f64().max(0.0);
        self.level = (self.level + passed * RATE).min(MOST);
        self.filled = self.filled.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_beyond_the_share_is_waited_for() {
        let now = Timestamp::UNIX_EPOCH;
        let mut budget = Budget::new(now);
        budget.spend(MOST as usize - 256, now);
        assert_eq!(budget.pause(now), None);
        budget.spend(RATE as usize - 256, now);
        assert_eq!(budget.pause(now), Some(LONGEST));
        assert_eq!(budget.pause(now + Duration::from_millis(900)), Some(Duration::from_millis(100)));
        assert_eq!(budget.pause(now + Duration::from_secs(1)), None);
    }

    #[test]
    fn a_silence_saves_no_more_than_a_seconds_share_and_clocks_that_go_back_take_nothing() {
        let now = Timestamp::UNIX_EPOCH + Duration::from_secs(60);
        let mut budget = Budget::new(now);
        let later = now + Duration::from_secs(3_600);
        budget.spend(2 * MOST as usize, later);
        assert_eq!(budget.pause(later), Some(LONGEST));
        assert_eq!(budget.pause(now), Some(LONGEST));
        assert_eq!(budget.pause(later + Duration::from_secs(2)), None);
    }
}
