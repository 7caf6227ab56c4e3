//! What people do to a rollout.

use anyhow::Context as _;
use bellwether_proto::{
    Timestamp,
    executor::v1::{
        AbortRolloutRequest, AdvanceRolloutRequest, FleetSpec, GetRolloutRequest, PauseRolloutRequest,
        RenewPermitRequest, ResolveGateRequest, ResolveInterruptionRequest, ResumeRolloutRequest, Rollout,
        StartRolloutRequest, resolve_gate_request, resolve_interruption_request::Resolution,
    },
};

use super::App;
use crate::shop::Release;

const REASON: &str = "the scenario says so";

// === impl App ===

impl App<'_> {
    /// Starts a release past the planner; returns the name under which it is followed.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn start_by_hand(&self, release: &Release) -> anyhow::Result<String> {
        let spec = FleetSpec {
            version: release.version.clone(),
            artifact: Some(self.artifact.clone()),
            command: self.deployment.command.clone(),
            env: release.configuration.clone(),
            ready: self.deployment.ready.clone(),
            ..Default::default()
        };
        let name = format!("releases/{}", self.stack.env().uuid());
        let request = StartRolloutRequest {
            target: self.target_name(),
            spec: Some(spec),
            strategy: Some(release.strategy.clone()),
            policy: self.deployment.policy.clone(),
            health: self.deployment.health.clone(),
            release: name.clone(),
            ..Default::default()
        };
        self.stack.executor().start_rollout(request).await?;
        Ok(name)
    }

    /// A rollout as it stands.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn rollout(&self, name: &str) -> anyhow::Result<Rollout> {
        let request = GetRolloutRequest { name: name.to_owned() };
        let answer = self.stack.executor().get_rollout(request).await?.into_inner();
        answer.rollout.context("an answer without a rollout")
    }

    /// Holds it, at once or after the step that runs.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn pause(&self, name: &str, after_step: bool) -> Result<(), tonic::Status> {
        let (name, reason) = (name.to_owned(), REASON.to_owned());
        let request = PauseRolloutRequest { name, reason, after_step, ..Default::default() };
        self.stack.executor().pause_rollout(request).await.map(drop)
    }

    /// Lifts the pause.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn resume(&self, name: &str) -> Result<(), tonic::Status> {
        let (name, reason) = (name.to_owned(), REASON.to_owned());
        let request = ResumeRolloutRequest { name, reason, ..Default::default() };
        self.stack.executor().resume_rollout(request).await.map(drop)
    }

    /// Skips what the step waits for, or everything to the end.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn advance(&self, name: &str, step: i32, all: bool) -> Result<(), tonic::Status> {
        let (name, reason) = (name.to_owned(), REASON.to_owned());
        let request =
            AdvanceRolloutRequest { name, reason, expected_step_index: step, all, ..Default::default() };
        self.stack.executor().advance_rollout(request).await.map(drop)
    }

    /// Takes it back; with an etag only as it was seen.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn abort(&self, name: &str, etag: &str) -> Result<(), tonic::Status> {
        let (name, reason, etag) = (name.to_owned(), REASON.to_owned(), etag.to_owned());
        let request = AbortRolloutRequest { name, reason, etag, ..Default::default() };
        self.stack.executor().abort_rollout(request).await.map(drop)
    }

    /// Opens a gate of a rollout as it was seen.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn approve(&self, rollout: &Rollout, gate: &str) -> Result<(), tonic::Status> {
        self.answer(rollout, gate, resolve_gate_request::Resolution::Approve).await
    }

    /// Says no at a gate of a rollout as it was seen.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn reject(&self, rollout: &Rollout, gate: &str) -> Result<(), tonic::Status> {
        self.answer(rollout, gate, resolve_gate_request::Resolution::Reject).await
    }

    async fn answer(
        &self,
        rollout: &Rollout,
        gate: &str,
        resolution: resolve_gate_request::Resolution,
    ) -> Result<(), tonic::Status> {
        let request = ResolveGateRequest {
            name: rollout.name.clone(),
            gate: gate.to_owned(),
            resolution: resolution.into(),
            reason: REASON.to_owned(),
            etag: rollout.metadata.clone().unwrap_or_default().etag,
            ..Default::default()
        };
        self.stack.executor().resolve_gate(request).await.map(drop)
    }

    /// Lets its forward steps start until then; none: for good.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn permit_until(&self, name: &str, until: Option<Timestamp>) -> Result<(), tonic::Status> {
        let request = RenewPermitRequest { name: name.to_owned(), permit_until: until, ..Default::default() };
        self.stack.executor().renew_permit(request).await.map(drop)
    }

    /// Answers a rollout, or the target under its own name, that asks.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn resolve(&self, name: &str, resolution: Resolution) -> Result<(), tonic::Status> {
        let (name, reason) = (name.to_owned(), REASON.to_owned());
        let request =
            ResolveInterruptionRequest { name, reason, resolution: resolution.into(), ..Default::default() };
        self.stack.executor().resolve_interruption(request).await.map(drop)
    }
}
