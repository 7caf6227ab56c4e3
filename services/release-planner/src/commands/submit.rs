//! Handing a release in.

use std::sync::Arc;

use bellwether_clock::Timestamp;
use bellwether_plan::{ApplicationId, Approver, Bundle, Release, ReleaseEvent, ReleaseId};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{
    Aggregate, Decision, Entry, Violations,
    error::{INTERNAL, INVALID_FIELDS, NOT_FOUND, Problem},
    time,
};
use bellwether_server::telemetry;
use tonic::Status;

use super::Asker;
use crate::{
    book::{Application, Book, Releases},
    convert::{self, merged, plan_message},
    foresight::Foresight,
    planner::{Planner, release_view, unsaved_view},
    reasons::VERSION_VETOED,
    validate,
};

/// A release that was found right.
#[derive(Clone, Debug)]
struct Wanted {
    id: ReleaseId,
    application: ApplicationId,
    bundle: Bundle,
    expires_at: Option<Timestamp>,
    team: String,
    labels: std::collections::BTreeMap<String, String>,
    by: Approver,
    trace: Option<String>,
}

// === impl Planner ===

impl Planner {
    /// Plans a release and, unless it is only to be validated, keeps it.
    pub(crate) async fn submit_release(
        &self,
        asker: Asker,
        request: pb::SubmitReleaseRequest,
    ) -> Result<pb::SubmitReleaseResponse, Status> {
        let wanted = read(&request, self.env().uuid().to_string().into(), &asker)?;
        let book = self.stores().book();
        let team = team_of(&book, &wanted.application);
        asker.require_scope(&team, wanted.application.as_str())?;
        let foresight = self.foresee(&book, &wanted.application, &wanted.bundle).await;
        let turn = self.turn().await;
        if request.validate_only {
            return Ok(pretend(&wanted, turn.book(), &foresight, self.now())?);
        }
        let call = asker.call("SubmitRelease", &request.request_id, &request)?;
        let stream = format!("{}{}", Releases::PREFIX, wanted.id);
        let done = turn.decide(&self.stores().releases, &stream, call, move |_, book, now| {
            let release = planned(&wanted, book, &foresight, now)?;
            let plan = message(&release)?;
            let (event, book) = (ReleaseEvent::Submitted { release: Box::new(release) }, book.clone());
            let answer = move |entry: &Entry<Releases>| pb::SubmitReleaseResponse {
                release: Some(release_view(&book, entry, now)),
                plan: Some(plan),
            };
            Ok::<_, Problem>(Decision::new(vec![event]).answer(answer))
        });
        Ok(done.await?.answer)
    }
}

fn read(request: &pb::SubmitReleaseRequest, id: ReleaseId, asker: &Asker) -> Result<Wanted, Problem> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let application = validate::application_id(&mut violations, "application", &request.application);
    let given = violations.required("bundle", request.bundle.as_ref());
    if let Some(given) = given {
        violations.within("bundle", |violations| validate::bundle(violations, given));
    }
    let expires_at = violations.timestamp("expire_time", request.expire_time.as_ref());
    violations.team("team", &request.team);
    violations.labels("labels", &request.labels);
    violations.finish()?;
    let bundle = convert::bundle(given.unwrap_or(&pb::Bundle::default()))
        .map_err(|error| INVALID_FIELDS.because(format!("the bundle cannot be read: {error}")))?;
    let labels = request.labels.clone().into_iter().collect();
    let (team, by, trace) = (request.team.clone(), asker.by.clone(), telemetry::current_traceparent());
    Ok(Wanted { id, application, bundle, expires_at, team, labels, by, trace })
}

/// The release with its plan.
fn planned(wanted: &Wanted, book: &Book, foresight: &Foresight, now: Timestamp) -> Result<Release, Problem> {
    let id = &wanted.application;
    let application = book.application(id.as_str()).ok_or_else(|| {
        NOT_FOUND
            .because(format!("there is no application {:?}", id.as_str()))
            .with("name", format!("applications/{id}"))
            .remedy("create it with bellwether init and bellwether apply -f FILE")
    })?;
    check_artifact(application, &wanted.bundle)?;
    if let Some(veto) = application.vetoes.iter().find(|veto| veto.version == wanted.bundle.version) {
        let message = format!("{} vetoed {}: {}", veto.by.id, veto.version, veto.reason);
        return Err(VERSION_VETOED.because(message).with("version", &veto.version));
    }
    let plan = plan_span(wanted).in_scope(|| book.plan(id, application, &wanted.bundle, foresight, now))?;
    let team = if wanted.team.is_empty() { team_of(book, id) } else { wanted.team.clone() };
    let Wanted { id, bundle, by, labels, expires_at, .. } = wanted.clone();
    let release = Release::new(id, plan, bundle, by, team, labels, now, expires_at);
    Ok(Release { trace: wanted.trace.clone(), ..release })
}

/// A decision is taken in a task of its own, which is no part of the call's trace by itself.
fn plan_span(wanted: &Wanted) -> tracing::Span {
    let span = tracing::info_span!("plan", application = %wanted.application, release = %wanted.id);
    if let Some(trace) = &wanted.trace {
        telemetry::continue_from(&span, trace);
    }
    span
}

/// An artifact is needed where a command stands for it.
fn check_artifact(application: &Application, bundle: &Bundle) -> Result<(), Problem> {
    let needs = |own: &pb::Deployment| {
        let command = merged(application.spec.defaults.as_ref(), own).command;
        command.is_empty() || command.iter().any(|word| word.contains("{artifact}"))
    };
    let mut violations = Violations::new();
    if bundle.artifact.source.is_none() && application.spec.environments.values().any(needs) {
        violations.add("bundle.artifact", "nothing", "required: the application's command is {artifact}");
    }
    violations.finish()
}

fn team_of(book: &Book, id: &ApplicationId) -> String {
    let application = book.application(id.as_str());
    application
        .and_then(|application| application.spec.metadata.as_ref())
        .map(|m| m.team.clone())
        .unwrap_or_default()
}

fn message(release: &Release) -> Result<pb::Plan, Problem> {
    plan_message(&release.plan, &release.plan_digest, None)
        .map_err(|error| INTERNAL.because(format!("the plan has no form: {error}")))
}

/// The answer that the real call would give, or its refusal.
fn pretend(
    wanted: &Wanted,
    book: &Arc<Book>,
    foresight: &Foresight,
    now: Timestamp,
) -> Result<pb::SubmitReleaseResponse, Problem> {
    let release = planned(wanted, book, foresight, now)?;
    let plan = Some(message(&release)?);
    let mut view = unsaved_view(book, &release, now);
    view.metadata.get_or_insert_default().create_time = Some(time::to_timestamp(now));
    Ok(pb::SubmitReleaseResponse { release: Some(view), plan })
}
