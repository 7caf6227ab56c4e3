//! Reading what is there.

use std::sync::Arc;

use bellwether_clock::Timestamp;
use uuid::Uuid;

use super::{Delivery, Outbox, State};
use crate::message::Reason;

/// How a receiver is doing, as far as the outbox knows.
#[derive(Clone, Debug)]
pub struct ReceiverState {
    /// Its name.
    pub receiver: String,
    /// Why it is disabled, when it is.
    pub disabled: Option<Reason>,
    /// Deliveries that wait for it.
    pub pending: usize,
    /// Deliveries that were given up.
    pub dead: usize,
    /// Since when the oldest has waited.
    pub oldest_pending: Option<Timestamp>,
}

/// The etag of what a stream holds at a version.
pub(super) fn etag(stream: &str, version: u64) -> String {
    bellwether_resource::etag::of([stream.as_bytes(), &version.to_be_bytes()])
}

// === impl Delivery ===

impl Delivery {
    /// Its etag.
    pub fn etag(&self) -> String {
        etag(&self.name(), self.version)
    }
}

// === impl Outbox ===

impl Outbox {
    /// One delivery.
    pub async fn delivery(&self, id: Uuid) -> Option<Arc<Delivery>> {
        self.table.lock().await.deliveries.get(&id).cloned()
    }

    /// Up to `limit` deliveries older than `before` that satisfy `wanted`, newest first.
    pub async fn deliveries(
        &self,
        before: Option<Uuid>,
        limit: usize,
        wanted: impl Fn(&Delivery) -> bool,
    ) -> Vec<Arc<Delivery>> {
        let table = self.table.lock().await;
        let newest_first = match before {
            Some(before) => table.deliveries.range(..before).rev(),
            None => table.deliveries.range(..).rev(),
        };
        newest_first
            .map(|(_, delivery)| delivery)
            .filter(|delivery| wanted(delivery))
            .take(limit)
            .cloned()
            .collect()
    }

    /// How the receivers of the routing are doing, by name.
    pub async fn receivers(&self) -> Vec<ReceiverState> {
        let table = self.table.lock().await;
        let dead = |name: &str| {
            let dead = table.deliveries.values().filter(|delivery| delivery.state == State::Dead);
            dead.filter(|delivery| delivery.receiver == name).count()
        };
        let names = table.routing.compiled.receivers.keys();
        let states = names.map(|name| {
            let queue = table.lanes.get(name).map(|lane| &lane.queue);
            ReceiverState {
                receiver: name.clone(),
                disabled: table.disabled.get(name).map(|disabled| disabled.reason.clone()),
                pending: queue.map_or(0, super::Queue::len),
                dead: dead(name),
                oldest_pending: queue.and_then(super::Queue::oldest),
            }
        });
        states.collect()
    }
}
