//! What happens to a release.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    Approval, Approver, EnvironmentId, IllegalTransition, Plan, PlanDigest, Release, StageState, Steering,
    StepKind,
};

/// What happened to a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleaseEvent {
    /// Handed in and planned.
    Submitted {
        /// As handed in: every stage PLANNED.
        release: Box<Release>,
    },
    /// Application or environments have changed before it had started everywhere: planned anew. Approvals of the old plan
    /// are void.
    Replanned {
        /// The new plan. Environments where it has started keep their part.
        plan: Box<Plan>,
        /// Its digest.
        plan_digest: PlanDigest,
    },
    /// Somebody approved.
    Approved {
        /// Where.
        environment: EnvironmentId,
        /// What and who.
        approval: Approval,
    },
    /// Somebody sent it on.
    Promoted {
        /// Where to.
        environment: EnvironmentId,
        /// Who.
        by: Approver,
        /// Why.
        reason: String,
    },
    /// The commit point of a start: from here on the rollout is asked for until the executor answers.
    RolloutRequested {
        /// Where.
        environment: EnvironmentId,
        /// The id that makes asking twice the same as asking once.
        request_id: String,
        /// What is carried out.
        plan_digest: PlanDigest,
    },
    /// The executor has answered.
    RolloutStarted {
        /// Where.
        environment: EnvironmentId,
        /// `rollouts/<id>`.
        rollout: String,
        /// `shop@production-17`.
        display_name: String,
    },
    /// What is known of its rollout has changed, but not where the release stands.
    RolloutProgressed {
        /// Where.
        environment: EnvironmentId,
        /// Why it stands there.
        code: String,
        /// For people.
        text: String,
    },
    /// What can be done with its rollout has changed.
    SteeringChanged {
        /// Where.
        environment: EnvironmentId,
        /// What can be done now.
        allows: BTreeSet<Steering>,
    },
    /// Its target takes no new rollouts, or does so again.
    TargetClosed {
        /// Where.
        environment: EnvironmentId,
        /// Why not; empty: it does.
        because: String,
    },
    /// It has gone from one state to another.
    Moved {
        /// Where.
        environment: EnvironmentId,
        /// To which state.
        to: StageState,
        /// Why.
        code: String,
        /// For people.
        text: String,
    },
    /// It is live but not healthy: a soak begins anew once it is.
    HealthLost {
        /// Where.
        environment: EnvironmentId,
    },
    /// It is healthy again.
    HealthRegained {
        /// Where.
        environment: EnvironmentId,
    },
    /// It is live again, because what had replaced it was taken back.
    Restored {
        /// Where.
        environment: EnvironmentId,
        /// The rollout that brought it back; empty: its own instances had been kept.
        #[serde(default)]
        rollout: String,
        /// `shop@production-18`; empty as above.
        #[serde(default)]
        display_name: String,
    },
    /// How long the steps of its rollout took.
    StepsRecorded {
        /// Where.
        environment: EnvironmentId,
        /// By kind, in their order.
        times: Vec<(StepKind, Duration)>,
    },
    /// It is no longer live, because another one is.
    Replaced {
        /// Where.
        environment: EnvironmentId,
    },
}

/// An event that does not fit the release: the journal is damaged, or a newer build wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvolveError {
    /// The table does not have it.
    #[error("illegal in {environment}: {transition}")]
    Transition {
        /// Where.
        environment: EnvironmentId,
        /// What.
        transition: IllegalTransition,
    },
    /// The plan has no such environment.
    #[error("the plan has no environment {0}")]
    UnknownEnvironment(EnvironmentId),
    /// It was handed in twice.
    #[error("it was handed in before")]
    Repeated,
}
