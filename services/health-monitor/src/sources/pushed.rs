//! What of which targets somebody pushes. The same requests told by another source as well are judged where an analysis wants
//! them, and recorded once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_policy::sources::Signals;

/// Who pushed nothing for this long does not push.
const LATELY: Duration = Duration::from_secs(60);
/// Targets that are remembered before those that are not pushed of any more are forgotten.
const MOST: usize = 16_384;
/// Between two looks for those that may be forgotten: each walks over all of them.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// When requests and latencies of each target were last pushed.
#[derive(Debug, Default)]
pub struct Pushed(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    targets: HashMap<String, Last>,
    /// When it was last looked for those that may be forgotten.
    looked: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    requests: Option<Timestamp>,
    latency: Option<Timestamp>,
}

// === impl Pushed ===

impl Pushed {
    /// These of a target were pushed.
    pub fn note(&self, target: &str, signals: Signals, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = known.targets.get_mut(target) {
            return last.note(signals, now);
        }
        if known.targets.len() >= MOST {
            known.forget(now);
        }
        if known.targets.len() < MOST {
            known.targets.entry(target.to_owned()).or_default().note(signals, now);
        }
    }

    /// What of a target was pushed lately.
    pub fn lately(&self, target: &str, now: Timestamp) -> Signals {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.targets.get(target).map_or(Signals::NONE, |last| last.lately(now))
    }
}

// === impl Known ===

impl Known {
    fn forget(&mut self, now: Timestamp) {
        if self.looked.is_some_and(|looked| now.duration_since(looked).unsigned_abs() < LOOK_EVERY) {
            return;
        }
        self.looked = Some(now);
        self.targets.retain(|_, last| last.lately(now) != Signals::NONE);
    }
}

// === impl Last ===

impl Last {
    fn note(&mut self, signals: Signals, now: Timestamp) {
        for (pushed, last) in [(signals.requests, &mut self.requests), (signals.latency, &mut self.latency)] {
            if pushed {
                *last = Some(now);
            }
        }
    }

    fn lately(self, now: Timestamp) -> Signals {
        let lately =
            |at: Option<Timestamp>| at.is_some_and(|at| now.duration_since(at).unsigned_abs() <= LATELY);
        Signals { requests: lately(self.requests), latency: lately(self.latency) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_pushed_of_for_a_minute_after_the_last_time() {
        let (pushed, now) = (Pushed::default(), Timestamp::UNIX_EPOCH);
        pushed.note("targets/a@b", Signals::ALL, now);
        assert_eq!(pushed.lately("targets/a@b", now + LATELY), Signals::ALL);
        assert_eq!(pushed.lately("targets/a@b", now + 2 * LATELY), Signals::NONE);
        assert_eq!(pushed.lately("targets/c@b", now), Signals::NONE);
    }

    #[test]
    fn requests_and_latencies_are_told_apart() {
        let (pushed, now) = (Pushed::default(), Timestamp::UNIX_EPOCH);
        let latency = Signals { latency: true, ..Signals::NONE };
        pushed.note("targets/a@b", latency, now);
        assert_eq!(pushed.lately("targets/a@b", now), latency);
        assert_eq!(Signals::ALL.without(latency), Signals { requests: true, ..Signals::NONE });
    }

    #[test]
    fn only_so_many_are_remembered() {
        let (pushed, now) = (Pushed::default(), Timestamp::UNIX_EPOCH);
        for index in 0..2 * MOST {
            pushed.note(&format!("targets/t{index}@b"), Signals::ALL, now);
        }
        assert_eq!(pushed.lately(&format!("targets/t{MOST}@b"), now), Signals::NONE);
        pushed.note("targets/later@b", Signals::ALL, now + 2 * LATELY);
        assert_eq!(pushed.lately("targets/later@b", now + 2 * LATELY), Signals::ALL);
    }
}
