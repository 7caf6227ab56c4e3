//! What can go wrong with a platform or a router.

use thiserror::Error as ThisError;

use crate::Fence;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a platform or a router did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum Error {
    /// It has obeyed a newer process, or another journal. Not to be repeated: whoever gets this is not in charge.
    #[error("refused by fence: {held:?} is held, {given:?} was given")]
    Fenced {
        /// What it has obeyed.
        held: Fence,
        /// What was refused.
        given: Fence,
    },
    /// A person has taken the target over; until HandBack nothing converges.
    #[error("the target is taken over: {reason}")]
    TakenOver {
        /// The person's reason.
        reason: String,
    },
    /// It does not answer, or not in time. Repeat with backoff.
    #[error("{driver} is unavailable: {why}")]
    Unavailable {
        /// Which driver.
        driver: String,
        /// What happened.
        why: String,
    },
    /// It answers, and refuses this. Repeating helps only if something else changes.
    #[error("{driver} rejects it: {why}")]
    Rejected {
        /// Which driver.
        driver: String,
        /// What it said.
        why: String,
    },
    /// It cannot do this at all (see [`crate::Capabilities`]).
    #[error("{driver} cannot {what}")]
    Unsupported {
        /// Which driver.
        driver: String,
        /// What is missing.
        what: String,
    },
}

// === impl Error ===

impl Error {
    /// Whether the same call may succeed later.
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Rejected { .. } => true,
            Self::Fenced { .. } | Self::TakenOver { .. } | Self::Unsupported { .. } => false,
        }
    }
}
