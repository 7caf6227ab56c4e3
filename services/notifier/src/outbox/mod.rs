//! The outbox: routing, cursors and deliveries, durable in the journal and held in memory.
//!
//! # Guarantees
//! - A fact's deliveries and the cursor behind it are one commit: it is neither lost nor queued twice.
//! - A delivery leaves the queue only by a committed event. A crash between sending and committing sends it again,
//!   with the same id.
//! - Nothing is dropped for want of space: what is queued is in the journal.
//!
//! Changes are made one after the other under one lock, the commit included; the journal's fsync sets the pace.

mod aggregate;
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
use bellwether_journal::Journal;
use bellwether_resource::Store;
use tokio::sync::{Mutex, watch};

pub use aggregate::{Deliveries, NotQueued};
pub use delivery::{Attempt, Delivery, Event, MAX_ATTEMPTS, State};
pub use error::OutboxError;
pub use ingest::Cursor;
pub use outcome::{Outcome, Take};
pub use queue::{Next, Queue};
pub use read::ReceiverState;
pub use retention::Keep;
pub use retry::RetryPolicy;
pub use routing::Applied;

use crate::{metrics::NotifierMetrics, routing::Routing};
use table::Table;

/// The outbox; see the module.
pub struct Outbox {
    store: Store<Deliveries>,
    env: Env,
    settings: Settings,
    table: Mutex<Table>,
    routing: watch::Sender<Arc<Routing>>,
}

/// How the outbox works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// When failed deliveries are tried again.
    pub retry: RetryPolicy,
    /// How long deliveries that ended are kept.
    pub keep: Keep,
    /// Where it is counted.
    pub metrics: NotifierMetrics,
}

// === impl Outbox ===

impl Outbox {
    /// Reads it from the journal.
    ///
    /// # Errors
    /// When the journal cannot be read, or holds what this build does not understand.
    pub async fn open(
        journal: Arc<dyn Journal>,
        env: Env,
        settings: Settings,
    ) -> Result<Arc<Self>, OutboxError> {
        let store = Store::load(journal, env.clone()).await?;
        let table = store::load(&store).await?;
        let (routing, _) = watch::channel(table.routing.compiled.clone());
        let outbox = Self { store, env, settings, table: Mutex::new(table), routing };
        outbox.bury_unreachable().await?;
        Ok(Arc::new(outbox))
    }

    /// The routing in force, and each that follows.
    pub fn routings(&self) -> watch::Receiver<Arc<Routing>> {
        self.routing.subscribe()
    }

    /// Where its events are.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        self.store.journal()
    }

    /// The deliveries as streams, for Watch. They are changed by the outbox alone.
    pub fn store(&self) -> &Store<Deliveries> {
        &self.store
    }
}
