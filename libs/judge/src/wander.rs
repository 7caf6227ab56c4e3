//! How slowly a gauge wanders, measured from what the instances of one fleet tell before a rollout.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::gauge::Autocorrelation;

/// The lag-1 autocorrelation of a gauge's mean over a fleet's instances, scrape by scrape, as [`crate::settings::Gauge`] compares it.
/// Constant in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wander {
    series: Autocorrelation,
    sum: f64,
    count: u32,
    /// When the present scrape began.
    since: Option<Timestamp>,
}

// === impl Wander ===

impl Wander {
    /// One instance's value; closes the scrape before it when its interval is over. A gap of three intervals breaks the series.
    pub fn read(&mut self, value: f64, now: Timestamp, interval: Duration) {
        if !value.is_finite() {
            return;
        }
        let age = self.since.map(|since| now.duration_since(since).unsigned_abs());
        // sources are not punctual
        if age.is_some_and(|age| age * 4 >= interval * 3) {
            self.series.add(self.sum / f64::from(self.count));
            (self.sum, self.count, self.since) = (0.0, 0, None);
        }
        if age.is_some_and(|age| age > interval * 3) {
            self.series.add(f64::NAN);
        }
        self.since.get_or_insert(now);
        self.sum += value;
        self.count += 1;
    }

    /// ρ in [−1, 1]; None below 30 pairs.
    pub fn rho(&self) -> Option<f64> {
        self.series.rho()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Random;

    /// ρ of 20,000 scrapes of three instances at different levels, which share a wandering part.
    fn measured(rho: f64) -> f64 {
        let (mut wander, mut random) = (Wander::default(), Random::new(7));
        let (mut shared, mut now) = (0.0, Timestamp::UNIX_EPOCH);
        for _ in 0..20_000 {
            shared = rho * shared + random.normal();
            for level in [1.0, 50.0, 1_000.0] {
                wander.read(level + shared, now, Duration::from_secs(15));
                now += Duration::from_millis(100);
            }
            now += Duration::from_millis(14_700);
        }
        wander.rho().unwrap()
    }

    #[test]
    fn levels_of_instances_are_no_wandering() {
        for rho in [0.0, 0.5, 0.9] {
            assert!((measured(rho) - rho).abs() < 0.05, "{rho}: {}", measured(rho));
        }
    }

    #[test]
    fn gaps_and_nonsense_make_no_pairs() {
        let (mut wander, mut now) = (Wander::default(), Timestamp::UNIX_EPOCH);
        for value in 0..100 {
            wander.read(f64::from(value), now, Duration::from_secs(1));
            wander.read(f64::NAN, now, Duration::from_secs(1));
            now += Duration::from_secs(10);
        }
        assert_eq!(wander.rho(), None);
    }
}
