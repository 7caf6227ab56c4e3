//! What becomes of a delivery that is sent.

use std::{sync::Arc, time::Duration};

use bellwether_clock::{Env, Timestamp};
use bellwether_journal::Commit;
use tokio::sync::{MutexGuard, Notify};
use uuid::Uuid;

use super::{
    Attempt, Delivery, Event, Next, Outbox, OutboxError, RetryPolicy, State, store,
    table::{Disabled, Table},
};
use crate::message::{Class, Reason};

/// What a worker is to do.
#[derive(Clone, Debug)]
pub enum Take {
    /// Send this one; it counts as under way until it is settled or released.
    Send(Arc<Delivery>),
    /// Nothing is due before then.
    Wait(Timestamp),
    /// Nothing waits.
    Idle,
}

/// How an attempt ended; why it failed is in the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It failed; the schedule says when it is tried again.
    Failed,
    /// The receiver asked to wait this long; that uses up no step of the schedule.
    Later(Duration),
    /// The receiver wants nothing any more.
    Gone,
}

/// Deliveries buried in one commit.
const BURY: usize = 200;

// === impl Outbox ===

impl Outbox {
    /// Rings whenever something changes in what waits for a receiver.
    pub async fn bell(&self, receiver: &str) -> Arc<Notify> {
        self.table.lock().await.lane(receiver).bell.clone()
    }

    /// What goes next to a receiver.
    pub async fn take(&self, receiver: &str) -> Take {
        let table = &mut *self.table.lock().await;
        let Some(lane) = table.lanes.get_mut(receiver) else { return Take::Idle };
        match lane.queue.next(self.env.now()) {
            Next::Nothing => Take::Idle,
            Next::At(due) => Take::Wait(due),
            Next::Send(id) => match table.deliveries.get(&id) {
                None => Take::Idle,
                Some(delivery) => {
                    lane.queue.set_in_flight(delivery, true);
                    Take::Send(delivery.clone())
                }
            },
        }
    }

    /// Puts one back that was taken and not sent.
    pub async fn release(&self, delivery: &Delivery) {
        self.table.lock().await.lane(&delivery.receiver).queue.set_in_flight(delivery, false);
    }

    /// Makes everything due that waits for a receiver: it is back.
    pub async fn wake(&self, receiver: &str) {
        self.table.lock().await.lane(receiver).queue.wake(self.env.now());
    }

    /// Commits how an attempt ended. One that ended otherwise meanwhile stays as it is, unless it arrived.
    ///
    /// # Errors
    /// When it cannot be committed; then it is still under way.
    pub async fn settle(&self, id: Uuid, attempt: Attempt, outcome: Outcome) -> Result<(), OutboxError> {
        let mut table = self.table.lock().await;
        let Some(delivery) = table.deliveries.get(&id).cloned() else { return Ok(()) };
        if delivery.state != State::Pending && outcome != Outcome::Delivered {
            return Ok(());
        }
        let now = self.env.now();
        let lane = table.lanes.get(&delivery.receiver);
        let behind = lane.and_then(|lane| lane.queue.behind(&delivery));
        let event = decide(&delivery, attempt, outcome, behind, &self.settings.retry, &self.env);
        let after = Arc::new(delivery.after(&event, now));
        let mut commit = Commit::new(now);
        let disabled = disabled(&event, outcome, now);
        if let Some(disabled) = &disabled {
            commit = store::with_disabled(commit, &delivery.receiver, disabled);
        }
        self.save(&mut table, commit, vec![(event, after)]).await?;
        if let Some(disabled) = disabled {
            table.disabled.insert(delivery.receiver.clone(), disabled);
            self.bury(&mut table, &delivery.receiver).await?;
        }
        Ok(())
    }

    /// Makes dead letters of what waits for receivers that cannot be reached. Open does it for what a crash left.
    pub(super) async fn bury_unreachable(&self) -> Result<(), OutboxError> {
        let mut table = self.table.lock().await;
        let receivers: Vec<_> = table.lanes.keys().cloned().collect();
        for receiver in receivers {
            self.bury(&mut table, &receiver).await?;
        }
        Ok(())
    }

    /// Makes dead letters of what waits for a receiver, when it cannot be reached.
    pub(super) async fn bury(
        &self,
        table: &mut MutexGuard<'_, Table>,
        receiver: &str,
    ) -> Result<(), OutboxError> {
        let Some(reason) = table.unreachable(receiver) else { return Ok(()) };
        let ids = table.lane(receiver).queue.ids();
        let event = Event::Dead { reason, attempt: None };
        for ids in ids.chunks(BURY) {
            let now = self.env.now();
            let dead = ids.iter().filter_map(|id| table.deliveries.get(id));
            let drafts = dead.map(|dead| (event.clone(), Arc::new(dead.after(&event, now)))).collect();
            self.save(table, Commit::new(now), drafts).await?;
        }
        Ok(())
    }
}

fn disabled(event: &Event, outcome: Outcome, since: Timestamp) -> Option<Disabled> {
    match (outcome, event) {
        (Outcome::Gone, Event::Dead { reason, .. }) => Some(Disabled { reason: reason.clone(), since }),
        _ => None,
    }
}

/// What an attempt's end means for the delivery; `behind`: what waits behind it about the same subject.
fn decide(
    delivery: &Delivery,
    attempt: Attempt,
    outcome: Outcome,
    behind: Option<(Class, Uuid)>,
    policy: &RetryPolicy,
    env: &Env,
) -> Event {
    // the newest state makes progress stale, whatever its class
    let stale = behind.filter(|_| delivery.is_progress());
    let urgent = behind.is_some_and(|(class, _)| class > delivery.message.class);
    let again = match (outcome, stale) {
        (Outcome::Delivered, _) => return Event::Delivered { attempt },
        (Outcome::Gone, _) => None,
        (Outcome::Failed | Outcome::Later(_), Some((_, by))) => {
            return Event::Coalesced { by, attempt: Some(attempt) };
        }
        (Outcome::Failed, None) => {
            let step = delivery.step.saturating_add(1);
            let delay = policy.delay(step).map(|delay| if urgent { delay.min(policy.urgent) } else { delay });
            delay.map(|delay| (step, env.jitter(delay, policy.jitter_percent)))
        }
        (Outcome::Later(wait), None) => {
            let fresh = env.since(delivery.since) < policy.max_age;
            fresh.then(|| (delivery.step, wait.min(policy.max_retry_after)))
        }
    };
    match again {
        Some((step, wait)) => {
            let next_attempt = env.now().checked_add(wait).unwrap_or(Timestamp::MAX);
            Event::AttemptFailed { attempt, step, next_attempt }
        }
        None => {
            let unknown = || Reason::new("FAILED", "the last attempt failed");
            Event::Dead { reason: attempt.failure.clone().unwrap_or_else(unknown), attempt: Some(attempt) }
        }
    }
}
