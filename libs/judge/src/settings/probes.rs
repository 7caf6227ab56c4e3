//! Settings of the check of probes, and what is known of them at the start.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ABSOLUTE_ERROR_LIMIT, Settings};
use crate::interval;

/// Settings of the comparison of failed runs of probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probes {
    /// As in [`super::ErrorRate`].
    pub margin: Option<f64>,
    /// As in [`super::ErrorRate`].
    pub tolerate: f64,
    /// As in [`super::ErrorRate`].
    pub pass_below: Option<f64>,
}

/// The probes of the target when the analysis began. Fixed, as the weights are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// Runs of all of them in an hour, as they are wanted. Above 0.
    pub per_hour: f64,
    /// Runs before the start, at what served then.
    pub runs: u64,
    /// Of these, failed.
    pub failed: u64,
}

/// Confidence of the bound that the threshold is made of.
const BOUND_ALPHA: f64 = 0.01;

// === impl Probes ===

impl Default for Probes {
    fn default() -> Self {
        Self { margin: None, tolerate: 0.001, pass_below: None }
    }
}

// === impl Declared ===

impl Declared {
    /// The one-sided threshold: the absolute limit of errors; where runs failed before the rollout already, at least
    /// min(½, 2 × the upper 99 % bound of their share), as for errors with a history.
    pub fn threshold(&self, floor: f64) -> f64 {
        let floor = ABSOLUTE_ERROR_LIMIT.max(floor);
        if self.failed == 0 {
            return floor;
        }
        let bound = interval::proportion(self.failed as f64, self.runs as f64, BOUND_ALPHA).upper;
        (2.0 * bound).max(floor).min(0.5)
    }

    /// S of the late onset in runs: as many as come within the horizon, at least one, at most 86,400.
    pub fn horizon(&self, settings: &Settings) -> u32 {
        let hours = settings.horizon.min(Duration::from_secs(86_400)).as_secs_f64() / 3_600.0;
        (hours * self.per_hour).round().clamp(1.0, 86_400.0) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_before_may_fail_again() {
        let of = |runs, failed| Declared { per_hour: 360.0, runs, failed }.threshold(0.01);
        assert_eq!((of(0, 0), of(30, 0)), (0.05, 0.05));
        assert!(of(300, 30) > 0.2 && of(300, 30) < 0.4, "{}", of(300, 30));
        assert_eq!(of(5, 5), 0.5);
    }

    #[test]
    fn late_onset_counts_runs() {
        let settings = Settings { horizon: Duration::from_secs(1_800), ..Settings::default() };
        assert_eq!(Declared { per_hour: 360.0, runs: 0, failed: 0 }.horizon(&settings), 180);
        assert_eq!(Declared { per_hour: 1.0, runs: 0, failed: 0 }.horizon(&settings), 1);
    }
}
