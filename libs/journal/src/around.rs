//! A journal whose commits somebody has in their hands: tests that fail them, simulations that look at them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    Commit, CommitError, Committed, Epoch, EventRecord, Health, Journal, JournalId, ReadError, RequestRecord,
    Snapshot, StreamInfo, Trimmed,
};

/// What happens to commits.
#[async_trait]
pub trait Commits: Send + Sync + 'static {
    /// Commits it to `inner`, or does what it does instead.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    async fn commit(&self, inner: &dyn Journal, commit: Commit) -> Result<Committed, CommitError>;
}

/// A journal with other commits; everything else is that of the journal inside.
pub struct Around<C> {
    inner: Arc<dyn Journal>,
    /// What happens to commits.
    pub commits: C,
}

// === impl Around ===

impl<C: Commits> Around<C> {
    /// Around `inner`.
    pub fn new(inner: Arc<dyn Journal>, commits: C) -> Arc<Self> {
        Arc::new(Self { inner, commits })
    }
}

#[async_trait]
impl<C: Commits> Journal for Around<C> {
    fn id(&self) -> JournalId {
        self.inner.id()
    }

    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        self.commits.commit(&*self.inner, commit).await
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
