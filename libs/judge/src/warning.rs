//! When a check warns: at E ≥ 20, cleared after a minute below.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// ln of 1/5 %.
pub const WARN_LIMIT: f64 = 2.995_732_273_553_991;
/// Evidence for a warning is not kept above this, so that a warning can end: ln 20 + 2, so that the mean of two still
/// reaches the limit.
pub const WARN_CAP: f64 = WARN_LIMIT + 2.0;
/// Below the limit for this long: the warning is over.
const CLEAR_AFTER: Duration = Duration::from_secs(60);

/// Whether a check warns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// The last moment at which the evidence was at or above the limit, while the warning is on.
    last_above: Option<Timestamp>,
}

// === impl Warning ===

impl Warning {
    /// The evidence as it is now.
    pub fn update(&mut self, log_e: f64, now: Timestamp) {
        if log_e >= WARN_LIMIT {
            self.last_above = Some(now);
        } else if self.last_above.is_some_and(|last| now.duration_since(last).unsigned_abs() >= CLEAR_AFTER) {
            self.last_above = None;
        }
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.last_above.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_stays_for_a_minute() {
        let start = Timestamp::UNIX_EPOCH;
        let mut warning = Warning::default();
        warning.update(3.1, start);
        warning.update(0.0, start + Duration::from_secs(59));
        assert!(warning.is_on());
        warning.update(0.0, start + Duration::from_secs(60));
        assert!(!warning.is_on());
    }
}
