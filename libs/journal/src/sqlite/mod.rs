//! The journal as an SQLite file: write-ahead log, `synchronous=FULL`, one writer, group commit.

mod ballast;
mod chunks;
mod group;
mod owner;
mod reader;
mod rows;
mod schema;
mod sql;
mod status;
mod transaction;
mod trim;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bellwether_clock::{Timestamp, spawn};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use self::{
    ballast::Ballast,
    group::Known,
    owner::Claim,
    reader::Reader,
    status::Status,
    writer::{Control, Item, Writer},
};
use crate::{
    Commit, CommitError, Committed, Epoch, EventRecord, Health, Journal, JournalId, OpenError, Options,
    ReadError, RequestRecord, Snapshot, StreamInfo, Trimmed, options::before,
};

/// How many commits may wait before committing waits, too.
const QUEUE: usize = 4096;

/// A journal in one SQLite file, owned by this process.
#[derive(Debug)]
pub struct SqliteJournal {
    id: JournalId,
    status: Arc<Status>,
    options: Options,
    reader: Reader,
    commits: mpsc::Sender<Item>,
    controls: mpsc::Sender<Control>,
}

// === impl SqliteJournal ===

impl SqliteJournal {
    /// Opens or creates the journal at `path`, waiting for its owner to go away when `options` say standby.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing on disk is changed by a refusal.
    pub async fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        ready_directory(path)?;
        let ballast = Ballast::of(path, options.ballast_bytes);
        let (mut connection, id) = schema::connect(path, &options.env).await?;
        let claim = Claim::stake(&mut connection, path, &options).await?;
        schema::migrate(&mut connection)
            .await
            .map_err(|error| OpenError::Storage { path: path.to_owned(), source: error.into() })?;
        let reader = Reader::new(path);
        let failed = |error: ReadError| OpenError::Storage { path: path.to_owned(), source: error.into() };
        let (head, horizon) = reader.extent().await.map_err(failed)?;
        let lease_until = claim.since.checked_add(options.lease.length).unwrap_or(Timestamp::MAX);
        let status = Arc::new(Status::new(claim.epoch, head, horizon, lease_until));
        let (commits, items) = mpsc::channel(QUEUE);
        let (controls, wishes) = mpsc::channel(1);
        let writer = Writer {
            connection,
            claim,
            known: Known { position: head, ..Known::default() },
            ballast,
            trap: options.faults.trap(path),
            status: status.clone(),
            options: options.clone(),
        };
        writer.recover();
        tracing::info!(path = %path.display(), journal = %id, epoch = status.epoch, head, "opened the journal");
        spawn("journal writer", writer.run(items, wishes));
        Ok(Self { id, status, options, reader, commits, controls })
    }

    /// The error of an operation that the writer did not answer any more.
    fn gone(&self) -> CommitError {
        self.status.refusal(true).unwrap_or(CommitError::Closed)
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    fn id(&self) -> JournalId {
        self.id
    }

    fn epoch(&self) -> Epoch {
        Epoch { shard: 0, number: self.status.epoch }
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let (reply, answer) = oneshot::channel();
        self.commits.send(Item { commit, reply }).await.map_err(|_| self.gone())?;
        answer.await.map_err(|_| self.gone())?
    }

    async fn stream(&self, stream: &str, version: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError> {
        self.reader.stream(stream, version, limit).await
    }

    async fn feed(&self, position: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError> {
        let found = self.reader.feed(position, limit).await?;
        // looked at after reading: what has been removed in between is not missed
        let horizon = self.status.horizon();
        if position < horizon {
            return Err(ReadError::Trimmed { after: position, horizon });
        }
        Ok(found)
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>, ReadError> {
        self.reader.streams(prefix, after, limit).await
    }

    async fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        self.reader.snapshot(stream).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, ReadError> {
        self.reader.get(key).await
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, ReadError> {
        self.reader.scan(prefix, after, limit).await
    }

    async fn request(&self, scope: &str, id: &str) -> Result<Option<RequestRecord>, ReadError> {
        let forgotten = before(&self.options.env, self.options.retention.requests);
        self.reader.request(scope, id, forgotten).await
    }

    async fn horizon(&self) -> Result<u64, ReadError> {
        Ok(self.status.horizon())
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.status.head.subscribe()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.status.subscribe_health()
    }

    fn lease_left(&self) -> Duration {
        self.status.lease_left(&self.options.env)
    }

    async fn trim(&self) -> Result<Trimmed, CommitError> {
        let mut total = Trimmed::default();
        loop {
            let (reply, answer) = oneshot::channel();
            self.controls.send(Control::Trim(reply)).await.map_err(|_| self.gone())?;
            let (done, more) = answer.await.map_err(|_| self.gone())??;
            total.events += done.events;
            total.requests += done.requests;
            if !more {
                return Ok(total);
            }
        }
    }

    async fn close(&self) {
        self.reader.close().await;
        let (reply, closed) = oneshot::channel();
        if self.controls.send(Control::Close(reply)).await.is_ok() {
            let _already_closed = closed.await;
        }
    }
}

/// Creates the journal's directory where needed, and makes sure that it can be written.
fn ready_directory(path: &Path) -> Result<(), OpenError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    std::fs::create_dir_all(&directory)
        .and_then(|()| {
            rustix::fs::access(&directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
                .map_err(Into::into)
        })
        .map_err(|source| OpenError::Directory { path: directory, source })
}
