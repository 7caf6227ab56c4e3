//! Creating and changing environments.

use bellwether_clock::Timestamp;
use bellwether_plan::{Approver, EnvironmentId, Road};
use bellwether_proto::{common::v1::Metadata, planner::v1 as pb};
use bellwether_resource::{Aggregate, Decision, Entry, Violations, error::Problem, etag};
use tonic::Status;

use super::Asker;
use crate::{
    book::{Book, Environment, EnvironmentEvent, Environments},
    convert::{self, environment_message},
    metadata::etag_of,
    planner::Planner,
    validate,
};

/// An environment that was found right.
#[derive(Clone, Debug)]
struct Wanted {
    id: EnvironmentId,
    spec: pb::Environment,
    etag: String,
    by: Approver,
}

// === impl Planner ===

impl Planner {
    /// Creates or changes an environment.
    pub(crate) async fn apply_environment(
        &self,
        asker: Asker,
        request: pb::ApplyEnvironmentRequest,
    ) -> Result<pb::ApplyEnvironmentResponse, Status> {
        let turn = self.turn().await;
        let wanted = read(&request, turn.book(), &asker)?;
        let stream = format!("{}{}", Environments::PREFIX, wanted.id);
        if request.validate_only {
            let entry = self.stores().environments.get(&stream);
            let entry = entry.unwrap_or_else(|| Entry::empty(stream.as_str().into()).into());
            return Ok(pretend(&entry, &wanted, self.now())?);
        }
        let call = asker.call("ApplyEnvironment", &request.request_id, &request)?;
        let done = turn.decide(&self.stores().environments, &stream, call, move |entry, _, _| {
            let events = decide(entry, &wanted)?;
            let answer = |entry: &Entry<Environments>| pb::ApplyEnvironmentResponse {
                environment: environment_message(entry),
            };
            Ok::<_, Problem>(Decision::new(events).answer(answer))
        });
        Ok(done.await?.answer)
    }
}

fn read(request: &pb::ApplyEnvironmentRequest, book: &Book, asker: &Asker) -> Result<Wanted, Problem> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let given = violations.required("environment", request.environment.clone()).unwrap_or_default();
    let known: Vec<_> = book.environments().map(|(id, _)| id.to_string()).collect();
    let id = match &request.environment {
        Some(_) => {
            violations.within("environment", |violations| validate::environment(violations, &given, &known))
        }
        None => "".into(),
    };
    let metadata = given.metadata.clone().unwrap_or_default();
    let kept = Metadata { team: metadata.team, labels: metadata.labels, ..Metadata::default() };
    let spec = pb::Environment {
        name: format!("environments/{id}"),
        metadata: Some(kept),
        generation: 0,
        allowed_actions: Vec::new(),
        ..given
    };
    check_road(&mut violations, book, &id, &spec);
    violations.finish()?;
    Ok(Wanted { id, spec, etag: metadata.etag, by: asker.by.clone() })
}

/// Refuses upstreams that would wait for each other.
fn check_road(violations: &mut Violations, book: &Book, id: &EnvironmentId, spec: &pb::Environment) {
    let mut environments = book.planned_environments();
    let state = Environment { spec: spec.clone(), generation: 0, deleted: false };
    environments.insert(id.clone(), convert::environment(id, &state));
    if let Err(error) = Road::new(&environments, [])
        && violations.is_empty()
    {
        violations.add("environment.upstreams", spec.upstreams.join(", "), error.to_string());
    }
}

/// No event where nothing changes.
fn decide(entry: &Entry<Environments>, wanted: &Wanted) -> Result<Vec<EnvironmentEvent>, Problem> {
    etag::check(&wanted.spec.name, &wanted.etag, &etag_of(entry))?;
    let former = entry.state.as_ref();
    if former.is_some_and(|former| !former.deleted && former.spec == wanted.spec) {
        return Ok(Vec::new());
    }
    let generation = former.map_or(0, |former| former.generation) + 1;
    let environment = Box::new(wanted.spec.clone());
    Ok(vec![EnvironmentEvent::Applied { environment, generation, by: wanted.by.clone() }])
}

/// The answer that the real call would give, or its refusal.
fn pretend(
    entry: &Entry<Environments>,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<pb::ApplyEnvironmentResponse, Problem> {
    let events = decide(entry, wanted)?;
    let mut after = Entry { create_time: now, ..Entry::empty(entry.stream.clone()) };
    after.state = entry.state.clone();
    if let Some(EnvironmentEvent::Applied { environment, generation, .. }) = events.into_iter().next() {
        after.state = Some(Environment { spec: *environment, generation, deleted: false });
    }
    Ok(pb::ApplyEnvironmentResponse { environment: environment_message(&after) })
}
