//! The outbox in memory.

use std::{collections::BTreeMap, sync::Arc};

use bellwether_clock::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Delivery, Queue, State};
use crate::{message::Reason, routing::Routing};

/// Everything, as of the last commit.
pub(super) struct Table {
    pub(super) deliveries: BTreeMap<Uuid, Arc<Delivery>>,
    pub(super) lanes: BTreeMap<String, Lane>,
    pub(super) disabled: BTreeMap<String, Disabled>,
    pub(super) routing: InForce,
    /// The next place in the queues.
    pub(super) order: u64,
    /// By subject the trace that its messages belong to, as the last one that knew said.
    traces: BTreeMap<String, (Uuid, String)>,
}

/// What waits for one receiver, and the bell that its worker listens to.
#[derive(Default)]
pub(super) struct Lane {
    pub(super) queue: Queue,
    pub(super) bell: Arc<Notify>,
}

/// A receiver that has answered 410.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Disabled {
    pub(super) reason: Reason,
    pub(super) since: Timestamp,
}

/// The routing in force.
#[derive(Clone)]
pub(super) struct InForce {
    pub(super) compiled: Arc<Routing>,
    /// The version of its stream; 0 for the one that nobody applied.
    pub(super) version: u64,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

// === impl Table ===

impl Table {
    pub(super) fn empty() -> Self {
        let epoch = Timestamp::UNIX_EPOCH;
        let compiled = Arc::new(Routing::to_log());
        Self {
            deliveries: BTreeMap::new(),
            lanes: BTreeMap::new(),
            disabled: BTreeMap::new(),
            routing: InForce { compiled, version: 0, created: epoch, updated: epoch },
            order: 1,
            traces: BTreeMap::new(),
        }
    }

    pub(super) fn lane(&mut self, receiver: &str) -> &mut Lane {
        self.lanes.entry(receiver.to_owned()).or_default()
    }

    /// How many deliveries wait.
    pub(super) fn pending(&self) -> usize {
        self.lanes.values().map(|lane| lane.queue.len()).sum()
    }

    /// Takes over what was committed.
    pub(super) fn set(&mut self, delivery: Arc<Delivery>) {
        if let Some(before) = self.deliveries.insert(delivery.id, delivery.clone()) {
            self.unqueue(&before);
        }
        self.order = self.order.max(delivery.order.saturating_add(1));
        if let Some(trace) = &delivery.message.trace {
            self.traces.insert(delivery.message.subject.clone(), (delivery.id, trace.clone()));
        }
        if delivery.state == State::Pending {
            let lane = self.lane(&delivery.receiver);
            lane.queue.push(&delivery);
            lane.bell.notify_one();
        }
    }

    /// Forgets what retention took.
    pub(super) fn remove(&mut self, id: Uuid) {
        if let Some(before) = self.deliveries.remove(&id) {
            self.unqueue(&before);
            let subject = &before.message.subject;
            if self.traces.get(subject).is_some_and(|(from, _)| *from == id) {
                self.traces.remove(subject);
            }
        }
    }

    /// The trace that messages about a subject belong to.
    pub(super) fn trace(&self, subject: &str) -> Option<String> {
        self.traces.get(subject).map(|(_, trace)| trace.clone())
    }

    fn unqueue(&mut self, delivery: &Delivery) {
        if delivery.state == State::Pending {
            let lane = self.lane(&delivery.receiver);
            lane.queue.remove(delivery);
            lane.bell.notify_one();
        }
    }

    /// Why nothing can be sent to a receiver, where that is so.
    pub(super) fn unreachable(&self, receiver: &str) -> Option<Reason> {
        if !self.routing.compiled.receivers.contains_key(receiver) {
            return Some(Reason::new("RECEIVER_REMOVED", "the routing no longer has this receiver"));
        }
        let disabled = self.disabled.get(receiver)?;
        let text = "the receiver answered 410 Gone; apply a routing to enable it again";
        Some(Reason::new("RECEIVER_DISABLED", text).with("since", disabled.since))
    }
}
