//! A journal whose process dies at a commit.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;
use bellwether_journal::{Around, Commit, CommitError, Commits, Committed, Journal};
use tokio::sync::Notify;

/// Dies right before, or right after, its `at`-th commit has become durable. Whoever asked for it, or for anything
/// after it, is never answered with more than an error.
pub struct Mortal {
    at: u64,
    durable: bool,
    seen: AtomicU64,
    dead: AtomicBool,
    died: Notify,
}

// === impl Mortal ===

impl Mortal {
    pub fn new(inner: Arc<dyn Journal>, at: u64, durable: bool) -> Arc<Around<Self>> {
        let (seen, dead) = (AtomicU64::new(0), AtomicBool::new(false));
        Around::new(inner, Self { at, durable, seen, dead, died: Notify::new() })
    }

    pub async fn died(&self) {
        let died = self.died.notified();
        if !self.dead.load(Ordering::SeqCst) {
            died.await;
        }
    }
}

#[async_trait]
impl Commits for Mortal {
    async fn commit(&self, inner: &dyn Journal, commit: Commit) -> Result<Committed, CommitError> {
        let number = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        if number < self.at {
            return inner.commit(commit).await;
        }
        if number == self.at {
            if self.durable {
                inner.commit(commit).await?;
            }
            self.dead.store(true, Ordering::SeqCst);
            self.died.notify_waiters();
        }
        Err(CommitError::Closed)
    }
}
