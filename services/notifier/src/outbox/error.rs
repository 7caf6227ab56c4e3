//! What can go wrong with the outbox.

use bellwether_journal::{CommitError, ReadError};
use bellwether_resource::{LoadError, TransactError};
use tonic::Status;

/// The outbox could not do it.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// It could not be committed.
    #[error("the outbox could not be changed")]
    Commit(#[from] CommitError),
    /// It could not be read.
    #[error("the outbox could not be read")]
    Read(#[from] ReadError),
    /// What was answered before cannot be answered again.
    #[error("the call cannot be repeated")]
    Call(#[from] TransactError<Status>),
    /// Its deliveries could not be replayed.
    #[error("the deliveries could not be replayed")]
    Load(#[from] LoadError),
    /// The journal holds what this build does not understand.
    #[error("{key} in the notifier's journal is not readable by this build")]
    Decode {
        /// The key.
        key: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such delivery.
    #[error("there is no {name}")]
    NoDelivery {
        /// As asked for.
        name: String,
    },
    /// There is no such receiver.
    #[error("the routing has no receiver {name:?}")]
    NoReceiver {
        /// As asked for.
        name: String,
    },
    /// The receiver has answered 410.
    #[error("{name:?} answered 410 Gone; apply a routing to enable it again")]
    Disabled {
        /// The receiver.
        name: String,
    },
    /// It cannot be replayed from where it stands.
    #[error("a delivery that is {state} cannot be replayed")]
    NotReplayable {
        /// Where it stands.
        state: &'static str,
    },
    /// Somebody else was faster.
    #[error("it has changed: the etag is {actual}")]
    Etag {
        /// The present one.
        actual: String,
    },
}

// === impl OutboxError ===

impl OutboxError {
    /// Whether the same may succeed later without anybody's doing.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Commit(CommitError::DiskFull))
    }
}
