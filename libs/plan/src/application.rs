//! What is released: the application as the planner sees it.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ApplicationId, AskedBake, Capabilities, EnvironmentId, HealthBounds, Shape, StrategyKind};

/// The kinds of applications that the strategy table knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicationType {
    /// A shop: high risk, no downtime.
    ECommerce,
    /// A banking API: critical, no downtime.
    BankingApi,
    /// A tool for colleagues: medium risk, 5 minutes of downtime are borne.
    InternalTool,
    /// A batch job: low risk, 30 minutes.
    Batch,
    /// A static site: low risk, no downtime.
    StaticSite,
    /// Anything else: medium risk, no downtime.
    Custom,
}

/// How bad it is when the application does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Criticality {
    /// Nobody outside notices.
    Low,
    /// Colleagues notice.
    Medium,
    /// Customers notice.
    High,
    /// Money or safety is at stake.
    Critical,
}

/// The five audiences of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Audience {
    /// Who wrote it.
    Development,
    /// Who runs it.
    Operations,
    /// Who answers its users.
    Support,
    /// Who decides what it should do.
    Product,
    /// Who answers for it.
    Executive,
}

/// A part of the plan that this crate carries but does not read: the target, fleet, policy and checks of one deployment in
/// the JSON form of their contract. Part of the digest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pinned(pub Value);

/// What an application may set of its recipe; what is unset is planned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tuning {
    /// The strategy, against the table.
    pub strategy: Option<StrategyKind>,
    /// The candidate's shares of traffic, percent, rising; 100 is appended where it is missing.
    pub weights: Vec<f64>,
    /// The bakes that have none of their own.
    pub bake: AskedBake,
    /// The bakes at `weights`, in their order; the one after the last weight is that at the appended 100.
    pub bakes: Vec<AskedBake>,
    /// The bake on the preview route.
    pub preview_bake: AskedBake,
    /// The bake at 100 %.
    pub final_bake: AskedBake,
    /// What decides which steps there are.
    pub shape: Shape,
}

/// An application in one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// The platform's name, e.g. `agent`.
    pub platform: String,
    /// What platform and router can do.
    pub capabilities: Capabilities,
    /// How many instances serve, at least 1. It may change at any time; only the timeline is made for it.
    pub instances: u32,
    /// Set by the user against the table and the band.
    pub tuning: Tuning,
    /// What its health policy says that bakes depend on.
    pub health: HealthBounds,
    /// What the executor is given.
    pub spec: Pinned,
}

/// An application.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Grows with every change except that of an instance count.
    pub generation: u64,
    /// What kind of application it is.
    pub kind: ApplicationType,
    /// The downtime it bears; `None`: that of its kind.
    pub downtime_tolerance: Option<Duration>,
    /// The longest that taking a release back may last; `None`: no bound.
    pub rollback_slo: Option<Duration>,
    /// Whom to tell, by audience: addresses such as `slack:#shop` or `mailto:ops@example.com`.
    pub stakeholders: BTreeMap<Audience, Vec<String>>,
    /// Where it runs.
    pub deployments: BTreeMap<EnvironmentId, Deployment>,
}

// === impl ApplicationType ===

impl ApplicationType {
    /// Every kind, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::ECommerce, Self::BankingApi, Self::InternalTool, Self::Batch, Self::StaticSite, Self::Custom];

    /// The name that people write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ECommerce => "e-commerce",
            Self::BankingApi => "banking-api",
            Self::InternalTool => "internal-tool",
            Self::Batch => "batch",
            Self::StaticSite => "static-site",
            Self::Custom => "custom",
        }
    }
}

// === impl Application ===

impl Application {
    /// The downtime it bears: its own, else its kind's.
    pub fn downtime_tolerance(&self) -> Duration {
        self.downtime_tolerance.unwrap_or_else(|| crate::strategy::row(self.kind).downtime)
    }
}
