//! The stream of releases.

use std::{borrow::Cow, future::Future};

use bellwether_journal::EventRecord;
use bellwether_plan::ReleaseEvent;
use bellwether_proto::planner::v1::{self as pb, watch_releases_response::Message};
use bellwether_resource::{
    Aggregate, Entry, FilterField,
    error::Problem,
    watch::{Changed, Part, View, WatchStream},
};
use serde_json::Value;

use super::list::of_release;
use crate::{
    book::{Book, Releases},
    planner::{Planner, release_view},
};

/// Releases as they are watched.
struct ReleaseView {
    planner: Planner,
}

// === impl Planner ===

impl Planner {
    pub(super) fn watch_releases(
        &self,
        request: &pb::WatchReleasesRequest,
        ended: impl Future<Output = ()> + Send + 'static,
    ) -> Result<WatchStream<pb::WatchReleasesResponse>, Problem> {
        let view = ReleaseView { planner: self.clone() };
        self.stores().releases.watch(view, &request.filter, &request.resume_token, ended)
    }
}

// === impl ReleaseView ===

impl ReleaseView {
    fn show(&self, entry: &Entry<Releases>) -> pb::Release {
        // what it waits for depends on everything; what waits for nothing needs none of it
        let waits =
            entry.state.iter().flat_map(|release| release.stages.values()).any(|it| it.state.is_waiting());
        let book = if waits { self.planner.stores().book() } else { Book::default() };
        release_view(&book, entry, self.planner.now())
    }
}

impl View for ReleaseView {
    type Aggregate = Releases;
    type Resource = pb::Release;
    type Message = pb::WatchReleasesResponse;

    const FIELDS: &'static [FilterField] = &[
        FilterField("application"),
        FilterField("team"),
        FilterField("version"),
        FilterField("name"),
        FilterField::LABELS,
    ];

    fn resources(&self, entry: &Entry<Releases>) -> Vec<pb::Release> {
        vec![self.show(entry)]
    }

    fn change(
        &self,
        _: &EventRecord,
        event: &ReleaseEvent,
        entry: &Entry<Releases>,
    ) -> Option<Changed<pb::Release>> {
        Some(Changed {
            fact: Releases::kind(event).to_owned(),
            fact_json: fact(event, entry),
            resource: self.show(entry),
            deleted: false,
        })
    }

    fn value<'r>(resource: &'r pb::Release, field: &str) -> Option<Cow<'r, str>> {
        of_release(resource, field)
    }

    fn message(part: Part<pb::Release>) -> pb::WatchReleasesResponse {
        let changed = |change, release| pb::ReleaseChange { change: Some(change), release: Some(release) };
        let message = match part {
            Part::Snapshot(release) => Message::Snapshot(release),
            Part::Current(current) => Message::Current(current),
            Part::Changed(change, release) => Message::Changed(changed(change, release)),
            Part::Deleted(change, release) => Message::Deleted(changed(change, release)),
            Part::Heartbeat(heartbeat) => Message::Heartbeat(heartbeat),
            Part::Reset(reset) => Message::Reset(reset),
        };
        pb::WatchReleasesResponse { message: Some(message) }
    }
}

/// The event without the release and the plan, which come beside it or with GetRelease and may be large; with the trace
/// of the release, so that whoever tells of it goes on with that.
fn fact(event: &ReleaseEvent, entry: &Entry<Releases>) -> String {
    let mut fact = serde_json::to_value(event).unwrap_or_default();
    if let Value::Object(fields) = &mut fact {
        fields.remove("release");
        fields.remove("plan");
        if let Some(trace) = entry.state.as_ref().and_then(|release| release.trace.clone()) {
            fields.insert("trace".to_owned(), trace.into());
        }
    }
    fact.to_string()
}
