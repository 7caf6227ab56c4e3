//! Asking the executor for rollouts that were requested, until it answers.

use std::{collections::BTreeSet, time::Duration};

use bellwether_client::{ApiError, Backoff};
use bellwether_plan::{EnvironmentId, Release, ReleaseEvent, ReleaseId, Stage, StageState};
use bellwether_proto::executor::v1::Rollout;

use bellwether_server::telemetry;
use tracing::Instrument as _;

use super::targets::is_refusal;
use crate::{
    book::{Application, Book, TargetState},
    convert::start_request,
    planner::Planner,
};

/// Between two attempts, at first.
const FIRST: Duration = Duration::from_millis(50);
/// Between two attempts, at most: an executor that is back is asked soon.
const LONGEST: Duration = Duration::from_secs(1);
/// What the first attempts meet is often over before anybody could read it.
const WORTH_SAYING: u32 = 4;

/// A rollout that was requested and has no answer yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Start {
    release: ReleaseId,
    environment: EnvironmentId,
    request_id: String,
}

/// How an attempt ended.
enum Attempt {
    Started(Box<Rollout>),
    Refused { code: String, text: String },
    Again { code: String, text: String },
}

// === impl Start ===

impl Start {
    /// All that are to be asked for. Of those of an application in an environment the oldest comes first: asked for at
    /// the same time a newer one could begin before it, and be superseded by the older.
    pub(super) fn all(book: &Book) -> Vec<Self> {
        let mut asked = BTreeSet::new();
        let stages =
            book.releases().flat_map(|release| release.stages.iter().map(move |stage| (release, stage)));
        stages
            .filter(|(_, (_, stage))| stage.state == StageState::RollingOut && stage.rollout.is_none())
            .filter(|(release, (environment, _))| asked.insert((&release.application, *environment)))
            .filter_map(|(release, (environment, stage))| {
                let (release, environment) = (release.id.clone(), environment.clone());
                Some(Self { release, environment, request_id: stage.request_id.clone()? })
            })
            .collect()
    }

    /// Asks until it is answered, or until somebody else has learnt the answer.
    pub(super) async fn run(self, planner: Planner) {
        let mut backoff = Backoff::new(planner.env().clone(), FIRST, LONGEST);
        let mut attempts = 0;
        while let Some(release) = self.pending(&planner) {
            attempts += 1;
            let span =
                tracing::info_span!("start rollout", release = %release.id, environment = %self.environment);
            if let Some(trace) = &release.trace {
                telemetry::continue_from(&span, trace);
            }
            let committed = match self.attempt(&planner, &release).instrument(span).await {
                Attempt::Started(rollout) => planner.observe_rollout(&rollout).await,
                Attempt::Refused { code, text } => self.end(&planner, code, text).await,
                Attempt::Again { .. } if attempts < WORTH_SAYING => Ok(()),
                Attempt::Again { code, text } => self.say(&planner, &release, code, text).await,
            };
            if let Err(error) = committed {
                tracing::error!(error = &error as &dyn std::error::Error, "asking again");
            }
            if self.pending(&planner).is_none() {
                break;
            }
            tokio::time::sleep(backoff.pause(None)).await;
        }
        planner.wake();
    }

    /// The release, while it has no answer.
    fn pending(&self, planner: &Planner) -> Option<Release> {
        let book = planner.stores().book();
        let release = book.release(self.release.as_str())?;
        let stage = release.stages.get(&self.environment)?;
        let same = stage.request_id.as_deref() == Some(&self.request_id);
        (same && stage.state == StageState::RollingOut && stage.rollout.is_none()).then(|| release.clone())
    }

    async fn attempt(&self, planner: &Planner, release: &Release) -> Attempt {
        let book = planner.stores().book();
        match book.application(release.application.as_str()).and_then(|app| target(app, &self.environment)) {
            None => {
                return Attempt::Again {
                    code: "TARGET_PENDING".to_owned(),
                    text: "waits for the executor to take the target over; it is being asked".to_owned(),
                };
            }
            Some(Err(refused)) => return refused,
            Some(Ok(())) => {}
        }
        let Some(part) = release.plan.part(&self.environment) else {
            return Attempt::Refused {
                code: "NOT_ON_ITS_ROAD".to_owned(),
                text: "its plan does not go there".to_owned(),
            };
        };
        let request = match start_request(release, part, &self.request_id, &release.plan_digest) {
            Ok(request) => request,
            Err(error) => {
                return Attempt::Refused { code: "PLAN_UNREADABLE".to_owned(), text: error.to_string() };
            }
        };
        let answer = planner.executor().acting_for(&release.requester).start_rollout(request).await;
        planner.metrics().asked("start_rollout", answer.is_ok());
        match answer {
            Ok(answer) => {
                answer.into_inner().rollout.map_or_else(no_answer, |rollout| Attempt::Started(rollout.into()))
            }
            Err(status) => refused(&ApiError::from(status)),
        }
    }

    async fn end(
        &self,
        planner: &Planner,
        code: String,
        text: String,
    ) -> Result<(), super::settle::SettleError> {
        let environment = self.environment.clone();
        let event = ReleaseEvent::Moved { environment, to: StageState::Failed, code, text };
        planner.commit_release(&self.release, vec![event]).await
    }

    /// Says why there is no answer yet, once.
    async fn say(
        &self,
        planner: &Planner,
        release: &Release,
        code: String,
        text: String,
    ) -> Result<(), super::settle::SettleError> {
        let known = |stage: &Stage| stage.code == code;
        if release.stages.get(&self.environment).is_some_and(known) {
            return Ok(());
        }
        let environment = self.environment.clone();
        let event = ReleaseEvent::RolloutProgressed { environment, code, text };
        planner.commit_release(&self.release, vec![event]).await
    }
}

/// Whether the executor has the target as it should be; `None`: not yet.
fn target(application: &Application, environment: &EnvironmentId) -> Option<Result<(), Attempt>> {
    let state = application.targets.get(environment)?;
    if state.revision() < application.revision {
        return None;
    }
    Some(match state {
        TargetState::Applied { .. } => Ok(()),
        TargetState::Refused { code, text, .. } => Err(Attempt::Refused {
            code: code.clone(),
            text: format!("the executor refuses the target: {text}"),
        }),
    })
}

fn refused(error: &ApiError) -> Attempt {
    let text = error.to_string();
    if is_refusal(error.code) {
        let code = if error.reason.is_empty() { "ROLLOUT_REFUSED" } else { &error.reason };
        return Attempt::Refused { code: code.to_owned(), text };
    }
    let text = format!("the executor does not answer, it is asked until it does: {text}");
    Attempt::Again { code: "EXECUTOR_UNAVAILABLE".to_owned(), text }
}

fn no_answer() -> Attempt {
    Attempt::Again {
        code: "EXECUTOR_UNAVAILABLE".to_owned(),
        text: "the executor answers without a rollout".to_owned(),
    }
}
