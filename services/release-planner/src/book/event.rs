//! What is committed: one kind of stream per kind of resource.

use bellwether_plan::{Approver, EnvironmentId, Hold};
use bellwether_proto::planner::v1 as pb;
use serde::{Deserialize, Serialize};

use super::Ability;

/// What happens to an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ApplicationEvent {
    /// Somebody created or changed it.
    Applied {
        /// As given, without what is output only.
        application: Box<pb::Application>,
        /// Grown by one unless only instance counts differ.
        generation: u64,
        /// Who; its targets are changed on their behalf.
        by: Approver,
    },
    /// The executor has taken over a target.
    TargetApplied {
        /// Where.
        environment: EnvironmentId,
        /// The revision of the application that it was taken from.
        revision: u64,
    },
    /// The executor has refused a target; the next change tries again.
    TargetRefused {
        /// Where.
        environment: EnvironmentId,
        /// The revision of the application that it was taken from.
        revision: u64,
        /// Why.
        code: String,
        /// For people.
        text: String,
    },
    /// The executor is removing a target.
    TargetRemoved {
        /// Where.
        environment: EnvironmentId,
    },
    /// The executor has said what platform and router can do.
    AbilityLearnt {
        /// Where.
        environment: EnvironmentId,
        /// What.
        ability: Ability,
    },
    /// A version must never start again.
    Vetoed {
        /// Which.
        version: String,
        /// Who said so.
        by: Approver,
        /// Why.
        reason: String,
    },
    /// Somebody removed it.
    Deleted {
        /// Who.
        by: Approver,
        /// Why.
        reason: String,
    },
}

/// What happens to an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum EnvironmentEvent {
    /// Somebody created or changed it.
    Applied {
        /// As given, without what is output only.
        environment: Box<pb::Environment>,
        /// Grown by one.
        generation: u64,
        /// Who.
        by: Approver,
    },
    /// Somebody removed it.
    Deleted {
        /// Who.
        by: Approver,
        /// Why.
        reason: String,
    },
}

/// What happens to a hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum HoldEvent {
    /// It is in force.
    Held {
        /// As it stands.
        hold: Hold,
    },
    /// It is not any more.
    Released {
        /// Who.
        by: Approver,
        /// Why.
        reason: String,
    },
}
