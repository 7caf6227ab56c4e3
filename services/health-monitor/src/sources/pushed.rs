//! Which targets somebody pushes samples of. The same requests told by another source as well are judged where an analysis wants
//! them, and recorded once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bellwether_clock::Timestamp;

/// Who pushed nothing for this long does not push.
const LATELY: Duration = Duration::from_secs(60);
/// Targets that are remembered before those that are not pushed of any more are forgotten.
const MOST: usize = 4_096;

/// When samples of each target were last pushed.
#[derive(Debug, Default)]
pub struct Pushed(Mutex<HashMap<String, Timestamp>>);

// === impl Pushed ===

impl Pushed {
    /// Samples of a target were pushed.
    pub fn note(&self, target: &str, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = known.get_mut(target) {
            *at = now;
            return;
        }
        if known.len() >= MOST {
            known.retain(|_, at| is_late(*at, now));
        }
        if known.len() < MOST {
            known.insert(target.to_owned(), now);
        }
    }

    /// Whether samples of a target were pushed lately.
    pub fn lately(&self, target: &str, now: Timestamp) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(target).is_some_and(|at| is_late(*at, now))
    }
}

fn is_late(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).unsigned_abs() <= LATELY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_pushed_of_for_a_minute_after_the_last_time() {
        let (pushed, now) = (Pushed::default(), Timestamp::UNIX_EPOCH);
        pushed.note("targets/a@b", now);
        assert!(pushed.lately("targets/a@b", now + LATELY));
        assert!(!pushed.lately("targets/a@b", now + 2 * LATELY));
        assert!(!pushed.lately("targets/c@b", now));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let (pushed, now) = (Pushed::default(), Timestamp::UNIX_EPOCH);
        for index in 0..2 * MOST {
            pushed.note(&format!("targets/t{index}@b"), now);
        }
        assert!(!pushed.lately(&format!("targets/t{MOST}@b"), now));
        pushed.note("targets/later@b", now + 2 * LATELY);
        assert!(pushed.lately("targets/later@b", now + 2 * LATELY));
    }
}
