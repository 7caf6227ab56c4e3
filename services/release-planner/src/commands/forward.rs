//! What the executor does: pause, resume, abort, roll back.

use bellwether_plan::{EnvironmentId, ReleaseId, Stage};
use bellwether_proto::{executor::v1 as executor, planner::v1 as pb};
use bellwether_resource::{Violations, error::Problem, etag};
use sha2::{Digest as _, Sha256};
use tonic::Status;

use super::Asker;
use crate::{
    metadata::release_etag,
    planner::{Planner, no_release},
    reasons::NO_ROLLOUT,
    validate,
};

/// A command that was found right, for one rollout.
struct Forward {
    release: ReleaseId,
    rollout: String,
    /// For the executor: the same for the same call.
    request_id: String,
}

/// What all of these requests have.
struct Fields<'a> {
    method: &'a str,
    request_id: &'a str,
    name: &'a str,
    environment: &'a str,
    reason: &'a str,
    etag: &'a str,
}

macro_rules! fields {
    ($method:literal, $request:ident) => {
        &Fields {
            method: $method,
            request_id: &$request.request_id,
            name: &$request.name,
            environment: &$request.environment,
            reason: &$request.reason,
            etag: &$request.etag,
        }
    };
}

// === impl Planner ===

impl Planner {
    /// Holds its rollout.
    pub(crate) async fn pause_release(
        &self,
        asker: Asker,
        request: pb::PauseReleaseRequest,
    ) -> Result<pb::PauseReleaseResponse, Status> {
        let forward = self.forward(&asker, fields!("PauseRelease", request))?;
        let answer = self
            .executor()
            .acting_for(&asker.by)
            .pause_rollout(executor::PauseRolloutRequest {
                request_id: forward.request_id.clone(),
                name: forward.rollout.clone(),
                reason: request.reason,
                after_step: request.after_step,
                ..Default::default()
            })
            .await?;
        let release = Some(self.answered(&forward, answer.into_inner().rollout).await?);
        Ok(pb::PauseReleaseResponse { release })
    }

    /// Lifts the pause.
    pub(crate) async fn resume_release(
        &self,
        asker: Asker,
        request: pb::ResumeReleaseRequest,
    ) -> Result<pb::ResumeReleaseResponse, Status> {
        let forward = self.forward(&asker, fields!("ResumeRelease", request))?;
        let answer = self
            .executor()
            .acting_for(&asker.by)
            .resume_rollout(executor::ResumeRolloutRequest {
                request_id: forward.request_id.clone(),
                name: forward.rollout.clone(),
                reason: request.reason,
                ..Default::default()
            })
            .await?;
        let release = Some(self.answered(&forward, answer.into_inner().rollout).await?);
        Ok(pb::ResumeReleaseResponse { release })
    }

    /// Takes its rollout in flight back.
    pub(crate) async fn abort_release(
        &self,
        asker: Asker,
        request: pb::AbortReleaseRequest,
    ) -> Result<pb::AbortReleaseResponse, Status> {
        let forward = self.forward(&asker, fields!("AbortRelease", request))?;
        let answer = self
            .executor()
            .acting_for(&asker.by)
            .abort_rollout(executor::AbortRolloutRequest {
                request_id: forward.request_id.clone(),
                name: forward.rollout.clone(),
                reason: request.reason,
                ..Default::default()
            })
            .await?;
        let release = Some(self.answered(&forward, answer.into_inner().rollout).await?);
        Ok(pb::AbortReleaseResponse { release })
    }

    /// Takes it back after it had succeeded.
    pub(crate) async fn rollback_release(
        &self,
        asker: Asker,
        request: pb::RollbackReleaseRequest,
    ) -> Result<pb::RollbackReleaseResponse, Status> {
        let forward = self.forward(&asker, fields!("RollbackRelease", request))?;
        let answer = self
            .executor()
            .acting_for(&asker.by)
            .rollback_rollout(executor::RollbackRolloutRequest {
                request_id: forward.request_id.clone(),
                name: forward.rollout.clone(),
                reason: request.reason,
                ..Default::default()
            })
            .await?;
        let release = Some(self.answered(&forward, answer.into_inner().rollout).await?);
        Ok(pb::RollbackReleaseResponse { release })
    }

    /// The rollout that is meant. The executor keeps and deduplicates the command.
    fn forward(&self, asker: &Asker, fields: &Fields<'_>) -> Result<Forward, Status> {
        let mut violations = Violations::new();
        violations.request_id(fields.request_id);
        let id = validate::release_id(&mut violations, "name", fields.name);
        let environment = validate::optional_environment(&mut violations, "environment", fields.environment);
        validate::reason(&mut violations, fields.reason);
        violations.finish()?;
        let book = self.stores().book();
        let entry = book.releases.get(&id).ok_or_else(|| no_release(id.as_str()))?;
        let release = entry.state.as_ref().ok_or_else(|| no_release(id.as_str()))?;
        asker.require_scope(&release.team, release.application.as_str())?;
        etag::check(&entry.stream, fields.etag, &release_etag(release))?;
        let environment = environment.as_ref().or(release.focus());
        let stage = environment.and_then(|environment| release.stages.get(environment));
        let rollout = stage.and_then(|stage| stage.rollout.clone());
        let rollout = rollout.ok_or_else(|| no_rollout(&id, environment, stage))?;
        let request_id = forwarded_id(&asker.by.id, fields);
        Ok(Forward { release: id, rollout, request_id })
    }

    /// The release after the executor's answer.
    async fn answered(
        &self,
        forward: &Forward,
        rollout: Option<executor::Rollout>,
    ) -> Result<pb::Release, Status> {
        if let Some(rollout) = rollout {
            self.observe_rollout(&rollout).await?;
        }
        Ok(self.release(forward.release.as_str())?)
    }
}

fn no_rollout(id: &ReleaseId, environment: Option<&EnvironmentId>, stage: Option<&Stage>) -> Problem {
    let place = environment.map_or_else(String::new, |environment| format!(" in {environment}"));
    let state = stage.map_or("it does not go there", |stage| stage.text.as_str());
    NO_ROLLOUT.because(format!("release {id} has no rollout{place}: {state}"))
}

/// An id under which the executor knows the call; empty when the caller gave none. Other callers' ids and other methods
/// give other ids.
fn forwarded_id(principal: &str, fields: &Fields<'_>) -> String {
    if fields.request_id.is_empty() {
        return String::new();
    }
    let parts = [principal, fields.method, fields.request_id];
    let framed: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    hex::encode(Sha256::digest(framed.as_bytes()))
}
