//! From a message to its deliveries.

use std::sync::Arc;

use bellwether_journal::{Commit, CommitError};
use bellwether_resource::{Aggregate as _, Call};
use tokio::sync::MutexGuard;
use uuid::Uuid;

use super::{Deliveries, Delivery, Event, Outbox, OutboxError, store, table::Table};
use crate::message::{self, Message};

/// A place in a followed stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The stream, e.g. `executor/rollouts`.
    pub stream: String,
    /// Where to go on.
    pub token: String,
}

/// What a message leads to.
pub(super) type Drafts = Vec<(Event, Arc<Delivery>)>;

// === impl Outbox ===

impl Outbox {
    /// Where to go on reading a stream.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn cursor(&self, stream: &str) -> Result<Option<String>, OutboxError> {
        store::cursor(self.journal().as_ref(), stream).await
    }

    /// Routes a message, and commits its deliveries with the cursor behind it. A message that has been here before
    /// moves the cursor alone.
    ///
    /// # Errors
    /// When it cannot be committed; then nothing has changed.
    pub async fn ingest(&self, message: Option<&Message>, cursor: &Cursor) -> Result<(), OutboxError> {
        let mut table = self.table.lock().await;
        let mut receivers = message.map(|message| receivers(&table, message)).unwrap_or_default();
        loop {
            let drafts = self.draft(&table, message, &receivers);
            let commit = store::with_cursor(Commit::new(self.env.now()), &cursor.stream, &cursor.token);
            match self.save(&mut table, commit, drafts.clone()).await {
                Ok(()) => break,
                Err(error) => receivers = without_known(receivers, &drafts, error)?,
            }
        }
        // what was queued for a disabled receiver is a dead letter at once, and can be replayed
        for receiver in &receivers {
            self.bury(&mut table, receiver).await?;
        }
        Ok(())
    }

    /// Queues a message for one receiver, unless `call` has been answered before.
    ///
    /// # Errors
    /// When there is no such receiver, it is disabled, or it cannot be committed.
    pub async fn queue_for<A: prost::Message + Default>(
        &self,
        receiver: &str,
        message: &Message,
        call: &Call,
        answer: impl Fn(&Delivery) -> A,
    ) -> Result<A, OutboxError> {
        let mut table = self.table.lock().await;
        if let Some(earlier) = call.earlier(self.journal().as_ref()).await? {
            return Ok(earlier);
        }
        check_reachable(&table, receiver)?;
        let delivery = self.new_delivery(message, receiver, table.order);
        let answer = answer(&delivery);
        let mut commit = Commit::new(self.env.now());
        commit.request = call.record(&answer, commit.time);
        self.save(&mut table, commit, vec![(queued(&delivery), delivery)]).await?;
        Ok(answer)
    }

    fn draft(&self, table: &Table, message: Option<&Message>, receivers: &[String]) -> Drafts {
        let Some(message) = message else { return Drafts::new() };
        let mut drafts = Drafts::new();
        let trace = message.trace.clone().or_else(|| table.trace(&message.subject));
        let message = Message { trace, ..message.clone() };
        for (index, receiver) in (0u64..).zip(receivers) {
            let delivery = self.new_delivery(&message, receiver, table.order + index);
            if !table.deliveries.contains_key(&delivery.id) {
                drafts.extend(self.replaced_by(table, &delivery));
                drafts.push((queued(&delivery), delivery));
            }
        }
        drafts
    }

    fn new_delivery(&self, message: &Message, receiver: &str, order: u64) -> Arc<Delivery> {
        let id = message::delivery_id(message.event_id, message.time, receiver);
        let delivery = Delivery::new(id, receiver, message.clone(), order, self.env.now());
        Arc::new(Delivery { version: 1, ..delivery })
    }

    /// The progress that waits and that this one makes stale.
    fn replaced_by(&self, table: &Table, delivery: &Delivery) -> Drafts {
        if !delivery.is_progress() {
            return Drafts::new();
        }
        let Some(lane) = table.lanes.get(&delivery.receiver) else { return Drafts::new() };
        let stale = lane.queue.waiting_progress(&delivery.message.subject);
        let stale = stale.iter().filter_map(|id| table.deliveries.get(id));
        let event = Event::Coalesced { by: delivery.id, attempt: None };
        stale.map(|stale| (event.clone(), Arc::new(stale.after(&event, self.env.now())))).collect()
    }

    /// Commits events of deliveries, and takes them over.
    pub(super) async fn save(
        &self,
        table: &mut MutexGuard<'_, Table>,
        commit: Commit,
        drafts: Drafts,
    ) -> Result<(), CommitError> {
        let commit =
            drafts.iter().fold(commit, |commit, (event, after)| store::with_event(commit, event, after));
        self.journal().commit(commit).await?;
        drafts.iter().for_each(|(event, _)| self.settings.metrics.fact(event.kind()));
        drafts.into_iter().for_each(|(_, after)| table.set(after));
        self.settings.metrics.pending(table.pending());
        Ok(())
    }
}

pub(super) fn check_reachable(table: &Table, receiver: &str) -> Result<(), OutboxError> {
    if !table.routing.compiled.receivers.contains_key(receiver) {
        return Err(OutboxError::NoReceiver { name: receiver.to_owned() });
    }
    if table.disabled.contains_key(receiver) {
        return Err(OutboxError::Disabled { name: receiver.to_owned() });
    }
    Ok(())
}

fn receivers(table: &Table, message: &Message) -> Vec<String> {
    table.routing.compiled.route(&message.labels).into_iter().map(|hit| hit.receiver).collect()
}

fn queued(delivery: &Arc<Delivery>) -> Event {
    Event::Queued { delivery: Box::new(delivery.as_ref().clone()) }
}

/// The receivers without the one whose delivery retention has removed: its stream remembers that there was one.
fn without_known(
    mut receivers: Vec<String>,
    drafts: &Drafts,
    error: CommitError,
) -> Result<Vec<String>, CommitError> {
    let CommitError::Conflict { stream, .. } = &error else { return Err(error) };
    let id = stream.strip_prefix(Deliveries::PREFIX).and_then(|id| id.parse::<Uuid>().ok());
    let known =
        drafts.iter().find(|(event, after)| Some(after.id) == id && matches!(event, Event::Queued { .. }));
    let Some((_, known)) = known else { return Err(error) };
    receivers.retain(|receiver| *receiver != known.receiver);
    Ok(receivers)
}
