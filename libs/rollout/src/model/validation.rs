//! What was looked at after a deployment and after a rollback.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ItemKind {
    /// Instances are ready and the route is right.
    Health,
    /// Latency.
    Performance,
    /// Error rates.
    ErrorRates,
    /// User journeys.
    Journeys,
    /// Business metrics.
    Business,
    /// Data integrity (a hook or a probe); recovery only.
    DataIntegrity,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ItemStatus {
    /// Still being looked at.
    Open,
    /// Good.
    Pass,
    /// Bad.
    Fail,
    /// Looked at without a decision.
    Undecided,
    /// Not looked at; never shown as good.
    NotChecked,
}

/// One item with what was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationItem {
    /// What was looked at.
    pub kind: ItemKind,
    /// What was found.
    pub status: ItemStatus,
    /// The value with unit.
    #[serde(default)]
    pub value: String,
    /// What it was compared with.
    #[serde(default)]
    pub baseline: String,
    /// When.
    pub at: Timestamp,
}

/// When items are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Occasion {
    /// After the last Route, before Promote.
    PostDeployment,
    /// After a rollback.
    Recovery,
}

// === impl ItemKind ===

impl ItemKind {
    /// Those that the monitor's checks speak for.
    pub const MONITORED: [Self; 4] = [Self::Performance, Self::ErrorRates, Self::Journeys, Self::Business];

    /// Those of an occasion, in the order they are shown.
    pub const fn of(occasion: Occasion) -> &'static [Self] {
        const ALL: [ItemKind; 6] = [
            ItemKind::Health,
            ItemKind::Performance,
            ItemKind::ErrorRates,
            ItemKind::Journeys,
            ItemKind::Business,
            ItemKind::DataIntegrity,
        ];
        match occasion {
            Occasion::PostDeployment => ALL.split_at(5).0,
            Occasion::Recovery => &ALL,
        }
    }
}
