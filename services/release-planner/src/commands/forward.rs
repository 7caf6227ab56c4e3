//! What the executor does: pause, resume, abort, roll back.

use bellwether_plan::{EnvironmentId, ReleaseId, Stage};
use bellwether_proto::{executor::v1 as executor, planner::v1 as pb};
use bellwether_resource::{Violations, error::Problem, etag};
use sha2::{Digest as _, Sha256};
use tonic::Status;

use super::Asker;
use crate::{
    executor::Client,
    metadata::release_etag,
    planner::{Planner, no_release},
    reasons::NO_ROLLOUT,
    validate,
};

/// A command that was found right, on its way to the executor.
struct Forward {
    /// The executor, on behalf of who asked.
    executor: Client,
    /// What it is about.
    rollout: String,
    /// The same for the same call: the executor keeps and deduplicates the command.
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
        let fields = fields!("PauseRelease", request);
        let send = async |mut forward: Forward| {
            let command = executor::PauseRolloutRequest {
                request_id: forward.request_id,
                name: forward.rollout,
                reason: request.reason.clone(),
                after_step: request.after_step,
                ..Default::default()
            };
            Ok(forward.executor.pause_rollout(command).await?.into_inner().rollout)
        };
        Ok(pb::PauseReleaseResponse { release: Some(self.forward(&asker, fields, send).await?) })
    }

    /// Lifts the pause.
    pub(crate) async fn resume_release(
        &self,
        asker: Asker,
        request: pb::ResumeReleaseRequest,
    ) -> Result<pb::ResumeReleaseResponse, Status> {
        let fields = fields!("ResumeRelease", request);
        let send = async |mut forward: Forward| {
            let command = executor::ResumeRolloutRequest {
                request_id: forward.request_id,
                name: forward.rollout,
                reason: request.reason.clone(),
                ..Default::default()
            };
            Ok(forward.executor.resume_rollout(command).await?.into_inner().rollout)
        };
        Ok(pb::ResumeReleaseResponse { release: Some(self.forward(&asker, fields, send).await?) })
    }

    /// Takes its rollout in flight back.
    pub(crate) async fn abort_release(
        &self,
        asker: Asker,
        request: pb::AbortReleaseRequest,
    ) -> Result<pb::AbortReleaseResponse, Status> {
        let fields = fields!("AbortRelease", request);
        let send = async |mut forward: Forward| {
            let command = executor::AbortRolloutRequest {
                request_id: forward.request_id,
                name: forward.rollout,
                reason: request.reason.clone(),
                ..Default::default()
            };
            Ok(forward.executor.abort_rollout(command).await?.into_inner().rollout)
        };
        Ok(pb::AbortReleaseResponse { release: Some(self.forward(&asker, fields, send).await?) })
    }

    /// Takes it back after it had succeeded.
    pub(crate) async fn rollback_release(
        &self,
        asker: Asker,
        request: pb::RollbackReleaseRequest,
    ) -> Result<pb::RollbackReleaseResponse, Status> {
        let fields = fields!("RollbackRelease", request);
        let send = async |mut forward: Forward| {
            let command = executor::RollbackRolloutRequest {
                request_id: forward.request_id,
                name: forward.rollout,
                reason: request.reason.clone(),
                ..Default::default()
            };
            Ok(forward.executor.rollback_rollout(command).await?.into_inner().rollout)
        };
        Ok(pb::RollbackReleaseResponse { release: Some(self.forward(&asker, fields, send).await?) })
    }

    /// Has `send` give the command to the executor, and answers with the release as it stands then.
    async fn forward(
        &self,
        asker: &Asker,
        fields: &Fields<'_>,
        send: impl AsyncFnOnce(Forward) -> Result<Option<executor::Rollout>, Status>,
    ) -> Result<pb::Release, Status> {
        let (release, rollout) = self.meant(asker, fields)?;
        let request_id = forwarded_id(&asker.by.id, fields);
        let executor = self.executor().acting_for(&asker.by);
        if let Some(rollout) = send(Forward { executor, rollout, request_id }).await? {
            self.observe_rollout(&rollout).await?;
        }
        Ok(self.release(release.as_str())?)
    }

    /// The release and its rollout that are meant.
    fn meant(&self, asker: &Asker, fields: &Fields<'_>) -> Result<(ReleaseId, String), Status> {
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
        Ok((id, rollout))
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
