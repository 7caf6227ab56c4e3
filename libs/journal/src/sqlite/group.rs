//! One transaction over many commits.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use bellwether_clock::Timestamp;
use bytes::Bytes;
use sqlx::SqliteConnection;

use super::rows;
use crate::{
    Commit, CommitError, Committed, EventRecord, Part, RequestRecord, Snapshot, StreamInfo,
    check::{Heads, check},
};

/// What the writer knows of the journal without asking the database; true as long as the epoch is its own.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub position: u64,
    pub streams: HashMap<Arc<str>, StreamInfo>,
}

/// The commits of a group that were accepted, as rows to write.
#[derive(Debug)]
pub(super) struct Group<'k> {
    known: &'k Known,
    epoch: u64,
    position: u64,
    streams: HashMap<Arc<str>, StreamInfo>,
    answered: HashMap<(String, String), RequestRecord>,
    events: Vec<EventRecord>,
    keys: BTreeMap<String, Option<Bytes>>,
    snapshots: BTreeMap<Arc<str>, Snapshot>,
    requests: Vec<RequestRecord>,
}

/// What a group has changed, once it is committed.
#[derive(Debug)]
pub(super) struct Advance {
    position: u64,
    streams: HashMap<Arc<str>, StreamInfo>,
}

// === impl Known ===

impl Known {
    /// A cache that grows without bound would be a leak: begin anew now and then.
    const MOST: usize = 65_536;

    /// Takes over what a group has changed; the new position.
    pub(super) fn advance(&mut self, advance: Advance) -> u64 {
        if self.streams.len() > Self::MOST {
            self.streams.clear();
        }
        self.position = advance.position;
        self.streams.extend(advance.streams);
        self.position
    }
}

// === impl Group ===

impl<'k> Group<'k> {
    /// An empty group, with everything loaded that `commits` will be checked against.
    pub(super) async fn load(
        connection: &mut SqliteConnection,
        known: &'k Known,
        epoch: u64,
        forgotten_before: Timestamp,
        commits: impl Iterator<Item = &Commit> + Clone,
    ) -> Result<Self, sqlx::Error> {
        let streams = load_streams(connection, known, commits.clone()).await?;
        let answered = load_requests(connection, forgotten_before, commits).await?;
        Ok(Self {
            known,
            epoch,
            position: known.position,
            streams,
            answered,
            events: vec![],
            keys: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            requests: vec![],
        })
    }

    /// Takes a commit in, if it may go in after those before it.
    pub(super) fn admit(&mut self, commit: &Commit) -> Result<Committed, CommitError> {
        check(commit, self)?;
        let events = commit.events();
        for part in &commit.parts {
            self.append(part, commit.time);
        }
        self.keys.extend(commit.puts.iter().map(|put| (put.key.clone(), put.value.clone())));
        let snapshots = commit.snapshots.iter().map(|snapshot| (snapshot.stream.clone(), snapshot.clone()));
        self.snapshots.extend(snapshots);
        if let Some(request) = &commit.request {
            self.answered.insert((request.scope.clone(), request.id.clone()), request.clone());
            self.requests.push(request.clone());
        }
        Ok(Committed { position: self.position, events })
    }

    fn append(&mut self, part: &Part, time: Timestamp) {
        let mut info =
            Heads::stream(self, &part.stream).unwrap_or_else(|| StreamInfo::new(part.stream.clone()));
        for event in &part.events {
            self.position += 1;
            info.version += 1;
            self.events.push(EventRecord {
                position: self.position,
                stream: part.stream.clone(),
                version: info.version,
                kind: event.kind.clone(),
                payload: event.payload.clone(),
                time,
                epoch: self.epoch,
            });
        }
        info.ended = part.ended;
        self.streams.insert(part.stream.clone(), info);
    }

    /// Writes the rows into the transaction under way.
    pub(super) async fn write(self, connection: &mut SqliteConnection) -> Result<Advance, sqlx::Error> {
        let appended: BTreeSet<&Arc<str>> = self.events.iter().map(|event| &event.stream).collect();
        let streams: Vec<&StreamInfo> =
            appended.into_iter().filter_map(|name| self.streams.get(name)).collect();
        rows::write_events(connection, &self.events).await?;
        rows::write_streams(connection, &streams).await?;
        rows::write_keys(connection, self.keys).await?;
        rows::write_snapshots(connection, self.snapshots.into_values().collect()).await?;
        rows::write_requests(connection, &self.requests).await?;
        Ok(Advance { position: self.position, streams: self.streams })
    }
}

impl Heads for Group<'_> {
    fn stream(&self, stream: &str) -> Option<StreamInfo> {
        self.streams.get(stream).or_else(|| self.known.streams.get(stream)).cloned()
    }

    fn request(&self, scope: &str, id: &str) -> Option<RequestRecord> {
        self.answered.get(&(scope.to_owned(), id.to_owned())).cloned()
    }
}

/// The streams that `commits` speak of and the writer does not know yet.
async fn load_streams(
    connection: &mut SqliteConnection,
    known: &Known,
    commits: impl Iterator<Item = &Commit>,
) -> Result<HashMap<Arc<str>, StreamInfo>, sqlx::Error> {
    let mut unknown: BTreeSet<Arc<str>> = BTreeSet::new();
    for commit in commits {
        let appended = commit.parts.iter().map(|part| &part.stream);
        let named = appended.chain(commit.snapshots.iter().map(|snapshot| &snapshot.stream));
        unknown.extend(named.filter(|name| !known.streams.contains_key(*name)).cloned());
    }
    let names: Vec<Arc<str>> = unknown.into_iter().collect();
    let found = rows::STREAMS_NAMED.fetch(connection, &names, |query, name| query.bind(name.clone())).await?;
    let infos = found.iter().map(rows::stream_info).collect::<Result<Vec<_>, _>>()?;
    Ok(infos.into_iter().map(|info| (info.stream.clone(), info)).collect())
}

/// The answers that `commits` would give a second time.
async fn load_requests(
    connection: &mut SqliteConnection,
    forgotten_before: Timestamp,
    commits: impl Iterator<Item = &Commit>,
) -> Result<HashMap<(String, String), RequestRecord>, sqlx::Error> {
    let asked: Vec<&RequestRecord> = commits.filter_map(|commit| commit.request.as_ref()).collect();
    let found = rows::REQUESTS_NAMED
        .fetch(connection, &asked, |query, asked| query.bind(asked.scope.clone()).bind(asked.id.clone()))
        .await?;
    let records = found.iter().map(rows::request_record).collect::<Result<Vec<_>, _>>()?;
    let kept = records.into_iter().filter(|record| record.time >= forgotten_before);
    Ok(kept.map(|record| ((record.scope.clone(), record.id.clone()), record)).collect())
}
