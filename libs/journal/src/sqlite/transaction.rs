//! The transaction every write of the owner runs in: epoch checked, lease renewed, then the work.

use std::sync::Arc;

use sqlx::SqliteConnection;

use super::{
    owner::renew,
    sql::{Trouble, roll_back, run},
};
use crate::CommitError;

/// Why a transaction came to nothing, or may have.
#[derive(Debug)]
pub(super) enum Failure {
    /// The epoch is another's. Nothing was changed.
    Fenced,
    /// No space. Nothing was changed.
    Full,
    /// Anything else; the outcome is open.
    Other(Arc<sqlx::Error>),
}

/// Begins a transaction and makes sure that the journal still is ours. Whoever gets an error is in none.
pub(super) async fn begin(connection: &mut SqliteConnection, epoch: u64) -> Result<(), Failure> {
    while let Err(error) = run(connection, "BEGIN IMMEDIATE").await {
        match Trouble::of(&error) {
            Trouble::Busy => {
                tracing::warn!("another process holds a write transaction on the journal; waiting")
            }
            Trouble::Full | Trouble::NotADatabase | Trouble::Other => return Err(error.into()),
        }
    }
    match renew(connection, epoch).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(abandon(connection, Failure::Fenced).await),
        Err(error) => Err(abandon(connection, error).await),
    }
}

/// Makes it durable. Whoever gets an error is in no transaction any more.
pub(super) async fn finish(connection: &mut SqliteConnection) -> Result<(), Failure> {
    match run(connection, "COMMIT").await {
        Ok(()) => Ok(()),
        Err(error) => Err(abandon(connection, error).await),
    }
}

/// Ends it without effect, for this reason.
pub(super) async fn abandon(connection: &mut SqliteConnection, why: impl Into<Failure>) -> Failure {
    roll_back(connection).await;
    why.into()
}

// === impl Failure ===

impl Failure {
    /// What it means for a commit that was in the transaction of an owner with this epoch.
    pub(super) fn to_error(&self, epoch: u64) -> CommitError {
        match self {
            Self::Fenced => CommitError::Fenced { epoch },
            Self::Full => CommitError::DiskFull,
            Self::Other(error) => CommitError::Unknown(error.clone()),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match Trouble::of(&error) {
            Trouble::Full => Self::Full,
            Trouble::Busy | Trouble::NotADatabase | Trouble::Other => Self::Other(Arc::new(error)),
        }
    }
}
