//! What platforms and routers can do, as far as a strategy needs it.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// One thing that a platform or its router can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Capability {
    /// Split traffic by weight.
    Weights,
    /// Run both versions in full at once.
    Surge,
    /// Reach the candidate without sending it users.
    Preview,
    /// Send requests by header.
    HeaderMatch,
    /// Copy requests.
    Mirror,
    /// Keep a client on its version.
    Affinity,
    /// Read the split back.
    Confirm,
    /// Let open requests finish before an instance goes.
    Drain,
}

/// A set of capabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capabilities(pub BTreeSet<Capability>);

// === impl Capability ===

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 8] = [
        Self::Weights,
        Self::Surge,
        Self::Preview,
        Self::HeaderMatch,
        Self::Mirror,
        Self::Affinity,
        Self::Confirm,
        Self::Drain,
    ];

    /// For a person: what it is.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Surge => "surge",
            Self::Preview => "preview",
            Self::HeaderMatch => "header match",
            Self::Mirror => "mirror",
            Self::Affinity => "affinity",
            Self::Confirm => "confirm",
            Self::Drain => "drain",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Capabilities ===

impl Capabilities {
    /// Everything, as the embedded platform has it.
    pub fn all() -> Self {
        Self(Capability::ALL.into())
    }

    /// What of `needed` is not there.
    pub fn missing(&self, needed: &[Capability]) -> Vec<Capability> {
        needed.iter().copied().filter(|capability| !self.0.contains(capability)).collect()
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<T: IntoIterator<Item = Capability>>(items: T) -> Self {
        Self(items.into_iter().collect())
    }
}
