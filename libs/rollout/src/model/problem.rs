//! What stands in the way on a platform.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FleetId, InstanceId};

/// Something that keeps a platform from what it was asked for. It is the reason of what follows from it (an instance that
/// is not ready, one that ended); one that [lasts](Self::lasts) is a deploy failure by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind: UPPER_SNAKE, as the platform names it (`PORT_IN_USE`).
    pub code: String,
    /// The fleet that it concerns; none: the target.
    #[serde(default)]
    pub fleet: Option<FleetId>,
    /// The instance that it concerns; none: the fleet or the target.
    #[serde(default)]
    pub instance: Option<InstanceId>,
    /// What happened.
    pub message: String,
    /// Since when the platform sees it, where it tells.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// What to do about it; empty: the platform does not know.
    #[serde(default)]
    pub remedy: String,
}

/// Kinds that do not go away while nobody does anything.
const LASTING: [&str; 4] = ["ARTIFACT_MISSING", "ARTIFACT_DIGEST", "START_FAILED", "LIMITS"];

// === impl Problem ===

impl Problem {
    /// Whether it keeps an instance from running until somebody does something about it.
    pub fn lasts(&self) -> bool {
        LASTING.contains(&self.code.as_str())
    }
}
