//! The one task that reads the feed for all watchers of a kind.

use std::{
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

use bellwether_journal::{EventRecord, Health, ReadError};
use tokio::sync::{oneshot, watch};

use super::told::Fact;
use crate::{
    Aggregate,
    store::{Inner, LoadError, decode_event, illegal},
};

const PAGE: usize = 256;

/// Before reading again what could not be read.
const AGAIN: Duration = Duration::from_millis(200);

/// Why following ends.
enum End {
    /// Nobody holds the store any more, or the journal is closed or lost.
    Over,
    /// The journal holds what this build cannot read.
    Unreadable(LoadError),
}

/// Tells watchers what the feed brings, until the store is dropped or the journal is lost.
pub(crate) async fn follow<A: Aggregate>(
    store: Weak<Inner<A>>,
    mut head: watch::Receiver<u64>,
    mut health: watch::Receiver<Health>,
    mut dropped: oneshot::Receiver<()>,
) {
    let end = loop {
        let step = match store.upgrade() {
            Some(store) => tell_page(&store).await,
            None => return,
        };
        match step {
            Ok(true) => {}
            Ok(false) => tokio::select! {
                changed = head.changed() => if changed.is_err() { break End::Over },
                _ = health.wait_for(|health| health.is_final()) => break End::Over,
                _ = &mut dropped => return,
            },
            Err(end) => break end,
        }
    };
    if let End::Unreadable(error) = end {
        tracing::error!(%error, prefix = A::PREFIX, "watchers cannot be told any more");
    }
    if let Some(store) = store.upgrade() {
        store.progress.send_modify(|progress| progress.over = true);
    }
}

/// Tells one page; whether there was anything to tell.
async fn tell_page<A: Aggregate>(store: &Arc<Inner<A>>) -> Result<bool, End> {
    let position = store.progress.borrow().position;
    let page = match store.journal.feed(position, PAGE).await {
        Ok(page) => page,
        Err(ReadError::Trimmed { .. }) => return Err(End::Over),
        Err(ReadError::Storage(_)) if store.journal.health().borrow().is_final() => return Err(End::Over),
        Err(error) => {
            tracing::warn!(%error, "the feed could not be read; trying again");
            tokio::time::sleep(AGAIN).await;
            return Ok(true);
        }
    };
    let Some(last) = page.last() else { return Ok(false) };
    let until = last.position;
    {
        let mut told = store.told.write().unwrap_or_else(PoisonError::into_inner);
        for record in page {
            if let Some(fact) = fact(store, record).map_err(End::Unreadable)? {
                told.push(fact);
            }
        }
        told.position = until;
    }
    store.progress.send_modify(|progress| progress.position = until);
    Ok(true)
}

/// What an event is for watchers of this kind; none when it is of another, or was told by the replay at start.
fn fact<A: Aggregate>(store: &Arc<Inner<A>>, record: EventRecord) -> Result<Option<Fact<A>>, LoadError> {
    if !record.stream.starts_with(A::PREFIX) {
        return Ok(None);
    }
    let event = decode_event::<A>(&record)?;
    let slot = crate::Store(store.clone()).slot(&record.stream);
    let entry = slot.publish(&record, &event).map_err(|error| illegal(&record, error))?;
    Ok(entry.map(|entry| Fact::new(record, event, entry)))
}
