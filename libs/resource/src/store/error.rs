//! What can go wrong in a store.

use bellwether_journal::{CommitError, ReadError};
use tonic::Status;

use crate::error::{
    CONFLICT, DISK_FULL, DRAINING, FENCED, INTERNAL, Problem, REQUEST_ID_REUSED, STORAGE_FAILED,
};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The streams of a kind could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The journal could not be read.
    #[error("the journal could not be read")]
    Read(#[from] ReadError),
    /// An event is none that this build knows.
    #[error("event {version} of {stream} cannot be read")]
    Event {
        /// The stream.
        stream: String,
        /// The event's version.
        version: u64,
        /// Why.
        #[source]
        source: Source,
    },
    /// A snapshot is none that this build knows, and the events before it are gone.
    #[error("the snapshot of {stream} cannot be read")]
    Snapshot {
        /// The stream.
        stream: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// An event cannot have happened in the state before it.
    #[error("event {version} of {stream} is illegal")]
    Illegal {
        /// The stream.
        stream: String,
        /// The event's version.
        version: u64,
        /// Why.
        #[source]
        source: Source,
    },
}

/// A transaction that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum TransactError<E> {
    /// The decision was to refuse.
    #[error("refused")]
    Refused(E),
    /// The request id was used before, with another payload.
    #[error("request id {0:?} was used before with another payload")]
    RequestIdReused(String),
    /// The decision led to an event that is illegal: a mistake in the core.
    #[error("the decision led to an illegal event")]
    Illegal(#[source] Source),
    /// An event or an answer could not be written or read: a mistake of ours.
    #[error("an event or an answer has no encoded form")]
    Encoding(#[source] Source),
    /// The journal refused or failed.
    #[error("the journal did not take the commit")]
    Commit(#[source] CommitError),
    /// The journal could not be read.
    #[error("the journal could not be read")]
    Read(#[source] ReadError),
    /// The transaction's task came to an end without an answer: the process stops, or a decision panicked.
    #[error("the transaction ended without an answer")]
    Lost,
}

// === impl TransactError ===

impl<E> TransactError<E> {
    /// The refusal to answer with, unless it is the decision's own.
    fn problem(self) -> Result<E, Problem> {
        Err(match self {
            Self::Refused(refusal) => return Ok(refusal),
            Self::RequestIdReused(id) => REQUEST_ID_REUSED
                .because("the request id was used before, with another payload")
                .with("request_id", id),
            Self::Illegal(error) | Self::Encoding(error) => internal(&*error),
            Self::Commit(error) => commit_problem(&error),
            Self::Read(error) => unreadable(&error),
            Self::Lost => DRAINING.because("the service stops"),
        })
    }
}

impl<E: Into<Status>> From<TransactError<E>> for Status {
    fn from(error: TransactError<E>) -> Self {
        match error.problem() {
            Ok(refusal) => refusal.into(),
            Err(problem) => problem.into(),
        }
    }
}

/// What a commit's failure means for a caller.
pub(crate) fn commit_problem(error: &CommitError) -> Problem {
    match error {
        CommitError::Conflict { stream, .. } => CONFLICT.because(format!("{stream} changed meanwhile")),
        CommitError::DiskFull => DISK_FULL.because("the disk of the service is full"),
        CommitError::Fenced { .. } => FENCED.because("another process has taken over"),
        CommitError::Closed => DRAINING.because("the service stops"),
        CommitError::Failed | CommitError::Unknown(_) => {
            tracing::error!(%error, "a commit failed");
            STORAGE_FAILED.because("the service cannot write its journal")
        }
        CommitError::RequestExists(_) | CommitError::Malformed(_) => internal(error),
    }
}

fn unreadable(error: &ReadError) -> Problem {
    tracing::error!(%error, source = std::error::Error::source(error), "the journal could not be read");
    STORAGE_FAILED.because("the service cannot read its journal")
}

fn internal(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error, "a transaction failed by a mistake of ours");
    INTERNAL.because("the call failed by a mistake of Bellwether's")
}
