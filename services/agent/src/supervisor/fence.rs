//! Who may change a target.
//!
//! Of two executors on one journal the one with the higher epoch is right; of two commands of one executor the one
//! computed from the newer state. Commands travel by different ways and may arrive in any order, also from an
//! executor that has been replaced without knowing it. So the agent obeys a fence only if it is not lower than the
//! highest that it has obeyed, and writes that down before it acts. A target belongs to the first journal that it
//! obeyed: a second installation pointed at the same host cannot take it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where a command comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The executor's journal.
    pub journal_id: String,
    /// Grows with each process that takes the journal over.
    pub epoch: i64,
    /// The version of the target's stream that the command was computed from.
    pub generation: i64,
}

/// Why a fence was not obeyed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FenceError {
    /// The target belongs to another journal.
    #[error("the target belongs to the journal {}", highest.journal_id)]
    Foreign {
        /// The highest that was obeyed.
        highest: Fence,
    },
    /// A higher one was obeyed already.
    #[error("epoch {}, generation {} was obeyed already", highest.epoch, highest.generation)]
    Stale {
        /// The highest that was obeyed.
        highest: Fence,
    },
}

// === impl Fence ===

impl Fence {
    /// Whether a command with the fence `next` may be obeyed after this one.
    ///
    /// # Errors
    /// It is another journal's, or lower.
    pub fn admit(&self, next: &Self) -> Result<(), FenceError> {
        if !self.journal_id.is_empty() && self.journal_id != next.journal_id {
            return Err(FenceError::Foreign { highest: self.clone() });
        }
        if (next.epoch, next.generation) < (self.epoch, self.generation) {
            return Err(FenceError::Stale { highest: self.clone() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence(journal_id: &str, epoch: i64, generation: i64) -> Fence {
        Fence { journal_id: journal_id.into(), epoch, generation }
    }

    #[test]
    fn only_what_is_not_lower_is_obeyed() {
        let highest = fence("a", 3, 10);
        for next in [fence("a", 3, 10), fence("a", 3, 11), fence("a", 4, 1)] {
            assert_eq!(highest.admit(&next), Ok(()));
        }
        for next in [fence("a", 3, 9), fence("a", 2, 99)] {
            assert_eq!(highest.admit(&next), Err(FenceError::Stale { highest: highest.clone() }));
        }
    }

    #[test]
    fn a_target_belongs_to_its_first_journal() {
        assert_eq!(Fence::default().admit(&fence("a", 1, 1)), Ok(()));
        assert_eq!(
            fence("a", 1, 1).admit(&fence("b", 9, 9)),
            Err(FenceError::Foreign { highest: fence("a", 1, 1) })
        );
    }
}
