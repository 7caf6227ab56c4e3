//! A state as the journal keeps it.

use bellwether_clock::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Aggregate, Entry};

/// The JSON form of an [`Entry`], without what the journal says itself.
#[derive(Serialize, Deserialize)]
struct Kept<S> {
    position: u64,
    create_time: Timestamp,
    update_time: Timestamp,
    state: S,
}

// === impl Entry ===

impl<A: Aggregate> Entry<A> {
    /// The snapshot's payload; for those who commit without a [`Store`](crate::Store).
    ///
    /// # Errors
    /// When the state has no JSON form.
    pub fn to_snapshot(&self) -> Result<Bytes, serde_json::Error> {
        encode(self)
    }
}

pub(super) fn encode<A: Aggregate>(entry: &Entry<A>) -> Result<Bytes, serde_json::Error> {
    let Entry { position, create_time, update_time, ref state, .. } = *entry;
    serde_json::to_vec(&Kept { position, create_time, update_time, state }).map(Bytes::from)
}

pub(super) fn decode<A: Aggregate>(
    snapshot: &bellwether_journal::Snapshot,
) -> Result<Entry<A>, serde_json::Error> {
    let Kept { position, create_time, update_time, state } = serde_json::from_slice(&snapshot.payload)?;
    let (stream, version) = (snapshot.stream.clone(), snapshot.version);
    Ok(Entry { stream, version, position, create_time, update_time, state })
}
