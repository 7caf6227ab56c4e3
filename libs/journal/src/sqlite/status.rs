//! What the writer tells the handles.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bellwether_clock::{Env, Timestamp};
use tokio::sync::watch;

use crate::{CommitError, Health};

/// Shared between the writer's task and the handles.
#[derive(Debug)]
pub(super) struct Status {
    pub(super) epoch: u64,
    pub(super) head: watch::Sender<u64>,
    health: watch::Sender<Health>,
    horizon: AtomicU64,
    lease_until: Mutex<Timestamp>,
}

// === impl Status ===

impl Status {
    pub(super) fn new(epoch: u64, head: u64, horizon: u64, lease_until: Timestamp) -> Self {
        Self {
            epoch,
            head: watch::Sender::new(head),
            health: watch::Sender::new(Health::Serving),
            horizon: AtomicU64::new(horizon),
            lease_until: Mutex::new(lease_until),
        }
    }

    pub(super) fn health(&self) -> Health {
        *self.health.borrow()
    }

    pub(super) fn subscribe_health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Changes the health, unless it is final.
    pub(super) fn set_health(&self, to: Health) {
        let changed = self.health.send_if_modified(|health| {
            let changes = !health.is_final() && *health != to;
            *health = if changes { to } else { *health };
            changes
        });
        if changed {
            tracing::warn!(health = ?to, epoch = self.epoch, "the journal's health has changed");
        }
    }

    /// Whether a commit is refused without looking at it.
    pub(super) fn refusal(&self, urgent: bool) -> Option<CommitError> {
        match self.health() {
            Health::Serving => None,
            Health::DiskFull => (!urgent).then_some(CommitError::DiskFull),
            Health::Fenced => Some(CommitError::Fenced { epoch: self.epoch }),
            Health::Failed => Some(CommitError::Failed),
            Health::Closed => Some(CommitError::Closed),
        }
    }

    pub(super) fn horizon(&self) -> u64 {
        self.horizon.load(Ordering::Acquire)
    }

    /// To be raised before the events below it are removed.
    pub(super) fn raise_horizon(&self, to: u64) {
        self.horizon.fetch_max(to, Ordering::AcqRel);
    }

    pub(super) fn extend_lease(&self, from: Timestamp, length: Duration) {
        let until = from.checked_add(length).unwrap_or(Timestamp::MAX);
        *self.lease_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    pub(super) fn lease_left(&self, env: &Env) -> Duration {
        if self.health().is_final() {
            return Duration::ZERO;
        }
        env.until(*self.lease_until.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
