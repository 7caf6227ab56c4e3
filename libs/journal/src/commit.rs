//! What a commit consists of.

use std::sync::Arc;

use bellwether_clock::Timestamp;
use bytes::Bytes;

use crate::{RequestRecord, Snapshot};

/// Everything that becomes true together, or not at all.
///
/// ```
/// use bellwether_clock::Timestamp;
/// use bellwether_journal::{Commit, NewEvent};
///
/// let commit = Commit::new(Timestamp::UNIX_EPOCH)
///     .append("targets/shop@production", 16, vec![NewEvent::new("StepStarted", r#"{"step":2}"#)])
///     .put("cursor/planner", "4711");
/// assert_eq!(commit.parts.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// What is appended; no stream twice. Empty for a commit of puts alone.
    pub parts: Vec<Part>,
    /// Changes to the keyed table, applied in order.
    pub puts: Vec<Put>,
    /// Snapshots to keep; each replaces its stream's former one.
    pub snapshots: Vec<Snapshot>,
    /// The request this answers; refused with [`CommitError::RequestExists`](crate::CommitError) when it already
    /// has an answer.
    pub request: Option<RequestRecord>,
    /// The time all its events carry.
    pub time: Timestamp,
    /// Whether it must go through on a full disk too: a failed verdict, an abort, a rollback, a pause.
    pub urgent: bool,
}

/// The events for one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The stream's name, e.g. `targets/shop@production`.
    pub stream: Arc<str>,
    /// The version the events were decided on; 0 for a stream that does not exist yet.
    pub expected_version: u64,
    /// At least one.
    pub events: Vec<NewEvent>,
    /// Whether everything in the stream has come to an end with these events (it may begin anew later).
    /// Retention cuts only streams that have ended.
    pub ended: bool,
}

/// An event to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What kind of event it is.
    pub kind: Arc<str>,
    /// The event; JSON by convention.
    pub payload: Bytes,
}

/// A change to the keyed table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The key, e.g. `cursor/executor`.
    pub key: String,
    /// The new value; none removes the key.
    pub value: Option<Bytes>,
}

/// A commit that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Position of its last event; its events have consecutive positions in the order of its parts. For a commit
    /// without events the head of the feed at that moment.
    pub position: u64,
    /// How many events it had.
    pub events: u64,
}

// === impl Commit ===

impl Commit {
    /// An empty commit at `time`.
    pub fn new(time: Timestamp) -> Self {
        Self { parts: vec![], puts: vec![], snapshots: vec![], request: None, time, urgent: false }
    }

    /// Appends `events`, decided on `expected_version` of `stream`.
    pub fn append(
        mut self,
        stream: impl Into<Arc<str>>,
        expected_version: u64,
        events: Vec<NewEvent>,
    ) -> Self {
        self.parts.push(Part { stream: stream.into(), expected_version, events, ended: false });
        self
    }

    /// Appends the last events of a stream in which everything has ended.
    pub fn append_ended(
        mut self,
        stream: impl Into<Arc<str>>,
        expected_version: u64,
        events: Vec<NewEvent>,
    ) -> Self {
        self.parts.push(Part { stream: stream.into(), expected_version, events, ended: true });
        self
    }

    /// Sets a key.
    pub fn put(mut self, key: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.puts.push(Put { key: key.into(), value: Some(value.into()) });
        self
    }

    /// Removes a key.
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.puts.push(Put { key: key.into(), value: None });
        self
    }

    /// Keeps the state of `stream` at `version`.
    pub fn snapshot(mut self, stream: impl Into<Arc<str>>, version: u64, payload: impl Into<Bytes>) -> Self {
        self.snapshots.push(Snapshot { stream: stream.into(), version, payload: payload.into() });
        self
    }

    /// Records the answer of the request that led to it.
    pub fn request(mut self, record: RequestRecord) -> Self {
        self.request = Some(record);
        self
    }

    /// Marks it as one that must go through on a full disk too.
    pub fn urgent(mut self) -> Self {
        self.urgent = true;
        self
    }

    /// How many events it has.
    pub fn events(&self) -> u64 {
        self.parts.iter().map(|part| part.events.len() as u64).sum()
    }

    /// Bytes of payload, roughly: bounds how much goes into one group.
    pub(crate) fn size(&self) -> usize {
        let events = self.parts.iter().flat_map(|part| &part.events).map(|event| event.payload.len());
        let puts = self.puts.iter().filter_map(|put| put.value.as_ref()).map(Bytes::len);
        let snapshots = self.snapshots.iter().map(|snapshot| snapshot.payload.len());
        events.chain(puts).chain(snapshots).sum()
    }
}

// === impl NewEvent ===

impl NewEvent {
    /// An event of this kind.
    pub fn new(kind: impl Into<Arc<str>>, payload: impl Into<Bytes>) -> Self {
        Self { kind: kind.into(), payload: payload.into() }
    }
}
