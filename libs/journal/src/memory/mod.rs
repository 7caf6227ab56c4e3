//! The journal of tests and simulation: same rules, no disk, no threads.

mod state;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bellwether_clock::{Env, Timestamp};
use bytes::Bytes;
use tokio::sync::watch;

use self::state::State;
use crate::{
    Commit, CommitError, Committed, Epoch, EventRecord, Health, Journal, JournalId, Options, ReadError,
    RequestRecord, Snapshot, StreamInfo, Trimmed, options::before,
};

/// What outlives the handles on it, as a disk outlives processes: a simulated process crashes by dropping its
/// handle and restarts by opening the store again.
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    id: JournalId,
    state: Mutex<State>,
    head: watch::Sender<u64>,
}

/// A handle on a [`MemoryStore`]. Opening another one takes the store over: there is no lock to wait for, the
/// former handle is fenced.
#[derive(Debug)]
pub struct MemoryJournal {
    store: MemoryStore,
    options: Options,
    epoch: u64,
    health: watch::Sender<Health>,
}

// === impl MemoryStore ===

impl MemoryStore {
    /// An empty one with an id of its own.
    pub fn new(env: &Env) -> Self {
        let (head, _) = watch::channel(0);
        Self(Arc::new(Shared { id: JournalId(env.uuid()), state: Mutex::default(), head }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl MemoryJournal ===

impl MemoryJournal {
    /// Takes the store over.
    pub fn open(store: &MemoryStore, options: Options) -> Self {
        let (health, _) = watch::channel(Health::Serving);
        let epoch = store.lock().take_over(health.clone());
        Self { store: store.clone(), options, epoch, health }
    }

    fn refuse(&self) -> Result<(), CommitError> {
        match *self.health.borrow() {
            Health::Fenced => Err(CommitError::Fenced { epoch: self.epoch }),
            Health::Closed => Err(CommitError::Closed),
            Health::Serving | Health::DiskFull | Health::Failed => Ok(()),
        }
    }

    fn forgotten_before(&self) -> Timestamp {
        before(&self.options.env, self.options.retention.requests)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    fn id(&self) -> JournalId {
        self.store.0.id
    }

    fn epoch(&self) -> Epoch {
        Epoch { shard: 0, number: self.epoch }
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let mut state = self.store.lock();
        self.refuse()?;
        let committed = state.commit(commit, self.epoch, self.forgotten_before())?;
        self.store.0.head.send_replace(committed.position);
        Ok(committed)
    }

    async fn stream(&self, stream: &str, version: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError> {
        self.store.lock().stream(stream, version, limit)
    }

    async fn feed(&self, position: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError> {
        self.store.lock().feed(position, limit)
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>, ReadError> {
        Ok(self.store.lock().streams(prefix, after, limit))
    }

    async fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        Ok(self.store.lock().snapshot(stream))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, ReadError> {
        Ok(self.store.lock().get(key))
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, ReadError> {
        Ok(self.store.lock().scan(prefix, after, limit))
    }

    async fn request(&self, scope: &str, id: &str) -> Result<Option<RequestRecord>, ReadError> {
        Ok(self.store.lock().request(scope, id, self.forgotten_before()))
    }

    async fn horizon(&self) -> Result<u64, ReadError> {
        Ok(self.store.lock().horizon)
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.store.0.head.subscribe()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    fn lease_left(&self) -> Duration {
        if self.health.borrow().is_final() { Duration::ZERO } else { self.options.lease.length }
    }

    async fn trim(&self) -> Result<Trimmed, CommitError> {
        let mut state = self.store.lock();
        self.refuse()?;
        let events = before(&self.options.env, self.options.retention.events);
        Ok(state.trim(events, self.forgotten_before()))
    }

    async fn close(&self) {
        let _state = self.store.lock();
        self.health.send_if_modified(|health| {
            let open = !health.is_final();
            *health = if open { Health::Closed } else { *health };
            open
        });
    }
}
