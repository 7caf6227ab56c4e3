//! A journal whose process dies at a commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bellwether_journal::{
    Commit, CommitError, Committed, Epoch, EventRecord, Health, Journal, JournalId, ReadError, RequestRecord,
    Snapshot, StreamInfo, Trimmed,
};
use bytes::Bytes;
use tokio::sync::{Notify, watch};

/// Dies right before, or right after, its `at`-th commit has become durable. Whoever asked for it, or for anything
/// after it, is never answered with more than an error.
pub struct Mortal {
    inner: Arc<dyn Journal>,
    at: u64,
    durable: bool,
    seen: AtomicU64,
    dead: AtomicBool,
    died: Notify,
}

// === impl Mortal ===

impl Mortal {
    pub fn new(inner: Arc<dyn Journal>, at: u64, durable: bool) -> Arc<Self> {
        let (seen, dead) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Self { inner, at, durable, seen, dead, died: Notify::new() })
    }

    pub async fn died(&self) {
        let died = self.died.notified();
        if !self.dead.load(Ordering::SeqCst) {
            died.await;
        }
    }
}

#[async_trait]
impl Journal for Mortal {
    fn id(&self) -> JournalId {
        self.inner.id()
    }

    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let number = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        if number < self.at {
            return self.inner.commit(commit).await;
        }
        if number == self.at {
            if self.durable {
                self.inner.commit(commit).await?;
            }
            self.dead.store(true, Ordering::SeqCst);
            self.died.notify_waiters();
        }
        Err(CommitError::Closed)
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
