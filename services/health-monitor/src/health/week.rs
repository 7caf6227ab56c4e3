//! What is usual at each hour of the week.

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Histogram,
    hours::{HOURS, Hours},
};
use serde::{Deserialize, Serialize};

use super::Minute;

const HOUR: i64 = 3_600;
/// The epoch was a Thursday; the week begins on Monday.
const MONDAY: i64 = 3 * 24;
/// Each week counts so much less than the one after it.
const FADE: f64 = 0.75;

/// What was counted at one hour of the week; older weeks fade.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hour {
    /// Weeks in which it was seen.
    pub weeks: u32,
    /// The hour since 1970 that was counted last.
    last: i64,
    seconds: f64,
    requests: f64,
    errors: f64,
    latency: Histogram,
}

/// All hours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Week(Hours<Hour>);

// === impl Week ===

impl Week {
    /// Adds a minute.
    pub fn add(&mut self, minute: &Minute) {
        let number = minute.at.as_second().div_euclid(HOUR);
        let Some(hour) = self.0.at(place(minute.at)) else { return };
        if hour.last != number {
            hour.last = number;
            hour.weeks = hour.weeks.saturating_add(1);
            hour.fade();
        }
        hour.seconds += f64::from(minute.seconds);
        hour.requests += minute.requests as f64;
        hour.errors += minute.errors as f64;
        hour.latency.merge(&minute.latency);
    }

    /// Hours that were seen, by their place in the week.
    pub fn seen(&self) -> impl Iterator<Item = (usize, &Hour)> {
        self.0.seen().filter(|(_, hour)| hour.seconds > 0.0)
    }

    /// What is usual at this time. None before it was seen in a week before this one.
    pub fn usual(&self, at: Timestamp) -> Option<&Hour> {
        self.0.get(place(at)).filter(|hour| hour.weeks > 1 && hour.seconds > 0.0)
    }
}

fn place(at: Timestamp) -> usize {
    let hours = at.as_second().div_euclid(HOUR) + MONDAY;
    usize::try_from(hours.rem_euclid(HOURS.into())).unwrap_or(0)
}

// === impl Hour ===

impl Hour {
    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.requests / self.seconds.max(1.0)
    }

    /// The share of failed requests.
    pub fn error_share(&self) -> f64 {
        if self.requests > 0.0 { self.errors / self.requests } else { 0.0 }
    }

    /// The latency that a share of the requests stays within, in ms.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        self.latency.quantile(share)
    }

    fn fade(&mut self) {
        self.seconds *= FADE;
        self.requests *= FADE;
        self.errors *= FADE;
        let faded: Vec<(usize, u64)> =
            self.latency.iter().map(|(bucket, count)| (bucket, (FADE * count as f64) as u64)).collect();
        self.latency = Histogram::default();
        faded.into_iter().for_each(|(bucket, count)| self.latency.add(bucket, count));
    }
}
