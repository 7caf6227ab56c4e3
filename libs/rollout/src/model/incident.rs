//! What several targets lost together.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Reason;

/// Several targets lost the monitor or a source of it within a minute: one incident, told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id, the same for all of them.
    pub id: String,
    /// What was lost.
    pub reason: Reason,
    /// The names of the targets (`targets/…`).
    pub targets: BTreeSet<String>,
}
