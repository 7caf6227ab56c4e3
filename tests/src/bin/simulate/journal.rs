//! A memory journal whose every commit is looked at: written to the trace, and checked against the invariants.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bellwether_journal::{
    Commit, CommitError, Committed, Epoch, EventRecord, Health, Journal, JournalId, MemoryJournal, Options,
    ReadError, RequestRecord, Snapshot, StreamInfo, Trimmed,
};
use bellwether_rollout::{Event, RolloutId};
use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::watch;

use crate::{trace::canonical, world::World};

/// An event that was committed.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) position: u64,
    pub(crate) stream: String,
    pub(crate) version: u64,
    pub(crate) kind: String,
    /// The rollout that it is about.
    pub(crate) rollout: Option<RolloutId>,
}

/// A fact of the executor, as far as the core knows it.
#[derive(Deserialize)]
pub(crate) struct Fact {
    pub(crate) event: Event,
}

/// The journal of one host during one life of it.
pub(crate) struct Watched {
    host: &'static str,
    world: World,
    inner: MemoryJournal,
}

/// Takes the journal of a host up again.
pub(crate) fn open(world: &World, host: &'static str) -> Arc<dyn Journal> {
    let inner = MemoryJournal::open(world.disk(host), Options::new(world.env(host)));
    world.trace().line(host, format_args!("opens its journal, epoch {}", inner.epoch().number));
    Arc::new(Watched { host, world: world.clone(), inner })
}

// === impl Watched ===

impl Watched {
    fn look(&self, commit: &Commit, committed: Committed) {
        let mut position = committed.position - committed.events;
        for part in &commit.parts {
            for (version, event) in (part.expected_version + 1..).zip(&part.events) {
                position += 1;
                let what = format!("{position} {} {} {}", part.stream, event.kind, canonical(&event.payload));
                self.world.trace().line(self.host, what);
                let fact = serde_json::from_slice::<Fact>(&event.payload).ok();
                let (stream, kind) = (part.stream.to_string(), event.kind.to_string());
                let rollout = fact.and_then(|fact| fact.event.rollout());
                let record = Record { position, stream, version, kind, rollout };
                self.world.ledger().entry(self.host).or_default().push(record);
            }
        }
        for put in &commit.puts {
            let bytes = put.value.as_ref().map_or(0, Bytes::len);
            self.world.trace().line(self.host, format_args!("{} := {bytes} bytes", put.key));
        }
        if self.host == World::EXECUTOR {
            self.world.rules().committed(commit);
        }
    }
}

#[async_trait]
impl Journal for Watched {
    fn id(&self) -> JournalId {
        self.inner.id()
    }

    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let committed = self.inner.commit(commit.clone()).await?;
        self.look(&commit, committed);
        Ok(committed)
    }

    async fn stream(&self, stream: &str, version: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError> {
        self.inner.stream(stream, version, limit).await
    }

    async fn feed(&self, position: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError> {
        self.inner.feed(position, limit).await
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>, ReadError> {
        self.inner.streams(prefix, after, limit).await
    }

    async fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        self.inner.snapshot(stream).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, ReadError> {
        self.inner.get(key).await
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, ReadError> {
        self.inner.scan(prefix, after, limit).await
    }

    async fn request(&self, scope: &str, id: &str) -> Result<Option<RequestRecord>, ReadError> {
        self.inner.request(scope, id).await
    }

    async fn horizon(&self) -> Result<u64, ReadError> {
        self.inner.horizon().await
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.inner.head()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.inner.health()
    }

    fn lease_left(&self) -> Duration {
        self.inner.lease_left()
    }

    async fn trim(&self) -> Result<Trimmed, CommitError> {
        self.inner.trim().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
