//! Declared journeys that are tried at the candidate.

use serde::{Deserialize, Serialize};

use super::Analysis;
use crate::readings::hash;

/// Probes that are told apart; of more, those that are new count as red when they are.
const PROBES: usize = 64;

/// How the probes stand, by the hashes of their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Probes {
    known: Vec<(u64, bool)>,
    /// One that there was no room for was red.
    overflowed: bool,
}

// === impl Probes ===

impl Probes {
    fn tell(&mut self, id: &str, green: bool) {
        let id = hash(&[id]);
        if let Some((_, known)) = self.known.iter_mut().find(|(known, _)| *known == id) {
            *known = green;
        } else if self.known.len() < PROBES {
            self.known.push((id, green));
        } else {
            self.overflowed |= !green;
        }
    }

    fn forget(&mut self, id: &str) {
        let id = hash(&[id]);
        self.known.retain(|(known, _)| *known != id);
    }

    /// Whether there are any.
    pub fn any(&self) -> bool {
        !self.known.is_empty()
    }

    /// Whether all are green.
    pub fn all_green(&self) -> bool {
        !self.overflowed && self.known.iter().all(|(_, green)| *green)
    }

    /// A new segment: each must be tried again.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

// === impl Analysis ===

impl Analysis {
    /// How a probe of the candidate ended. Matters only where the settings let a step pass by policy; a probe that fails
    /// is no evidence for FAIL here (its requests are, where they are counted).
    pub fn probed(&mut self, id: &str, green: bool) {
        self.probes.tell(id, green);
    }

    /// A probe is made no more.
    pub fn forget_probe(&mut self, id: &str) {
        self.probes.forget(id);
    }

    /// Whether the candidate has had requests in the segment: whoever reaches the target where all traffic goes to the candidate
    /// then reaches the candidate.
    pub fn is_used(&self) -> bool {
        self.progress.requests > 0
    }

    /// Whether policy may pass the segment: the minimum is over, the candidate was used or probed, and nothing failed.
    pub(super) fn may_pass_by_policy(&self) -> bool {
        self.settings.pass_by_policy
            && self.progress.observed >= self.segment().min
            && self.progress.errors == 0
            && self.probes.all_green()
            && (self.probes.any() || self.progress.requests >= self.segment().least_requests())
    }
}
