//! When the executor must not act any more.

use std::sync::{Arc, OnceLock};

use bellwether_clock::spawn;
use bellwether_journal::Health;
use bellwether_server::Shutdown;

use super::Executor;

/// Why an executor has stopped by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Another process has taken the journal over.
    #[error("another process has taken the journal over")]
    Fenced,
    /// A platform has obeyed a newer tenure of this very journal than this one: the journal is a restored backup.
    #[error(
        "the platform has obeyed epoch {platform} of this journal, which is at {ours}: JOURNAL_OLDER_THAN_PLATFORM"
    )]
    JournalOlderThanPlatform {
        /// The platform's.
        platform: u64,
        /// The journal's.
        ours: u64,
    },
    /// The journal cannot be written any more.
    #[error("the journal cannot be written; a restart finds out what it holds")]
    JournalFailed,
}

/// Ends the process once there is a reason.
#[derive(Clone)]
pub(crate) struct Stopper {
    reason: Arc<OnceLock<Stop>>,
    shutdown: Shutdown,
}

// === impl Stopper ===

impl Stopper {
    pub(super) fn new(shutdown: Shutdown) -> Self {
        Self { reason: Arc::default(), shutdown }
    }

    /// Stops for this reason, unless there is one already.
    pub(crate) fn because(&self, reason: Stop) {
        if self.reason.set(reason).is_ok()
            && let Some(reason) = self.reason.get()
        {
            tracing::error!(%reason, "the executor stops");
        }
        self.shutdown.trigger();
    }

    /// Whether nothing may be done any more.
    pub(crate) fn stopped(&self) -> bool {
        self.shutdown.is_triggered()
    }

    pub(super) fn reason(&self) -> Option<Stop> {
        self.reason.get().cloned()
    }
}

/// Stops as soon as the journal is lost, whether or not anything is being committed.
pub(super) fn watch_journal(executor: &Executor) {
    let (mut health, stopper) = (executor.journal().health(), executor.stopper().clone());
    let shutdown = executor.shutdown().clone();
    spawn("journal-health", async move {
        loop {
            let now = *health.borrow_and_update();
            match now {
                Health::Fenced => return stopper.because(Stop::Fenced),
                Health::Failed => return stopper.because(Stop::JournalFailed),
                Health::Closed => return,
                Health::Serving => {}
                Health::DiskFull => {
                    tracing::warn!("the disk is full: only what takes traffic back is accepted")
                }
            }
            tokio::select! {
                changed = health.changed() => if changed.is_err() { return },
                () = shutdown.triggered() => return,
            }
        }
    });
}
