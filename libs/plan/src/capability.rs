//! What platforms and routers can do, as far as a strategy needs it.

use std::{collections::BTreeSet, fmt};

use bellwether_rollout::{Percent, Replace, Role, Route, Scale, Step};
use serde::{Deserialize, Serialize};

use crate::Shape;

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

/// What these steps need on a target of `n` instances, in the order of [`Capability::ALL`]: what the executor asks of
/// platform and router before it starts them. `first`: nothing serves yet, so nothing runs beside the candidate.
pub(crate) fn needs(steps: &[Step], shape: &Shape, n: u32, first: bool) -> Vec<Capability> {
    let emptied = steps.iter().position(|step| matches!(step, Step::Route(Route { percent: None, .. })));
    let alone = |index| first || emptied.is_some_and(|at| index > at);
    let by_steps = steps.iter().enumerate().flat_map(|(index, step)| of_step(step, n, alone(index)));
    let policy = [(shape.sticky, Capability::Affinity), (shape.drains, Capability::Drain)];
    let needed: BTreeSet<_> =
        by_steps.chain(policy).filter(|(needed, _)| *needed).map(|(_, it)| it).collect();
    Capability::ALL.into_iter().filter(|capability| needed.contains(capability)).collect()
}

fn of_step(step: &Step, n: u32, alone: bool) -> Vec<(bool, Capability)> {
    match step {
        Step::Route(route) => {
            let partial = route.percent.is_some_and(|share| !share.is_zero() && share < Percent::FULL);
            vec![
                (true, Capability::Confirm),
                (partial, Capability::Weights),
                (!route.matches.is_empty(), Capability::HeaderMatch),
                (route.mirror.is_some(), Capability::Mirror),
                (route.preview, Capability::Preview),
            ]
        }
        Step::Replace(Replace { max_surge, .. }) => {
            let surges = max_surge.count(n, Percent::ZERO) > 0;
            vec![(surges, Capability::Surge), (n > 1, Capability::Weights)]
        }
        Step::Scale(Scale { fleet: Role::Candidate, .. }) => vec![(!alone, Capability::Surge)],
        _ => Vec::new(),
    }
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
