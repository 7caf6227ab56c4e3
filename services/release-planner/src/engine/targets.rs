//! Keeping the executor's targets as the applications say.

use std::time::Duration;

use bellwether_client::{ApiError, Backoff};
use bellwether_plan::{ApplicationId, EnvironmentId};
use bellwether_proto::executor::v1::{ApplyTargetRequest, DeleteTargetRequest};
use bellwether_resource::Aggregate;
use tonic::Code;

use super::settle::SettleError;
use crate::{
    book::{Application, ApplicationEvent, Applications, Book},
    convert::{merged, target_message},
    planner::Planner,
};

/// A target that the executor must be told of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TargetTask {
    application: ApplicationId,
    environment: EnvironmentId,
    /// Of the application; another one is another task.
    revision: u64,
    remove: bool,
}

/// How an attempt ended.
enum Attempt {
    Done(Vec<ApplicationEvent>),
    Again(ApiError),
}

// === impl TargetTask ===

impl TargetTask {
    /// All that the executor must still be told.
    pub(super) fn all(book: &Book) -> Vec<Self> {
        let entries = book.applications.iter().filter_map(|(id, entry)| Some((id, entry.state.as_ref()?)));
        entries
            .flat_map(|(id, application)| {
                let task = move |remove| {
                    let revision = application.revision;
                    move |environment| Self { application: id.clone(), environment, revision, remove }
                };
                let apply = application.to_apply().into_iter().map(task(false));
                apply.chain(application.to_remove().into_iter().map(task(true)))
            })
            .collect()
    }

    /// Asks until it is answered, or until the application has changed.
    pub(super) async fn run(self, planner: Planner) {
        let mut backoff =
            Backoff::new(planner.env().clone(), Duration::from_millis(50), Duration::from_secs(1));
        while let Some(application) = self.current(&planner) {
            let attempt = if self.remove {
                self.remove(&planner, &application).await
            } else {
                self.apply(&planner, &application).await
            };
            match attempt {
                Attempt::Done(events) => match self.commit(&planner, events).await {
                    Ok(()) => return planner.wake(),
                    Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "asking again"),
                },
                Attempt::Again(error) => tracing::debug!(target = self.target(), %error, "asking again"),
            }
            tokio::time::sleep(backoff.pause(None)).await;
        }
    }

    /// The application, while the task is one.
    fn current(&self, planner: &Planner) -> Option<Application> {
        let entry = planner.stores().applications.get(&self.stream())?;
        let application = entry.state.as_ref()?;
        (application.revision == self.revision).then(|| application.clone())
    }

    async fn apply(&self, planner: &Planner, application: &Application) -> Attempt {
        let (environment, revision) = (self.environment.clone(), self.revision);
        let spec = &application.spec;
        let Some(own) = spec.environments.get(environment.as_str()) else {
            return Attempt::Done(vec![ApplicationEvent::TargetRemoved { environment }]);
        };
        let deployment = merged(spec.defaults.as_ref(), own);
        let mut target = target_message(&self.target(), &deployment);
        target.metadata.clone_from(&spec.metadata);
        let request = ApplyTargetRequest {
            request_id: format!("apply-{}-{}", self.target(), self.revision),
            target: Some(target),
            validate_only: false,
        };
        let answer = planner.executor().acting_for(&application.applied_by).apply_target(request).await;
        planner.metrics().asked("apply_target", answer.is_ok());
        match answer {
            Ok(answer) => {
                let target = answer.into_inner().target.unwrap_or_default();
                let learnt = application.learns(&environment, &deployment, &target);
                let applied = ApplicationEvent::TargetApplied { environment, revision };
                Attempt::Done(std::iter::once(applied).chain(learnt).collect())
            }
            Err(status) => {
                let error = ApiError::from(status);
                if !is_refusal(error.code) {
                    return Attempt::Again(error);
                }
                let (code, text) = (error.reason.clone(), error.to_string());
                Attempt::Done(vec![ApplicationEvent::TargetRefused { environment, revision, code, text }])
            }
        }
    }

    async fn remove(&self, planner: &Planner, application: &Application) -> Attempt {
        let request = DeleteTargetRequest {
            request_id: format!("delete-{}-{}", self.target(), self.revision),
            name: format!("targets/{}", self.target()),
            etag: String::new(),
            reason: "the application does not run there any more".to_owned(),
        };
        let environment = self.environment.clone();
        let answer = planner.executor().acting_for(&application.applied_by).delete_target(request).await;
        planner.metrics().asked("delete_target", answer.is_ok());
        match answer {
            Ok(_) => Attempt::Done(vec![ApplicationEvent::TargetRemoved { environment }]),
            Err(status) if status.code() == Code::NotFound => {
                Attempt::Done(vec![ApplicationEvent::TargetRemoved { environment }])
            }
            Err(status) => Attempt::Again(status.into()),
        }
    }

    async fn commit(&self, planner: &Planner, events: Vec<ApplicationEvent>) -> Result<(), SettleError> {
        planner.commit_application(&self.application, events).await
    }

    fn stream(&self) -> String {
        format!("{}{}", Applications::PREFIX, self.application)
    }

    fn target(&self) -> String {
        format!("{}@{}", self.application, self.environment)
    }
}

/// Whether asking again cannot help until something is changed.
pub(super) fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::NotFound
            | Code::AlreadyExists
            | Code::OutOfRange
    )
}
