//! What is usual at this hour of the week.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::hours::Hours;

const WEEK: i64 = 7 * 86_400;
/// The weight of the newest week, at least.
const LEAST_WEIGHT: f64 = 0.25;

/// The mean of each hour of the week (UTC); older weeks fade. An hour is expected to be as in the weeks before, so
/// nothing is expected in the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Season {
    hours: Hours<Hour>,
    /// The present hour, its sum and count.
    present: usize,
    sum: f64,
    count: f64,
}

/// Weeks that were seen, and their mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Hour {
    weeks: f64,
    mean: f64,
}

// === impl Season ===

impl Season {
    /// None where it is not known yet.
    pub fn expected(&self, at: Timestamp) -> Option<f64> {
        self.hours.get(hour_of_week(at)).filter(|hour| hour.weeks > 0.0).map(|hour| hour.mean)
    }

    /// The next value.
    pub fn add(&mut self, at: Timestamp, value: f64) {
        let hour = hour_of_week(at);
        if hour != self.present {
            self.finish();
            self.present = hour;
        }
        self.sum += value;
        self.count += 1.0;
    }

    /// The present hour is over.
    fn finish(&mut self) {
        if self.count > 0.0
            && let Some(hour) = self.hours.at(self.present)
        {
            hour.weeks += 1.0;
            hour.mean += (1.0 / hour.weeks).max(LEAST_WEIGHT) * (self.sum / self.count - hour.mean);
        }
        (self.sum, self.count) = (0.0, 0.0);
    }
}

/// From the epoch's hour (a Thursday).
fn hour_of_week(at: Timestamp) -> usize {
    usize::try_from(at.as_second().rem_euclid(WEEK) / 3_600).unwrap_or(0)
}
