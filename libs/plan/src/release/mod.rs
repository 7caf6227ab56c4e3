//! A release: what was handed in, its plan, and where it stands in each environment.

mod event;
mod evolve;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ApplicationId, Approval, Approver, Bundle, EnvironmentId, Plan, PlanDigest, ReleaseId, Stage, StageState,
};

pub use event::{EvolveError, ReleaseEvent};

/// Where a release stands; derived from its stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleaseState {
    /// Something of it may start, or waits.
    Waiting,
    /// A rollout of it is at work.
    RollingOut,
    /// It is live and must stay well before it goes on.
    Soaking,
    /// It is live wherever it was to go.
    Completed,
    /// A rollout of it failed.
    Failed,
    /// It was taken back.
    RolledBack,
    /// Somebody who may approve refused it.
    Rejected,
    /// Somebody ended it.
    Cancelled,
    /// Its deadline passed.
    Expired,
    /// A newer one took its place.
    Superseded,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Its id; ids sort by time.
    pub id: ReleaseId,
    /// Of what.
    pub application: ApplicationId,
    /// What is released.
    pub bundle: Bundle,
    /// Its team; may be empty.
    pub team: String,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Who handed it in.
    pub requester: Approver,
    /// When.
    pub created_at: Timestamp,
    /// When it ended; `None`: it has not.
    pub ended_at: Option<Timestamp>,
    /// What still waits then is EXPIRED.
    pub expires_at: Option<Timestamp>,
    /// The W3C `traceparent` of the call that handed it in: everything that follows continues its trace.
    #[serde(default)]
    pub trace: Option<String>,
    /// What will be done.
    pub plan: Plan,
    /// The plan's digest.
    pub plan_digest: PlanDigest,
    /// The digest of the plan before it.
    pub parent_digest: Option<PlanDigest>,
    /// Approvals, also those of former plans.
    pub approvals: Vec<Approval>,
    /// One per environment of the plan.
    pub stages: BTreeMap<EnvironmentId, Stage>,
}

// === impl Release ===

impl Release {
    /// A release with its plan, every stage PLANNED.
    #[expect(clippy::too_many_arguments, reason = "all of it is needed at once, and nowhere else")]
    pub fn new(
        id: ReleaseId,
        plan: Plan,
        bundle: Bundle,
        requester: Approver,
        team: String,
        labels: BTreeMap<String, String>,
        created_at: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Self {
        let planned = Stage {
            state: StageState::Planned,
            code: "PLANNED".to_owned(),
            text: "planned; nothing has been looked at yet".to_owned(),
            ..Stage::new()
        };
        let stages =
            plan.environments.iter().map(|part| (part.environment.clone(), planned.clone())).collect();
        Self {
            id,
            application: plan.application.clone(),
            plan_digest: plan.digest(),
            parent_digest: None,
            approvals: Vec::new(),
            ended_at: None,
            trace: None,
            bundle,
            team,
            labels,
            requester,
            created_at,
            expires_at,
            plan,
            stages,
        }
    }

    /// Where it stands as a whole: what is at work first, then what went wrong, then what is to come.
    pub fn state(&self) -> ReleaseState {
        use StageState as S;
        const ORDER: [(S, ReleaseState); 12] = [
            (S::RollingOut, ReleaseState::RollingOut),
            (S::Failed, ReleaseState::Failed),
            (S::RolledBack, ReleaseState::RolledBack),
            (S::Rejected, ReleaseState::Rejected),
            (S::Soaking, ReleaseState::Soaking),
            (S::Submitted, ReleaseState::Waiting),
            (S::Planned, ReleaseState::Waiting),
            (S::Waiting, ReleaseState::Waiting),
            (S::Cancelled, ReleaseState::Cancelled),
            (S::Expired, ReleaseState::Expired),
            (S::Superseded, ReleaseState::Superseded),
            (S::Completed, ReleaseState::Completed),
        ];
        let has = |state| self.stages.values().any(|stage| stage.state == state);
        ORDER.iter().find(|(stage, _)| has(*stage)).map_or(ReleaseState::Completed, |(_, state)| *state)
    }

    /// The environment that people mean when they name none: where a rollout is at work, else where it is live (the last
    /// of the road), else the first that waits.
    pub fn focus(&self) -> Option<&EnvironmentId> {
        let road: Vec<_> = self.plan.environments.iter().map(|part| &part.environment).collect();
        let at = |wanted: fn(StageState) -> bool| {
            road.iter()
                .copied()
                .filter(move |id| self.stages.get(*id).is_some_and(|stage| wanted(stage.state)))
        };
        at(|state| state == StageState::RollingOut)
            .next_back()
            .or_else(|| at(StageState::is_live).next_back())
            .or_else(|| at(StageState::is_waiting).next())
            .or_else(|| road.last().copied())
    }

    /// Approvals of the present plan in this environment.
    pub fn valid_approvals<'a>(
        &'a self,
        environment: &'a EnvironmentId,
    ) -> impl Iterator<Item = &'a Approval> {
        self.approvals.iter().filter(move |approval| {
            approval.environment == *environment && approval.plan_digest == self.plan_digest
        })
    }
}
