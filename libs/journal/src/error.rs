//! What can go wrong, one enum per operation.

use std::{path::PathBuf, sync::Arc};

use crate::{RequestRecord, record::StreamInfo};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A commit was refused, or its outcome is open.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The stream has moved on since it was decided on: read, decide again. Nothing was changed.
    #[error("stream {stream} is at version {actual}, not {expected}")]
    Conflict {
        /// The stream.
        stream: String,
        /// The version the commit named.
        expected: u64,
        /// The version the stream is at.
        actual: u64,
    },
    /// The request already has an answer. Nothing was changed.
    #[error("request {} of {} has been answered before", .0.id, .0.scope)]
    RequestExists(Box<RequestRecord>),
    /// Another process owns the journal now: stop acting. Nothing was changed, and nothing ever will be through
    /// this handle.
    #[error("another process has taken over the journal (this one had epoch {epoch})")]
    Fenced {
        /// The epoch this handle was opened with.
        epoch: u64,
    },
    /// The disk is full and the commit is not urgent. Nothing was changed.
    #[error("the disk is full; only urgent commits are accepted")]
    DiskFull,
    /// The commit contradicts itself. Nothing was changed.
    #[error("malformed commit: {0}")]
    Malformed(&'static str),
    /// The journal was closed. Nothing was changed.
    #[error("the journal is closed")]
    Closed,
    /// The journal failed before and must be opened anew. Nothing was changed.
    #[error("the journal has failed; restart to find out what it holds")]
    Failed,
    /// A write failed so that its outcome is open. The journal accepts nothing more; restart to find out.
    #[error("the journal could not be written, the outcome is unknown until a restart")]
    Unknown(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// A read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Events after the asked-for place have been removed by retention: begin with the snapshot.
    #[error("events up to {horizon} are gone, asked for those after {after}")]
    Trimmed {
        /// The version or position asked for.
        after: u64,
        /// The version or position up to which events are missing.
        horizon: u64,
    },
    /// The journal could not be read.
    #[error("the journal could not be read")]
    Storage(#[source] Source),
}

/// A journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is none of ours.
    #[error("{url:?} is not a journal: expected sqlite:PATH or memory:")]
    Url {
        /// As given.
        url: String,
    },
    /// The directory cannot be used.
    #[error("the data directory {} cannot be used", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file beside the journal cannot be used.
    #[error("{} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A live process owns it.
    #[error(
        "{} is in use by process {pid} (epoch {epoch}); stop it first, or start this one as a standby",
        path.display()
    )]
    Owned {
        /// The journal.
        path: PathBuf,
        /// The owner's process id.
        pid: u32,
        /// The owner's epoch.
        epoch: u64,
    },
    /// It was written by a newer build.
    #[error("{} has schema {found}, this build knows up to {known}: use a newer build", path.display())]
    NewerSchema {
        /// The journal.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema this build knows.
        known: u32,
    },
    /// The file is something else.
    #[error("{} is not a Bellwether journal", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database failed.
    #[error("{} could not be opened", path.display())]
    Storage {
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        source: Source,
    },
}

// === impl CommitError ===

impl CommitError {
    pub(crate) fn conflict(found: &StreamInfo, expected: u64) -> Self {
        Self::Conflict { stream: found.stream.to_string(), expected, actual: found.version }
    }
}

// === impl ReadError ===

impl ReadError {
    pub(crate) fn storage(source: impl Into<Source>) -> Self {
        Self::Storage(source.into())
    }
}
