//! Replay at start.

use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
};

use bellwether_clock::{Env, spawn};
use bellwether_journal::{EventRecord, Journal, StreamInfo};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::{oneshot, watch};

use super::{Inner, LoadError, Store, slot::Slot, snapshot};
use crate::{
    Aggregate, Entry,
    watch::{Progress, Told, follow},
};

const STREAMS: usize = 500;
const EVENTS: usize = 500;
/// How many streams are replayed at the same time.
const AT_ONCE: usize = 8;

// === impl Store ===

impl<A: Aggregate> Store<A> {
    /// Replays every stream of this kind.
    ///
    /// # Errors
    /// [`LoadError`]: a journal that this build cannot read or that contradicts itself is not served.
    pub async fn load(journal: Arc<dyn Journal>, env: Env) -> Result<Self, LoadError> {
        let (head, health) = (journal.head(), journal.health());
        let position = *head.borrow();
        let mut slots = BTreeMap::new();
        loop {
            let last = slots.last_key_value().map(|(name, _): (&Arc<str>, _)| name.clone());
            let page = journal.streams(A::PREFIX, last.as_deref(), STREAMS).await?;
            if page.is_empty() {
                break;
            }
            let replays = page.into_iter().map(|info| replay::<A>(&*journal, info));
            let replayed: Vec<_> = stream::iter(replays).buffer_unordered(AT_ONCE).try_collect().await?;
            slots.extend(replayed);
        }
        let (_dropped, dropped) = oneshot::channel();
        let inner = Arc::new(Inner {
            journal,
            env,
            slots: RwLock::new(slots),
            told: RwLock::new(Told::new(position)),
            progress: watch::Sender::new(Progress { position, over: false }),
            _dropped,
        });
        spawn("feed follower", follow(Arc::downgrade(&inner), head, health, dropped));
        Ok(Self(inner))
    }
}

type Replayed<A> = (Arc<str>, Arc<Slot<A>>);

async fn replay<A: Aggregate>(journal: &dyn Journal, info: StreamInfo) -> Result<Replayed<A>, LoadError> {
    let mut entry = begin(journal, &info).await?;
    let snapshot = entry.version;
    while entry.version < info.version {
        let page = journal.stream(&info.stream, entry.version, EVENTS).await?;
        if page.is_empty() {
            break;
        }
        for record in &page {
            entry = apply(&entry, record)?;
        }
    }
    Ok((info.stream, Arc::new(Slot::new(entry, snapshot))))
}

/// The state to begin with: the snapshot's, or none. A snapshot that cannot be read is no loss while the events
/// are all there.
async fn begin<A: Aggregate>(journal: &dyn Journal, info: &StreamInfo) -> Result<Entry<A>, LoadError> {
    let Some(snapshot) = journal.snapshot(&info.stream).await? else {
        return Ok(Entry::empty(info.stream.clone()));
    };
    match snapshot::decode(&snapshot) {
        Ok(entry) => Ok(entry),
        Err(error) if info.trimmed == 0 => {
            tracing::warn!(stream = %info.stream, %error, "the snapshot cannot be read; replaying all events");
            Ok(Entry::empty(info.stream.clone()))
        }
        Err(error) => Err(LoadError::Snapshot { stream: info.stream.to_string(), source: error.into() }),
    }
}

fn apply<A: Aggregate>(entry: &Entry<A>, record: &EventRecord) -> Result<Entry<A>, LoadError> {
    let event = decode_event::<A>(record)?;
    entry.evolve(&event, record.time, record.position).map_err(|error| illegal(record, error))
}

pub(crate) fn decode_event<A: Aggregate>(record: &EventRecord) -> Result<A::Event, LoadError> {
    serde_json::from_slice(&record.payload).map_err(|error| LoadError::Event {
        stream: record.stream.to_string(),
        version: record.version,
        source: error.into(),
    })
}

pub(crate) fn illegal(
    record: &EventRecord,
    error: impl std::error::Error + Send + Sync + 'static,
) -> LoadError {
    LoadError::Illegal { stream: record.stream.to_string(), version: record.version, source: error.into() }
}
