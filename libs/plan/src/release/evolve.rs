//! From event to event.

use jiff::Timestamp;

use super::{EvolveError, Release, ReleaseEvent};
use crate::{EnvironmentId, Plan, PlanDigest, Stage, StageState};

type Evolved = Result<(), EvolveError>;

// === impl Release ===

impl Release {
    /// Applies what happened at `at`. `None` is the release before it was handed in.
    ///
    /// # Errors
    /// An event that does not fit; the release is then as it was.
    pub fn evolve(release: Option<Self>, event: &ReleaseEvent, at: Timestamp) -> Result<Self, EvolveError> {
        match (release, event) {
            (None, ReleaseEvent::Submitted { release }) => Ok((**release).clone()),
            (Some(mut release), event) => {
                release.apply(event, at)?;
                let ended = release.stages.values().all(|stage| stage.state.is_final());
                release.ended_at = if ended { release.ended_at.or(Some(at)) } else { None };
                Ok(release)
            }
            (None, _) => Err(EvolveError::Repeated),
        }
    }

    fn apply(&mut self, event: &ReleaseEvent, at: Timestamp) -> Evolved {
        match event {
            ReleaseEvent::Submitted { .. } => Err(EvolveError::Repeated),
            ReleaseEvent::Replanned { plan, plan_digest } => self.replan(plan, plan_digest),
            ReleaseEvent::Approved { environment, approval } => {
                self.stage(environment)?;
                self.approvals.push(approval.clone());
                Ok(())
            }
            ReleaseEvent::Promoted { environment, by, reason } => {
                self.go(environment, StageState::Waiting, "PROMOTED", reason)?;
                let stage = self.stage(environment)?;
                stage.promoted_by = Some(by.clone());
                stage.rollout = None;
                stage.leave(at);
                Ok(())
            }
            ReleaseEvent::RolloutRequested { environment, request_id, .. } => {
                self.go(
                    environment,
                    StageState::RollingOut,
                    "ROLLOUT_REQUESTED",
                    "the executor is being asked",
                )?;
                let stage = self.stage(environment)?;
                stage.request_id = Some(request_id.clone());
                stage.rollout = None;
                stage.allows.clear();
                stage.started_at = Some(at);
                Ok(())
            }
            ReleaseEvent::RolloutStarted { environment, rollout, display_name } => {
                let stage = self.stage(environment)?;
                stage.rollout = Some(rollout.clone());
                stage.rollout_display_name.clone_from(display_name);
                "ROLLING_OUT".clone_into(&mut stage.code);
                stage.text = format!("{display_name} is at work");
                Ok(())
            }
            ReleaseEvent::RolloutProgressed { environment, code, text } => {
                let stage = self.stage(environment)?;
                stage.code.clone_from(code);
                stage.text.clone_from(text);
                Ok(())
            }
            ReleaseEvent::SteeringChanged { environment, allows } => {
                self.stage(environment)?.allows.clone_from(allows);
                Ok(())
            }
            ReleaseEvent::TargetClosed { environment, because } => {
                self.stage(environment)?.target_closed.clone_from(because);
                Ok(())
            }
            ReleaseEvent::Moved { environment, to, code, text } => {
                self.go(environment, *to, code, text)?;
                self.stage(environment)?.settle(*to, at);
                Ok(())
            }
            ReleaseEvent::HealthLost { environment } => {
                self.stage(environment)?.soak.end(at);
                Ok(())
            }
            ReleaseEvent::HealthRegained { environment } => {
                let stage = self.stage(environment)?;
                if stage.live_since.is_some() {
                    stage.soak.begin(at);
                }
                Ok(())
            }
            ReleaseEvent::Restored { environment, rollout, display_name } => {
                if !self.stage(environment)?.state.is_live() {
                    let text = "what had taken its place was taken back";
                    self.go(environment, StageState::Completed, "RESTORED", text)?;
                }
                let stage = self.stage(environment)?;
                if !rollout.is_empty() {
                    stage.rollout = Some(rollout.clone());
                    stage.rollout_display_name.clone_from(display_name);
                }
                stage.settle(stage.state, at);
                Ok(())
            }
            ReleaseEvent::StepsRecorded { environment, times } => {
                self.stage(environment)?.step_times.clone_from(times);
                Ok(())
            }
            ReleaseEvent::Replaced { environment } => {
                self.stage(environment)?.leave(at);
                Ok(())
            }
        }
    }

    fn replan(&mut self, plan: &Plan, digest: &PlanDigest) -> Evolved {
        self.parent_digest = Some(std::mem::replace(&mut self.plan_digest, digest.clone()));
        self.plan = plan.clone();
        let mut stages = std::mem::take(&mut self.stages);
        for part in &self.plan.environments {
            let mut stage = stages.remove(&part.environment).unwrap_or_else(Stage::new);
            if stage.state.is_waiting() {
                let text = "planned anew: the application or an environment has changed";
                stage.go(StageState::Planned, "PLANNED", text).map_err(|transition| {
                    EvolveError::Transition { environment: part.environment.clone(), transition }
                })?;
            }
            self.stages.insert(part.environment.clone(), stage);
        }
        Ok(())
    }

    fn go(&mut self, environment: &EnvironmentId, to: StageState, code: &str, text: &str) -> Evolved {
        let stage = self.stage(environment)?;
        stage
            .go(to, code, text)
            .map_err(|transition| EvolveError::Transition { environment: environment.clone(), transition })
    }

    fn stage(&mut self, environment: &EnvironmentId) -> Result<&mut Stage, EvolveError> {
        self.stages.get_mut(environment).ok_or_else(|| EvolveError::UnknownEnvironment(environment.clone()))
    }
}

// === impl Stage ===

impl Stage {
    /// What a state means for being live.
    fn settle(&mut self, state: StageState, at: Timestamp) {
        if state.is_live() {
            self.live_since.get_or_insert(at);
            self.soak.begin(at);
        } else {
            self.leave(at);
        }
    }

    fn leave(&mut self, at: Timestamp) {
        self.live_since = None;
        self.soak.end(at);
    }
}
