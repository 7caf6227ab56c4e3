//! Forgetting what ended long ago.

use std::{sync::Arc, time::Duration};

use bellwether_journal::Commit;

use super::{Delivery, Event, Outbox, OutboxError, store};

/// How long deliveries that ended are kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// At least as long as this since their end. Default 30 days.
    pub time: Duration,
    /// But not more than these, the newest. Default 10,000.
    pub count: usize,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Deliveries removed in one commit.
const CHUNK: usize = 200;

// === impl Keep ===

impl Default for Keep {
    fn default() -> Self {
        Self { time: 30 * DAY, count: 10_000 }
    }
}

// === impl Outbox ===

impl Outbox {
    /// Removes what need not be kept, and trims the journal.
    ///
    /// # Errors
    /// When it cannot be committed.
    pub async fn prune(&self) -> Result<usize, OutboxError> {
        let stale = self.stale().await;
        for chunk in stale.chunks(CHUNK) {
            self.remove(chunk).await?;
        }
        self.journal().trim().await?;
        Ok(stale.len())
    }

    async fn stale(&self) -> Vec<Arc<Delivery>> {
        let table = self.table.lock().await;
        let ended = || table.deliveries.values().filter(|delivery| delivery.state.is_ended());
        let over = ended().count().saturating_sub(self.settings.keep.count);
        // ids sort by time, so the first ones are the oldest
        let stale = ended().enumerate().filter(|(index, delivery)| {
            *index < over || self.env.since(delivery.updated) > self.settings.keep.time
        });
        stale.map(|(_, delivery)| delivery.clone()).collect()
    }

    async fn remove(&self, deliveries: &[Arc<Delivery>]) -> Result<(), OutboxError> {
        let mut table = self.table.lock().await;
        let now = self.env.now();
        // one that was replayed meanwhile stays
        let current = deliveries.iter().filter(|old| {
            table.deliveries.get(&old.id).is_some_and(|delivery| delivery.version == old.version)
        });
        let gone: Vec<_> = current
            .map(|delivery| {
                let event = Event::Removed { delivery: Box::new(delivery.as_ref().clone()) };
                let after = delivery.after(&event, now);
                (event, after)
            })
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        let commit = gone
            .iter()
            .fold(Commit::new(now), |commit, (event, after)| store::with_event(commit, event, after));
        self.journal().commit(commit).await?;
        gone.iter().for_each(|(_, after)| table.remove(after.id));
        Ok(())
    }
}
