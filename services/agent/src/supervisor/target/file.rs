//! What is written down of a target before anything is done.

use bellwether_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::supervisor::{
    fence::Fence,
    wish::{RouteWish, Wish},
};

/// A target, as it lies on disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// The highest fence that was obeyed.
    pub fence: Fence,
    /// What it should be.
    pub wish: Wish,
    /// The generation of the wish; a route alone may be of a newer one.
    pub converged: i64,
    /// Somebody took the traffic over.
    pub taken_over: Option<TakenOver>,
}

/// Somebody took the traffic over, past the executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOver {
    /// The fleet that gets all traffic; none: what is routed stays as it is.
    pub fleet: Option<String>,
    /// The revision of that route.
    pub revision: u64,
    /// Why.
    pub reason: String,
    /// When.
    pub since: Timestamp,
    /// The executor may work on the target again. Until it does, the traffic stays: what it wished before was what
    /// the traffic was taken away from.
    pub handed_back: bool,
}

// === impl File ===

impl File {
    /// The route to be in force.
    pub fn route(&self) -> RouteWish {
        let taken = self.taken_over.as_ref().and_then(|taken| Some((taken.fleet.clone()?, taken.revision)));
        match taken {
            None => self.wish.route.clone(),
            Some((fleet, revision)) => RouteWish {
                revision,
                split: vec![crate::gateway::Share { fleet, percent: 100.0 }],
                ..RouteWish::default()
            },
        }
    }

    /// When what is open on a fleet is cut; none: it is not being drained.
    pub fn drain_until(&self, fleet: &str) -> Option<Timestamp> {
        let carries = self.taken_over.as_ref().is_some_and(|taken| taken.fleet.as_deref() == Some(fleet));
        self.wish.drains.get(fleet).copied().filter(|_| !carries)
    }

    /// The fleet that is trusted: as the executor has said; else the one with the largest share, the older one of
    /// equals (fleet ids sort by time).
    pub fn stable(&self) -> Option<&str> {
        let named = self.wish.stable.as_deref().filter(|fleet| self.wish.fleet(fleet).is_some());
        named.or_else(|| {
            let shares = self.wish.route.split.iter();
            let larger = |a: &&crate::gateway::Share, b: &&crate::gateway::Share| {
                a.percent.total_cmp(&b.percent).then_with(|| b.fleet.cmp(&a.fleet))
            };
            shares.max_by(larger).map(|share| share.fleet.as_str())
        })
    }
}
