//! Asking the executor what it would say to an application's targets, before the application is taken.

use std::time::Duration;

use bellwether_client::ApiError;
use bellwether_plan::{Approver, EnvironmentId};
use bellwether_proto::{
    executor::v1::{ApplyTargetRequest, Target},
    planner::v1 as pb,
};
use bellwether_resource::Violations;
use futures::future::join_all;
use tonic::Code;

use crate::{
    convert::{merged, target_message},
    planner::Planner,
};

/// An application is taken without an answer rather than later: the executor is told again, and then for good.
const PATIENCE: Duration = Duration::from_secs(2);

/// An environment with the target that would stand there.
pub(super) type Rehearsed = Vec<(EnvironmentId, Target)>;

// === impl Planner ===

impl Planner {
    /// The targets as the executor would have them, with what their platforms can do. Fields that it refuses are added to
    /// `violations`; what it only refuses at this moment, or does not answer, is left to the engine.
    pub(super) async fn rehearse(
        &self,
        by: &Approver,
        spec: &pb::Application,
        violations: &mut Violations,
    ) -> Rehearsed {
        let id = spec.name.trim_start_matches("applications/");
        let mut own: Vec<_> = spec.environments.iter().collect();
        own.sort_unstable_by_key(|(environment, _)| environment.as_str());
        let asked = own.into_iter().map(async |(environment, own)| {
            let deployment = merged(spec.defaults.as_ref(), own);
            let mut target = target_message(&format!("{id}@{environment}"), &deployment);
            target.metadata.clone_from(&spec.metadata);
            let request =
                ApplyTargetRequest { target: Some(target), validate_only: true, ..Default::default() };
            let mut client = self.executor().acting_for_within(by, PATIENCE);
            (environment, client.apply_target(request).await)
        });
        let mut rehearsed = Rehearsed::new();
        for (environment, answer) in join_all(asked).await {
            match answer {
                Ok(answer) => {
                    let target = answer.into_inner().target.unwrap_or_default();
                    rehearsed.push((environment.as_str().into(), target));
                }
                Err(status) if status.code() == Code::InvalidArgument => {
                    let within = format!("application.environments.{environment}");
                    violations.within(&within, |violations| refused(violations, &status.into()));
                }
                Err(status) => tracing::debug!(%environment, %status, "the executor is asked later"),
            }
        }
        rehearsed
    }
}

/// The executor's fields are those of the target, which has those of the deployment.
fn refused(violations: &mut Violations, error: &ApiError) {
    for field in &error.fields {
        let (given, allowed) = match field.description.split_once("; allowed: ") {
            Some((given, allowed)) => (given.trim_start_matches("given "), allowed),
            None => ("what was sent", field.description.as_str()),
        };
        violations.add(field.path.trim_start_matches("target."), given, allowed);
    }
    if error.fields.is_empty() {
        violations.add("", "what was sent", &error.message);
    }
}
