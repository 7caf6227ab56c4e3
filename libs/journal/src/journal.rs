//! The trait.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    Commit, CommitError, Committed, Epoch, EventRecord, Health, JournalId, ReadError, RequestRecord,
    Snapshot, StreamInfo, Trimmed,
};

/// One service's journal; see the crate for the model and the guarantees.
///
/// All lists are paged: ask again with the last element's place until fewer than `limit` come back. A call holds
/// no transaction open after it has returned.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Which journal this is.
    fn id(&self) -> JournalId;

    /// The tenure this handle was opened with.
    fn epoch(&self) -> Epoch;

    /// Commits, durably once it returns. Dropping the future does not undo a commit that is under way.
    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError>;

    /// Events of `stream` after `version`, in order. A stream that does not exist has none.
    ///
    /// # Errors
    /// [`ReadError::Trimmed`] when some of them are gone.
    async fn stream(&self, stream: &str, version: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError>;

    /// Events of all streams after `position`, in order.
    ///
    /// # Errors
    /// [`ReadError::Trimmed`] when some of them are gone.
    async fn feed(&self, position: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError>;

    /// Streams whose name begins with `prefix`, by name, after `after`.
    async fn streams(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>, ReadError>;

    /// The snapshot of `stream`, when it has one.
    async fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError>;

    /// The value of `key`.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, ReadError>;

    /// Keys that begin with `prefix` and their values, by key, after `after`.
    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, ReadError>;

    /// The answer recorded for a request, while it is kept.
    async fn request(&self, scope: &str, id: &str) -> Result<Option<RequestRecord>, ReadError>;

    /// Up to which position events may be missing from the feed; 0 when all are there.
    async fn horizon(&self) -> Result<u64, ReadError>;

    /// The position of the last event. A hint that wakes readers; reading tells the truth.
    fn head(&self) -> watch::Receiver<u64>;

    /// How the journal is; changes when the disk fills up or another process takes over.
    fn health(&self) -> watch::Receiver<Health>;

    /// How much longer this process surely owns the journal. A writer to something that cannot check epochs asks
    /// right before each call and keeps the call shorter than this. Zero once fenced.
    fn lease_left(&self) -> Duration;

    /// Removes what retention allows: events older than that, below a snapshot, of ended streams; and old request
    /// records. A read of what is gone says so.
    async fn trim(&self) -> Result<Trimmed, CommitError>;

    /// Finishes what is under way, gives up ownership and frees the files. Later commits are refused.
    async fn close(&self);
}
