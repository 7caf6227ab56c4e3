//! Sending again what had come to its end.

use std::sync::Arc;

use bellwether_journal::Commit;
use bellwether_resource::Call;
use uuid::Uuid;

use super::{Delivery, Event, Outbox, OutboxError, State, ingest::check_reachable};
use crate::message::Reason;

// === impl Outbox ===

impl Outbox {
    /// Sends a dead or delivered one again, with the same id and a new schedule, unless `call` has been answered
    /// before.
    ///
    /// # Errors
    /// When there is none, its etag is not `expected`, it waits or was coalesced, its receiver is gone or disabled, or
    /// it cannot be committed.
    pub async fn replay<A: prost::Message + Default>(
        &self,
        id: Uuid,
        expected: Option<&str>,
        why: &str,
        call: &Call,
        answer: impl Fn(&Delivery) -> A,
    ) -> Result<A, OutboxError> {
        let mut table = self.table.lock().await;
        if let Some(earlier) = call.earlier(self.journal().as_ref()).await? {
            return Ok(earlier);
        }
        let missing = || OutboxError::NoDelivery { name: format!("deliveries/{id}") };
        let delivery = table.deliveries.get(&id).cloned().ok_or_else(missing)?;
        check_etag(&delivery, expected)?;
        check_replayable(delivery.state)?;
        check_reachable(&table, &delivery.receiver)?;
        let now = self.env.now();
        let event = Event::Replayed { reason: Reason::new("REPLAYED", why), order: table.order };
        let after = Arc::new(delivery.after(&event, now));
        let answer = answer(&after);
        let mut commit = Commit::new(now);
        commit.request = call.record(&answer, now);
        self.save(&mut table, commit, vec![(event, after)]).await?;
        Ok(answer)
    }
}

fn check_etag(delivery: &Delivery, expected: Option<&str>) -> Result<(), OutboxError> {
    let actual = delivery.etag();
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
