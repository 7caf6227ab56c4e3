//! Creating and changing applications.

use bellwether_clock::Timestamp;
use bellwether_plan::{ApplicationId, Approver, Bundle, EnvironmentId};
use bellwether_proto::{common::v1::Metadata, planner::v1 as pb};
use bellwether_resource::{
    Aggregate, Decision, Entry, Meta, Violations,
    error::{INTERNAL, Problem},
    etag,
};
use tonic::Status;

use super::{Asker, rehearse::Rehearsed};
use crate::{
    book::{Application, ApplicationEvent, Applications, Book},
    convert::{application_message, merged},
    foresight::Foresight,
    metadata::application_etag,
    planner::Planner,
    validate,
};

/// An application that was found right.
#[derive(Clone, Debug)]
struct Wanted {
    id: ApplicationId,
    spec: pb::Application,
    etag: String,
    by: Approver,
    rehearsed: Rehearsed,
}

// === impl Planner ===

impl Planner {
    /// Creates or changes an application.
    pub(crate) async fn apply_application(
        &self,
        asker: Asker,
        request: pb::ApplyApplicationRequest,
    ) -> Result<pb::ApplyApplicationResponse, Status> {
        let mut wanted = read(&request, &self.stores().book(), &asker)?;
        let team = wanted.spec.metadata.as_ref().map_or("", |metadata| metadata.team.as_str());
        asker.require_scope(team, wanted.id.as_str())?;
        let mut violations = Violations::new();
        wanted.rehearsed = self.rehearse(&asker.by, &wanted.spec, &mut violations).await;
        violations.finish()?;
        let turn = self.turn().await;
        let stream = format!("{}{}", Applications::PREFIX, wanted.id);
        if request.validate_only {
            let entry = self.stores().applications.get(&stream);
            let entry = entry.unwrap_or_else(|| Entry::empty(stream.as_str().into()).into());
            return Ok(pretend(&entry, &wanted, turn.book(), self.now())?);
        }
        let call = asker.call("ApplyApplication", &request.request_id, &request)?;
        let store = &self.stores().applications;
        let done = turn.decide(store, &stream, call, move |entry, book, now| {
            let events = decide(entry, &wanted, book, now)?;
            Ok::<_, Problem>(Decision::new(events).answer(answer))
        });
        Ok(done.await?.answer)
    }
}

fn read(request: &pb::ApplyApplicationRequest, book: &Book, asker: &Asker) -> Result<Wanted, Problem> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let given = violations.required("application", request.application.clone()).unwrap_or_default();
    let known: Vec<_> = book.environments().map(|(id, _)| id.to_string()).collect();
    let id = match &request.application {
        Some(_) => {
            violations.within("application", |violations| validate::application(violations, &given, &known))
        }
        None => "".into(),
    };
    violations.finish()?;
    let metadata = given.metadata.clone().unwrap_or_default();
    let kept = Metadata { team: metadata.team, labels: metadata.labels, ..Metadata::default() };
    let spec = pb::Application {
        name: format!("applications/{id}"),
        metadata: Some(kept),
        generation: 0,
        vetoes: Vec::new(),
        allowed_actions: Vec::new(),
        ..given
    };
    Ok(Wanted { id, spec, etag: metadata.etag, by: asker.by.clone(), rehearsed: Rehearsed::new() })
}

/// No event where nothing changes.
fn decide(
    entry: &Entry<Applications>,
    wanted: &Wanted,
    book: &Book,
    now: Timestamp,
) -> Result<Vec<ApplicationEvent>, Problem> {
    etag::check(&wanted.spec.name, &wanted.etag, &application_etag(entry))?;
    let former = entry.state.as_ref();
    if former.is_some_and(|former| !former.deleted && former.spec == wanted.spec) {
        return Ok(Vec::new());
    }
    let event = ApplicationEvent::Applied {
        application: Box::new(wanted.spec.clone()),
        generation: generation(former, &wanted.spec),
        by: wanted.by.clone(),
    };
    let mut events = vec![event];
    if let Some(application) = &evolved(entry, &events, now)?.state {
        events.extend(learnt(application, &wanted.rehearsed));
    }
    // what no plan can be made for is refused here rather than at the next release
    if let Some(application) = &evolved(entry, &events, now)?.state {
        book.plan(&wanted.id, application, &Bundle::default(), &Foresight::default(), now)?;
    }
    Ok(events)
}

/// What the executor says of the platforms.
fn learnt(application: &Application, rehearsed: &Rehearsed) -> Vec<ApplicationEvent> {
    let spec = &application.spec;
    let of = |(environment, target): &(EnvironmentId, _)| {
        let deployment = merged(spec.defaults.as_ref(), spec.environments.get(environment.as_str())?);
        application.learns(environment, &deployment, target)
    };
    rehearsed.iter().filter_map(of).collect()
}

/// One more than before, unless only instance counts differ.
fn generation(former: Option<&Application>, spec: &pb::Application) -> u64 {
    let Some(former) = former else { return 1 };
    let same = !former.deleted && without_counts(&former.spec) == without_counts(spec);
    if same { former.generation } else { former.generation + 1 }
}

fn without_counts(spec: &pb::Application) -> pb::Application {
    let mut spec = spec.clone();
    for deployment in spec.environments.values_mut().chain(&mut spec.defaults) {
        deployment.instances = 0;
    }
    spec
}

fn answer(entry: &Entry<Applications>) -> pb::ApplyApplicationResponse {
    pb::ApplyApplicationResponse { application: application_message(entry) }
}

/// The answer that the real call would give, or its refusal.
fn pretend(
    entry: &Entry<Applications>,
    wanted: &Wanted,
    book: &Book,
    now: Timestamp,
) -> Result<pb::ApplyApplicationResponse, Problem> {
    let events = decide(entry, wanted, book, now)?;
    Ok(answer(&evolved(entry, &events, now)?))
}

fn evolved(
    entry: &Entry<Applications>,
    events: &[ApplicationEvent],
    now: Timestamp,
) -> Result<Entry<Applications>, Problem> {
    let mut after = Entry {
        stream: entry.stream.clone(),
        version: entry.version,
        position: entry.position,
        create_time: if entry.exists() { entry.create_time } else { now },
        update_time: if events.is_empty() { entry.update_time } else { now },
        state: entry.state.clone(),
    };
    for event in events {
        after.version += 1;
        let meta = Meta { version: after.version, time: now };
        after.state = Applications::evolve(after.state, event, &meta)
            .map_err(|error| INTERNAL.because(error.to_string()))?;
    }
    Ok(after)
}
