//! Which strategy, and with which numbers.

mod recipe;
mod select;
mod table;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

pub use recipe::Recipe;
pub(crate) use recipe::{band_bake, recipe};
pub(crate) use select::select;
pub use select::{Considered, StrategyChoice};
pub(crate) use table::row;

/// How a release gets its traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StrategyKind {
    /// Traffic in weights.
    Canary,
    /// A full second fleet, then all traffic at once.
    BlueGreen,
    /// A full second fleet, then traffic in weights.
    BlueGreenCanary,
    /// Instances are replaced in batches.
    Rolling,
    /// The old version is stopped before the new one starts.
    Recreate,
    /// Steps that the user wrote out.
    Custom,
}

// === impl StrategyKind ===

impl StrategyKind {
    /// The recipes, those with the fastest way back first.
    pub const RECIPES: [Self; 5] =
        [Self::BlueGreen, Self::BlueGreenCanary, Self::Canary, Self::Rolling, Self::Recreate];

    /// The longest that taking it back may last: the upper bounds of the specification. Measured times are far below.
    /// Steps that the user wrote out count as rolling: nothing is known about them.
    pub fn worst_rollback(self) -> Duration {
        match self {
            Self::BlueGreen | Self::BlueGreenCanary => Duration::from_secs(30),
            Self::Canary => Duration::from_secs(5 * 60),
            Self::Rolling | Self::Recreate | Self::Custom => Duration::from_secs(15 * 60),
        }
    }

    /// Whether users are without service while it runs.
    pub fn has_downtime(self) -> bool {
        self == Self::Recreate
    }

    /// Whether a bad version can be seen by a chosen share of users before all get it.
    pub fn limits_exposure(self) -> bool {
        matches!(self, Self::Canary | Self::BlueGreenCanary)
    }

    /// The name that people write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::BlueGreen => "blue-green",
            Self::BlueGreenCanary => "blue-green with canary ramp",
            Self::Rolling => "rolling",
            Self::Recreate => "recreate",
            Self::Custom => "custom steps",
        }
    }
}

impl fmt::Display for StrategyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
