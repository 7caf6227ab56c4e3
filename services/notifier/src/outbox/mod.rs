//! The outbox: routing, cursors and deliveries, durable in the journal and held in memory.
//!
//! # Guarantees
//! - A fact's deliveries and the cursor behind it are one commit: it is neither lost nor queued twice.
//! - A delivery leaves the queue only by a committed event. A crash between sending and committing sends it again,
//!   with the same id.
//! - Nothing is dropped for want of space: what is queued is in the journal.
//!
//! Changes are made one after the other under one lock, the commit included; the journal's fsync sets the pace.

mod delivery;
mod error;
mod ingest;
mod outcome;
mod queue;
mod read;
mod replay;
mod retention;
mod retry;
mod routing;
mod store;
mod table;

use std::sync::Arc;

use bellwether_clock::Env;
use bellwether_journal::{Journal, RequestRecord};
use tokio::sync::{Mutex, watch};

pub use delivery::{Attempt, Delivery, Event, MAX_ATTEMPTS, State};
pub use error::OutboxError;
pub use ingest::Cursor;
pub use outcome::{Outcome, Take};
pub use queue::{Next, Queue};
pub use read::ReceiverState;
pub use retention::Keep;
pub use retry::RetryPolicy;
pub use routing::Applied;

use crate::routing::Routing;
use table::Table;

/// The outbox; see the module.
pub struct Outbox {
    journal: Arc<dyn Journal>,
    env: Env,
    retry: RetryPolicy,
    keep: Keep,
    table: Mutex<Table>,
    routing: watch::Sender<Arc<Routing>>,
}

/// Makes the record of a request from what it led to; none when the caller gave no request id.
pub type Recorder<'a, T> = &'a (dyn Fn(&T) -> Option<RequestRecord> + Send + Sync);

// === impl Outbox ===

impl Outbox {
    /// Reads it from the journal.
    ///
    /// # Errors
    /// When the journal cannot be read, or holds what this build does not understand.
    pub async fn open(
        journal: Arc<dyn Journal>,
        env: Env,
        retry: RetryPolicy,
        keep: Keep,
    ) -> Result<Arc<Self>, OutboxError> {
        let table = store::load(journal.as_ref()).await?;
        let (routing, _) = watch::channel(table.routing.compiled.clone());
        let outbox = Self { journal, env, retry, keep, table: Mutex::new(table), routing };
        outbox.bury_unreachable().await?;
        Ok(Arc::new(outbox))
    }

    /// The routing in force, and each that follows.
    pub fn routings(&self) -> watch::Receiver<Arc<Routing>> {
        self.routing.subscribe()
    }

    /// Where its events are.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }
}
