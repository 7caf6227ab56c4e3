//! What commands on a release have in common.

use std::sync::Arc;

use bellwether_clock::Timestamp;
use bellwether_plan::{Approver, EnvironmentId, Release, ReleaseEvent, ReleaseId, Stage};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{
    Aggregate, Call, Decision, Entry, Violations,
    error::{PreconditionKind, Problem, STATE_CONFLICT},
    etag,
};
use prost::Message;
use tonic::Status;

use super::Asker;
use crate::{
    book::{Book, Releases},
    metadata::release_etag,
    planner::{Planner, no_release, release_view},
};

/// The etag of a command.
#[derive(Clone, Debug)]
pub(super) enum Etag {
    /// The version that the decision was made on must be named.
    Required(String),
    /// It may be.
    Optional(String),
}

/// A release as a command finds it.
pub(super) struct Found<'a> {
    pub(super) release: &'a Release,
    pub(super) book: &'a Arc<Book>,
    pub(super) by: &'a Approver,
    pub(super) now: Timestamp,
}

// === impl Planner ===

impl Planner {
    /// Decides on a release that exists, on the version that the caller saw, within the caller's scope.
    pub(super) async fn on_release<T>(
        &self,
        asker: Asker,
        call: Call,
        id: &ReleaseId,
        etag: Etag,
        decide: impl FnOnce(Found<'_>) -> Result<Vec<ReleaseEvent>, Problem> + Send + 'static,
        answer: impl FnOnce(pb::Release) -> T + Send + 'static,
    ) -> Result<T, Status>
    where
        T: Message + Default + 'static,
    {
        let turn = self.turn().await;
        let stream = format!("{}{id}", Releases::PREFIX);
        let done = turn.decide(&self.stores().releases, &stream, call, move |entry, book, now| {
            let release = entry.state.as_ref().ok_or_else(|| no_release(bare(entry)))?;
            asker.require_scope(&release.team, release.application.as_str())?;
            etag.check(release)?;
            let events = decide(Found { release, book, by: &asker.by, now })?;
            let book = book.clone();
            let view = move |entry: &Entry<Releases>| answer(release_view(&book, entry, now));
            Ok::<_, Status>(Decision::new(events).answer(view))
        });
        Ok(done.await?.answer)
    }
}

fn bare(entry: &Entry<Releases>) -> &str {
    entry.stream.strip_prefix(Releases::PREFIX).unwrap_or(&entry.stream)
}

// === impl Found ===

impl<'a> Found<'a> {
    /// Its stage in an environment.
    ///
    /// # Errors
    /// `INVALID_FIELDS` when its road does not go there.
    pub(super) fn stage(&self, environment: &EnvironmentId) -> Result<&'a Stage, Problem> {
        if let Some(stage) = self.release.stages.get(environment) {
            return Ok(stage);
        }
        let road: Vec<_> =
            self.release.plan.environments.iter().map(|part| part.environment.as_str()).collect();
        let mut violations = Violations::new();
        violations.add("environment", format!("{:?}", environment.as_str()), road.join(", "));
        violations.finish()?;
        Err(self.conflict(environment, "its road does not go there"))
    }

    /// The release is not in the right state.
    pub(super) fn conflict(&self, environment: &EnvironmentId, what: &str) -> Problem {
        let subject = format!("releases/{}", self.release.id);
        let state =
            self.release.stages.get(environment).map(|stage| format!("{:?}: {}", stage.state, stage.text));
        let description = format!("in {environment} it is {}", state.unwrap_or_else(|| "not".to_owned()));
        STATE_CONFLICT
            .because(format!("{} {}: {what}", self.release.application, self.release.bundle.version))
            .precondition(PreconditionKind::State, subject, description)
    }
}

// === impl Etag ===

impl Etag {
    fn check(&self, release: &Release) -> Result<(), Problem> {
        let name = format!("releases/{}", release.id);
        match self {
            Self::Required(given) => etag::require(&name, given, &release_etag(release)),
            Self::Optional(given) => etag::check(&name, given, &release_etag(release)),
        }
    }
}
