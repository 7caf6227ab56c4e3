//! What a strategy looks like beside its numbers: the parts that decide which steps there are.

use std::time::Duration;

use bellwether_rollout::Step;

/// The parts of a strategy, of its target and of its policy that decide which steps there are, and what they need.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// The target has a preview route.
    pub preview: bool,
    /// Some requests always go to the candidate.
    pub matches: bool,
    /// The candidate gets copies of requests before it has traffic.
    pub mirror: bool,
    /// Clients stay on the version that they got.
    pub sticky: bool,
    /// Open requests may finish.
    pub drains: bool,
    /// Instances of a batch; 0: a quarter of all. Rolling.
    pub batch: u32,
    /// More instances than wanted run while a batch is swapped. Rolling.
    pub surges: bool,
    /// The steps that the user wrote out, as far as they decide anything here. Custom.
    pub steps: Vec<Step>,
}

/// The lengths of a bake that somebody asked for; what is missing is planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedBake {
    /// At least this long.
    pub min: Option<Duration>,
    /// Undecided after this.
    pub max: Option<Duration>,
    /// Nobody judges it; `None`: the bake was not spoken of.
    pub no_checks: Option<bool>,
}

// === impl AskedBake ===

impl AskedBake {
    /// What is missing here is as in `other`.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            min: self.min.or(other.min),
            max: self.max.or(other.max),
            no_checks: self.no_checks.or(other.no_checks),
        }
    }
}
