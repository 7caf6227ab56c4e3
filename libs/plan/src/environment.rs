//! Where it is released to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ApprovalRule, EnvironmentId};

/// Who sends a release on into the environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Promotion {
    /// The planner, as soon as it is admitted.
    #[default]
    Auto,
    /// A person or an agent, with PromoteRelease.
    Manual,
}

/// How many of the upstreams must have been passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Upstreams {
    /// All of them.
    #[default]
    All,
    /// Any one.
    Any,
}

/// An environment: what a release must have behind it to enter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Its id.
    pub id: EnvironmentId,
    /// Grows with every change.
    pub generation: u64,
    /// Who sends releases on into it.
    pub promotion: Promotion,
    /// The environments that a release comes from; empty: it enters here.
    pub upstreams: Vec<EnvironmentId>,
    /// How many of them count.
    pub upstream_mode: Upstreams,
    /// How long it must have been live and healthy upstream without a break.
    pub soak: Duration,
    /// Who must approve; all rules must be met. The risk band may add to them, if there are any.
    pub approvals: Vec<ApprovalRule>,
    /// The share of all users that a release reaches here, 0–100 %.
    pub share_of_users_percent: f64,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An environment without any condition.
    pub(crate) fn plain(id: &str) -> Environment {
        Environment {
            id: id.into(),
            generation: 1,
            promotion: Promotion::Auto,
            upstreams: Vec::new(),
            upstream_mode: Upstreams::All,
            soak: Duration::ZERO,
            approvals: Vec::new(),
            share_of_users_percent: 0.0,
        }
    }
}
