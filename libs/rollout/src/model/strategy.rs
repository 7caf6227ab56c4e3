//! Strategies as a user names them; `recipe` turns them into steps.

use serde::{Deserialize, Serialize};

use super::{Bake, MatchRule, Mirror, Percent, Size, Step};

/// How the candidate takes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Strategy {
    /// Growing shares of traffic.
    Canary(Canary),
    /// A full second fleet, then all traffic at once or by a ramp.
    BlueGreen(BlueGreen),
    /// Batches of instances in place.
    Rolling(Rolling),
    /// Stop all, start all: for what cannot run twice. The only one with downtime.
    Recreate(Recreate),
    /// 100 % as soon as it is ready: a rollback to a release that served before.
    Direct,
    /// Steps written out; what is missing at the end (100 %, Promote) is added.
    Steps(Vec<Step>),
}

/// Growing shares of traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// The weights in rising order; 100 % is added when it is missing.
    pub steps: Vec<CanaryStep>,
    /// The Bake after each weight.
    pub bake: Bake,
    /// The Bake at 100 %, the post-deployment validation.
    pub validate: Bake,
}

/// One weight of a canary or of a ramp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryStep {
    /// The candidate's share.
    pub percent: Percent,
    /// Instances of the candidate; none: as many as the share needs.
    #[serde(default)]
    pub scale: Option<Size>,
    /// Requests that go to the candidate in any case.
    #[serde(default)]
    pub matches: Vec<MatchRule>,
    /// Copies of requests to the candidate.
    #[serde(default)]
    pub mirror: Option<Mirror>,
    /// A Bake of its own.
    #[serde(default)]
    pub bake: Option<Bake>,
}

/// A full second fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlueGreen {
    /// Instances while previewed; none: all.
    #[serde(default)]
    pub preview_size: Option<Size>,
    /// The Bake on the preview route before traffic moves; none: no preview.
    #[serde(default)]
    pub preview: Option<Bake>,
    /// Weights before 100 %; empty: one flip.
    #[serde(default)]
    pub ramp: Vec<CanaryStep>,
    /// The Bake after each weight of the ramp.
    pub bake: Bake,
    /// The Bake at 100 %.
    pub validate: Bake,
}

/// Batches in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolling {
    /// Instances per batch.
    pub batch: Size,
    /// Instances above n at any time.
    pub max_surge: Size,
    /// Instances below n at any time.
    pub max_unavailable: Size,
    /// The Bake between batches; none: batches follow each other.
    #[serde(default)]
    pub bake: Option<Bake>,
    /// The Bake at 100 %.
    pub validate: Bake,
}

/// Stop all, start all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recreate {
    /// The Bake at 100 %.
    pub validate: Bake,
}
