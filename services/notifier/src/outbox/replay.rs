//! Sending again what had come to its end.

use std::sync::Arc;

use bellwether_journal::Commit;
use uuid::Uuid;

use super::{Delivery, Event, Outbox, OutboxError, Recorder, State, ingest::check_reachable, read::etag};
use crate::message::Reason;

// === impl Outbox ===

impl Outbox {
    /// Sends a dead or delivered one again, with the same id and a new schedule.
    ///
    /// # Errors
    /// When there is none, its etag is not `expected`, it waits or was coalesced, its receiver is gone or disabled, or
    /// it cannot be committed.
    pub async fn replay(
        &self,
        id: Uuid,
        expected: Option<&str>,
        why: &str,
        record: Recorder<'_, Delivery>,
    ) -> Result<Arc<Delivery>, OutboxError> {
        let mut table = self.table.lock().await;
        let missing = || OutboxError::NoDelivery { name: format!("deliveries/{id}") };
        let delivery = table.deliveries.get(&id).cloned().ok_or_else(missing)?;
        check_etag(&delivery, expected)?;
        check_replayable(delivery.state)?;
        check_reachable(&table, &delivery.receiver)?;
        let now = self.env.now();
        let event = Event::Replayed { reason: Reason::new("REPLAYED", why), order: table.order };
        let after = Arc::new(delivery.after(&event, now));
        let mut commit = Commit::new(now);
        commit.request = record(&after);
        self.save(&mut table, commit, vec![(event, after.clone())]).await?;
        Ok(after)
    }
}

fn check_etag(delivery: &Delivery, expected: Option<&str>) -> Result<(), OutboxError> {
    let actual = etag(delivery.version);
    match expected {
        Some(expected) if expected != actual => Err(OutboxError::Etag { actual }),
        _ => Ok(()),
    }
}

fn check_replayable(state: State) -> Result<(), OutboxError> {
    match state {
        State::Dead | State::Delivered => Ok(()),
        State::Pending | State::Coalesced => Err(OutboxError::NotReplayable { state: state.as_str() }),
    }
}
