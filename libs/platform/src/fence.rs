//! Fencing: who may change a target.
//!
//! A journal has one active process at a time; each takeover raises its epoch. A process that was stopped and
//! woken up after its lease still believes in its old epoch. A platform that remembers the highest
//! `(epoch, generation)` it has obeyed refuses it: whatever that process asks for, the newer one has asked for
//! something after it. Within an epoch generations only rise, so a call that was delayed in the network is
//! refused by the same comparison. Repeating the newest one is allowed: converging is idempotent.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Result};

/// Sent with every call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The journal that decides. A target belongs to the first one it obeyed.
    pub journal_id: Uuid,
    /// The tenure of the process within the journal; rises with each takeover.
    pub epoch: u64,
    /// The generation of what is asked for; rises within the target's stream.
    pub generation: u64,
}

// === impl Fence ===

impl Fence {
    /// Whether one who has obeyed `held` may obey this; the new fence to hold.
    ///
    /// # Errors
    /// [`Error::Fenced`] for another journal, an older epoch, or an older generation.
    pub fn over(self, held: Option<Self>) -> Result<Self> {
        match held {
            Some(held) if held.journal_id != self.journal_id || self.order() < held.order() => {
                Err(Error::Fenced { held, given: self })
            }
            _ => Ok(self),
        }
    }

    const fn order(&self) -> (u64, u64) {
        (self.epoch, self.generation)
    }
}

impl PartialOrd for Fence {
    /// Fences of different journals do not compare.
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (self.journal_id == other.journal_id).then(|| self.order().cmp(&other.order()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence(journal: u128, epoch: u64, generation: u64) -> Fence {
        Fence { journal_id: Uuid::from_u128(journal), epoch, generation }
    }

    #[test]
    fn the_newer_one_is_obeyed_and_the_same_one_again() {
        let held = Some(fence(1, 2, 7));
        assert!(fence(1, 2, 8).over(held).is_ok());
        assert!(fence(1, 3, 1).over(held).is_ok(), "a newer epoch counts, whatever its generation");
        assert!(fence(1, 2, 7).over(held).is_ok());
        assert!(fence(9, 0, 0).over(None).is_ok());
    }

    #[test]
    fn older_and_foreign_ones_are_refused() {
        let held = Some(fence(1, 2, 7));
        for old in [fence(1, 2, 6), fence(1, 1, 99), fence(2, 3, 99)] {
            assert!(matches!(old.over(held), Err(Error::Fenced { .. })), "{old:?}");
        }
        assert_eq!(fence(1, 1, 1).partial_cmp(&fence(2, 1, 1)), None);
    }
}
