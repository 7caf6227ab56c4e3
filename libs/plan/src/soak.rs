//! How long a release has been live and healthy without a break.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The stretches of time that a release was live and healthy in one environment, as far as they matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Soak {
    /// The start of the present stretch; `None`: not live, or not healthy.
    pub since: Option<Timestamp>,
    /// The longest finished stretch; `None`: it was never verified here.
    pub longest: Option<Duration>,
}

// === impl Soak ===

impl Soak {
    /// It is live and was verified; or it is healthy again. Nothing changes when a stretch is under way.
    pub fn begin(&mut self, at: Timestamp) {
        self.since.get_or_insert(at);
        self.longest.get_or_insert(Duration::ZERO);
    }

    /// It is no longer live, or no longer healthy.
    pub fn end(&mut self, at: Timestamp) {
        if let Some(since) = self.since.take() {
            self.longest = self.longest.max(Some(span(since, at)));
        }
    }

    /// The longest stretch, the present one included: not their sum. `None`: it was never verified here.
    pub fn longest(&self, now: Timestamp) -> Option<Duration> {
        let present = self.since.map(|since| span(since, now));
        self.longest.max(present)
    }

    /// When the present stretch will be `wanted` long; `None`: none is under way, or the time cannot be told.
    pub fn reaches(&self, wanted: Duration) -> Option<Timestamp> {
        self.since.and_then(|since| since.checked_add(wanted).ok())
    }
}

/// Time between two readings, not below zero: the clock may be anchored anew in between.
fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn none_before_it_was_verified() {
        let mut soak = Soak::default();
        soak.end(at(5));
        assert_eq!(soak.longest(at(9)), None);
        assert_eq!(soak.reaches(Duration::ZERO), None);
    }

    proptest! {
        /// The longest stretch is found, whatever the order of calls.
        #[test]
        fn is_the_longest_stretch_not_the_sum(steps in prop::collection::vec((any::<bool>(), 0u64..100), 0..40)) {
            let (mut soak, mut now, mut healthy, mut current, mut longest) = (Soak::default(), 0, false, 0, None);
            for (begin, wait) in steps {
                if begin { soak.begin(at(now)) } else { soak.end(at(now)) }
                if begin && !healthy { current = 0; longest = longest.max(Some(0)); }
                healthy = begin;
                now += wait;
                if healthy { current += wait; longest = longest.max(Some(current)); }
                prop_assert_eq!(soak.longest(at(now)), longest.map(Duration::from_secs));
            }
        }
    }
}
