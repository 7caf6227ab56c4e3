//! What a memory journal holds.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::Arc,
};

use bellwether_clock::Timestamp;
use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    Commit, CommitError, Committed, EventRecord, Health, Part, ReadError, RequestRecord, Snapshot,
    StreamInfo, Trimmed,
    check::{Heads, check},
};

#[derive(Debug, Default)]
pub(super) struct State {
    epoch: u64,
    owner: Option<watch::Sender<Health>>,
    head: u64,
    pub(super) horizon: u64,
    streams: BTreeMap<Arc<str>, Stream>,
    feed: BTreeMap<u64, EventRecord>,
    keys: BTreeMap<String, Bytes>,
    requests: BTreeMap<(String, String), RequestRecord>,
}

#[derive(Debug)]
struct Stream {
    info: StreamInfo,
    events: VecDeque<EventRecord>,
    snapshot: Option<Snapshot>,
}

/// The state as a commit sees it.
struct View<'a> {
    state: &'a State,
    forgotten_before: Timestamp,
}

// === impl State ===

impl State {
    pub(super) fn take_over(&mut self, owner: watch::Sender<Health>) -> u64 {
        if let Some(former) = self.owner.replace(owner) {
            former.send_if_modified(|health| {
                let owned = !health.is_final();
                *health = if owned { Health::Fenced } else { *health };
                owned
            });
        }
        self.epoch += 1;
        self.epoch
    }

    pub(super) fn commit(
        &mut self,
        commit: Commit,
        epoch: u64,
        forgotten_before: Timestamp,
    ) -> Result<Committed, CommitError> {
        if epoch != self.epoch {
            return Err(CommitError::Fenced { epoch });
        }
        check(&commit, &View { state: self, forgotten_before })?;
        let events = commit.events();
        for part in commit.parts {
            self.append(part, commit.time);
        }
        for put in commit.puts {
            match put.value {
                Some(value) => self.keys.insert(put.key, value),
                None => self.keys.remove(&put.key),
            };
        }
        for snapshot in commit.snapshots {
            if let Some(stream) = self.streams.get_mut(&snapshot.stream) {
                stream.snapshot = Some(snapshot);
            }
        }
        if let Some(request) = commit.request {
            self.requests.insert((request.scope.clone(), request.id.clone()), request);
        }
        Ok(Committed { position: self.head, events })
    }

    fn append(&mut self, part: Part, time: Timestamp) {
        let stream =
            self.streams.entry(part.stream.clone()).or_insert_with(|| Stream::new(part.stream.clone()));
        for event in part.events {
            self.head += 1;
            stream.info.version += 1;
            let record = EventRecord {
                position: self.head,
                stream: part.stream.clone(),
                version: stream.info.version,
                kind: event.kind,
                payload: event.payload,
                time,
                epoch: self.epoch,
            };
            stream.events.push_back(record.clone());
            self.feed.insert(self.head, record);
        }
        stream.info.ended = part.ended;
    }

    pub(super) fn stream(
        &self,
        name: &str,
        version: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, ReadError> {
        let Some(stream) = self.streams.get(name) else { return Ok(vec![]) };
        if version < stream.info.trimmed {
            return Err(ReadError::Trimmed { after: version, horizon: stream.info.trimmed });
        }
        let skip = usize::try_from(version - stream.info.trimmed).unwrap_or(usize::MAX);
        Ok(stream.events.iter().skip(skip).take(limit).cloned().collect())
    }

    pub(super) fn feed(&self, position: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError> {
        if position < self.horizon {
            return Err(ReadError::Trimmed { after: position, horizon: self.horizon });
        }
        let after = (Bound::Excluded(position), Bound::Unbounded);
        Ok(self.feed.range(after).take(limit).map(|(_, record)| record.clone()).collect())
    }

    pub(super) fn streams(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<StreamInfo> {
        let range = self.streams.range::<str, _>((start(prefix, after), Bound::Unbounded));
        let matching = range.take_while(|(name, _)| name.starts_with(prefix));
        matching.take(limit).map(|(_, stream)| stream.info.clone()).collect()
    }

    pub(super) fn snapshot(&self, name: &str) -> Option<Snapshot> {
        self.streams.get(name)?.snapshot.clone()
    }

    pub(super) fn get(&self, key: &str) -> Option<Bytes> {
        self.keys.get(key).cloned()
    }

    pub(super) fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<(String, Bytes)> {
        let range = self.keys.range::<str, _>((start(prefix, after), Bound::Unbounded));
        let matching = range.take_while(|(key, _)| key.starts_with(prefix));
        matching.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    pub(super) fn request(
        &self,
        scope: &str,
        id: &str,
        forgotten_before: Timestamp,
    ) -> Option<RequestRecord> {
        let found = self.requests.get(&(scope.to_owned(), id.to_owned()))?;
        (found.time >= forgotten_before).then(|| found.clone())
    }

    pub(super) fn trim(&mut self, events_before: Timestamp, requests_before: Timestamp) -> Trimmed {
        let kept = self.requests.len();
        self.requests.retain(|_, request| request.time >= requests_before);
        let requests = (kept - self.requests.len()) as u64;
        let gone: Vec<u64> =
            self.streams.values_mut().flat_map(|stream| stream.trim(events_before)).collect();
        for position in &gone {
            self.feed.remove(position);
            self.horizon = self.horizon.max(*position);
        }
        Trimmed { events: gone.len() as u64, requests }
    }
}

// === impl Stream ===

impl Stream {
    fn new(name: Arc<str>) -> Self {
        Self { info: StreamInfo::new(name), events: VecDeque::new(), snapshot: None }
    }

    /// Removes what retention allows; the positions that are gone.
    fn trim(&mut self, before: Timestamp) -> Vec<u64> {
        let kept_from =
            self.snapshot.as_ref().filter(|_| self.info.ended).map_or(0, |snapshot| snapshot.version);
        let mut gone = vec![];
        while let Some(first) = self.events.front()
            && first.version <= kept_from
            && first.time < before
        {
            gone.push(first.position);
            self.info.trimmed = first.version;
            self.events.pop_front();
        }
        gone
    }
}

// === impl View ===

impl Heads for View<'_> {
    fn stream(&self, stream: &str) -> Option<StreamInfo> {
        Some(self.state.streams.get(stream)?.info.clone())
    }

    fn request(&self, scope: &str, id: &str) -> Option<RequestRecord> {
        self.state.request(scope, id, self.forgotten_before)
    }
}

/// Where a listing of `prefix` after `after` begins.
fn start<'a>(prefix: &'a str, after: Option<&'a str>) -> Bound<&'a str> {
    match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        Some(_) | None => Bound::Included(prefix),
    }
}
