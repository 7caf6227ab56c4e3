//! Removing applications and environments.

use bellwether_plan::{ApplicationId, EnvironmentId};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{
    Aggregate, Decision, Violations,
    error::{NOT_FOUND, PreconditionKind, Problem},
    etag,
};
use tonic::Status;

use super::Asker;
use crate::{
    book::{ApplicationEvent, Applications, Book, EnvironmentEvent, Environments},
    metadata::{application_etag, etag_of},
    planner::Planner,
    reasons::IN_USE,
    validate,
};

// === impl Planner ===

impl Planner {
    /// Removes an application; the engine removes its targets.
    pub(crate) async fn delete_application(
        &self,
        asker: Asker,
        request: pb::DeleteApplicationRequest,
    ) -> Result<pb::DeleteApplicationResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let id = validate::application_id(&mut violations, "name", &request.name);
        validate::reason(&mut violations, &request.reason);
        violations.finish()?;
        asker.require_scope("", id.as_str())?;
        let call = asker.call("DeleteApplication", &request.request_id, &request)?;
        let stream = format!("{}{id}", Applications::PREFIX);
        let turn = self.turn().await;
        let done = turn.decide(&self.stores().applications, &stream, call, move |entry, book, _| {
            if entry.state.as_ref().is_none_or(|application| application.deleted) {
                return Err(NOT_FOUND.because(format!("there is no application {:?}", id.as_str())));
            }
            etag::check(&entry.stream, &request.etag, &application_etag(entry))?;
            check_no_release(book, &id)?;
            let deleted = ApplicationEvent::Deleted { by: asker.by, reason: request.reason };
            Ok::<_, Problem>(Decision::new(vec![deleted]).answer(|_| pb::DeleteApplicationResponse {}))
        });
        Ok(done.await?.answer)
    }

    /// Removes an environment that nothing names.
    pub(crate) async fn delete_environment(
        &self,
        asker: Asker,
        request: pb::DeleteEnvironmentRequest,
    ) -> Result<pb::DeleteEnvironmentResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let id = validate::environment_id(&mut violations, "name", &request.name);
        validate::reason(&mut violations, &request.reason);
        violations.finish()?;
        let call = asker.call("DeleteEnvironment", &request.request_id, &request)?;
        let stream = format!("{}{id}", Environments::PREFIX);
        let turn = self.turn().await;
        let done = turn.decide(&self.stores().environments, &stream, call, move |entry, book, _| {
            if entry.state.as_ref().is_none_or(|environment| environment.deleted) {
                return Err(NOT_FOUND.because(format!("there is no environment {:?}", id.as_str())));
            }
            etag::check(&entry.stream, &request.etag, &etag_of(entry))?;
            check_unnamed(book, &id)?;
            let deleted = EnvironmentEvent::Deleted { by: asker.by, reason: request.reason };
            Ok::<_, Problem>(Decision::new(vec![deleted]).answer(|_| pb::DeleteEnvironmentResponse {}))
        });
        Ok(done.await?.answer)
    }
}

fn check_no_release(book: &Book, id: &ApplicationId) -> Result<(), Problem> {
    let open = book.releases_of(id).filter(|release| release.ended_at.is_none());
    let problem = open.fold(None, |problem: Option<Problem>, release| {
        let problem = problem.unwrap_or_else(|| IN_USE.because(format!("releases of {id} are open")));
        let (subject, what) = (format!("releases/{}", release.id), format!("it is {:?}", release.state()));
        Some(problem.precondition(PreconditionKind::State, subject, what))
    });
    problem.map_or(Ok(()), Err)
}

fn check_unnamed(book: &Book, id: &EnvironmentId) -> Result<(), Problem> {
    let applications = book.applications().filter(|(_, application)| application.runs_in(id));
    let applications = applications.map(|(name, _)| format!("applications/{name}"));
    let names = |spec: &pb::Environment| spec.upstreams.iter().any(|upstream| upstream == id.as_str());
    let downstreams = book.environments().filter(|(_, environment)| names(&environment.spec));
    let users: Vec<_> =
        applications.chain(downstreams.map(|(name, _)| format!("environments/{name}"))).collect();
    if users.is_empty() {
        return Ok(());
    }
    let problem = IN_USE.because(format!("environment {id} is in use"));
    Err(users.into_iter().fold(problem, |problem, user| {
        problem.precondition(PreconditionKind::State, user, format!("it names {id}"))
    }))
}
