//! What the monitor says, as far as the executor acts on it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ItemKind, Reason, RolloutId};

/// A change of decision. Duplicates, latecomers and reordered ones are harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The rollout whose analysis speaks.
    pub rollout: RolloutId,
    /// Which analysis of the rollout; a retry after FAIL starts the next one.
    pub analysis: u32,
    /// The segment it is about.
    pub segment: u32,
    /// Rises within an analysis.
    pub sequence: u64,
    /// What was decided.
    pub decision: Decision,
    /// Why. The codes COMMON_MODE and PASS_BY_POLICY change what UNDECIDED means.
    pub reason: Reason,
    /// The single checks, for people and for the validation items.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Whether it stands outside of the statistics (crossed hard limit).
    #[serde(default)]
    pub hard_limit: bool,
    /// When it was decided, by the monitor's clock; for display.
    pub decided_at: Timestamp,
}

/// A monitor's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decision {
    /// Final for its segment; never stops FAIL.
    Pass,
    /// Final for the analysis.
    Fail,
    /// Not yet known.
    Undecided,
    /// Nothing arrives where something should.
    NoData,
    /// A source failed.
    Error,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The validation item it speaks for; none: none.
    #[serde(default)]
    pub item: Option<ItemKind>,
    /// Its level.
    pub level: Level,
    /// What it says by itself; none: nothing that is known of, and then the verdict speaks for it.
    #[serde(default)]
    pub decision: Option<Decision>,
    /// The candidate's value with unit.
    #[serde(default)]
    pub value: String,
    /// The baseline's value with unit; empty: no baseline.
    #[serde(default)]
    pub baseline: String,
}

/// A check's level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// Good.
    Ok,
    /// Worth a look; moves no traffic.
    Warn,
    /// Bad.
    Fail,
}

/// Reason of an UNDECIDED that holds until stable is well again.
pub const COMMON_MODE: &str = "COMMON_MODE";
/// Reason of an UNDECIDED that advances as a recorded policy choice.
pub const PASS_BY_POLICY: &str = "PASS_BY_POLICY";
