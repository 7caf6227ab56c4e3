//! Traffic: what a router is told and what it answers.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{FleetId, Percent};

/// Who gets which traffic. Complete: what is not in it gets none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Split {
    /// Shares by fleet; they add up to 100 %, or are empty: every request is answered with 503.
    pub shares: BTreeMap<FleetId, Percent>,
    /// Requests that go to a fleet whatever the shares say; the first rule that matches wins.
    pub matches: Vec<MatchRoute>,
    /// Copies of requests.
    pub mirror: Option<MirrorRoute>,
    /// Clients stay where they were sent.
    pub affinity: Option<Affinity>,
    /// The fleet that the preview ingress leads to.
    pub preview: Option<FleetId>,
}

/// A match rule and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchRoute {
    /// What must be true of the request.
    pub rule: MatchRule,
    /// Who gets it.
    pub fleet: FleetId,
}

/// True of a request when all its parts are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MatchRule {
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, StringMatch>,
    /// Cookies by name.
    pub cookies: BTreeMap<String, StringMatch>,
    /// Methods; empty: any.
    pub methods: Vec<String>,
    /// Path prefix; empty: any.
    pub path_prefix: String,
}

/// How a value is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StringMatch {
    /// Equal.
    Exact(String),
    /// Starts with it.
    Prefix(String),
    /// Is there at all.
    Present,
}

/// Copies of requests to a fleet whose answers are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorRoute {
    /// Who gets the copies.
    pub fleet: FleetId,
    /// Share of requests that is copied.
    pub percent: Percent,
    /// Whether methods that change things are copied too.
    pub unsafe_methods: bool,
}

/// Copies of requests as a step asks for them: always to the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// Share of requests that is copied.
    pub percent: Percent,
    /// Whether methods that change things are copied too.
    #[serde(default)]
    pub unsafe_methods: bool,
}

/// Clients stay on the version that they got first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affinity {
    /// The name of the cookie that remembers it.
    pub cookie: String,
    /// How long it remembers.
    pub ttl: Duration,
}

// === impl Split ===

impl Split {
    /// Everything to one fleet.
    pub fn all_to(fleet: FleetId) -> Self {
        Self { shares: BTreeMap::from([(fleet, Percent::FULL)]), ..Self::default() }
    }

    /// The share of a fleet.
    pub fn share(&self, fleet: FleetId) -> Percent {
        self.shares.get(&fleet).copied().unwrap_or_default()
    }

    /// Whether requests or copies of requests reach this fleet.
    pub fn reaches(&self, fleet: FleetId) -> bool {
        !self.share(fleet).is_zero()
            || self.matches.iter().any(|route| route.fleet == fleet)
            || self.mirror.is_some_and(|mirror| mirror.fleet == fleet)
            || self.preview == Some(fleet)
    }
}

impl Default for Affinity {
    fn default() -> Self {
        Self { cookie: "bellwether".into(), ttl: Duration::from_secs(24 * 3600) }
    }
}
