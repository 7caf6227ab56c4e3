//! How the outbox lies in the journal.
//!
//! | where | what |
//! |---|---|
//! | stream `deliveries/<id>` | the events of one delivery |
//! | stream `routing` | the applied routings |
//! | key `routing` | the one in force |
//! | key `disabled/<receiver>` | since when and why |
//! | key `cursor/<stream>` | where to go on reading |

use std::sync::Arc;

use bellwether_clock::Timestamp;
use bellwether_journal::{Commit, Journal, NewEvent};
use bellwether_proto::notifier::v1 as proto;
use bellwether_resource::{Entry, Store};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Deliveries, Delivery, Event, OutboxError,
    table::{Disabled, InForce, Table},
};
use crate::routing::Routing;

pub(super) const ROUTING: &str = "routing";
const DISABLED: &str = "disabled/";
const CURSOR: &str = "cursor/";
const PAGE: usize = 500;

/// The routing as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredRouting {
    pub(super) routing: proto::Routing,
    pub(super) version: u64,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

pub(super) async fn load(store: &Store<Deliveries>) -> Result<Table, OutboxError> {
    let journal = store.journal().as_ref();
    let mut table = Table::empty();
    if let Some(bytes) = journal.get(ROUTING).await? {
        table.routing = in_force(decode(ROUTING, &bytes)?)?;
    }
    for (key, bytes) in scan(journal, DISABLED).await? {
        let disabled: Disabled = decode(&key, &bytes)?;
        table.disabled.insert(key.trim_start_matches(DISABLED).to_owned(), disabled);
    }
    for entry in store.all() {
        entry.state.iter().for_each(|delivery| table.set(Arc::new(delivery.clone())));
    }
    Ok(table)
}

fn in_force(stored: StoredRouting) -> Result<InForce, OutboxError> {
    let StoredRouting { routing, version, created, updated } = stored;
    let compiled = Routing::compile(routing)
        .map_err(|problem| OutboxError::Decode { key: ROUTING.to_owned(), source: problem.into() })?;
    Ok(InForce { compiled: Arc::new(compiled), version, created, updated })
}

async fn scan(journal: &dyn Journal, prefix: &str) -> Result<Vec<(String, Bytes)>, OutboxError> {
    let mut all: Vec<(String, Bytes)> = Vec::new();
    loop {
        let after = all.last().map(|(key, _)| key.as_str());
        let page = journal.scan(prefix, after, PAGE).await?;
        let complete = page.len() < PAGE;
        all.extend(page);
        if complete {
            return Ok(all);
        }
    }
}

fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, OutboxError> {
    serde_json::from_slice(bytes)
        .map_err(|source| OutboxError::Decode { key: key.to_owned(), source: source.into() })
}

/// JSON of our own types, which have string keys and no failing serializers.
pub(super) fn encode(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// Adds an event of a delivery; `after` is the delivery with it. What is below a snapshot of an ended stream may be
/// trimmed, so the end brings a snapshot.
pub(super) fn with_event(commit: Commit, event: &Event, after: &Delivery) -> Commit {
    let (stream, expected) = (after.name(), after.version.saturating_sub(1));
    let events = vec![NewEvent::new(event.kind(), encode(event))];
    if !after.state.is_ended() {
        return commit.append(stream, expected, events);
    }
    let snapshot = snapshot(after, !matches!(event, Event::Removed { .. }));
    commit.append_ended(stream.clone(), expected, events).snapshot(stream, after.version, snapshot)
}

fn snapshot(delivery: &Delivery, exists: bool) -> Bytes {
    let entry = Entry::<Deliveries> {
        stream: delivery.name().into(),
        version: delivery.version,
        // known once it is committed; only a reader that is behind asks for it, and finds a later state
        position: 0,
        create_time: delivery.created,
        update_time: delivery.updated,
        state: exists.then(|| delivery.clone()),
    };
    entry.to_snapshot().unwrap_or_default()
}

pub(super) fn with_cursor(commit: Commit, stream: &str, token: &str) -> Commit {
    commit.put(format!("{CURSOR}{stream}"), token.to_owned())
}

pub(super) async fn cursor(journal: &dyn Journal, stream: &str) -> Result<Option<String>, OutboxError> {
    let bytes = journal.get(&format!("{CURSOR}{stream}")).await?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

pub(super) fn with_disabled(commit: Commit, receiver: &str, disabled: &Disabled) -> Commit {
    commit.put(format!("{DISABLED}{receiver}"), encode(disabled))
}

pub(super) fn without_disabled(commit: Commit, receiver: &str) -> Commit {
    commit.delete(format!("{DISABLED}{receiver}"))
}
