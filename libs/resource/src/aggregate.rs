//! A kind of thing whose state is the fold of its events.

use std::{error::Error, fmt, sync::Arc};

use bellwether_clock::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

/// A kind of stream in the journal: how its events make its state.
pub trait Aggregate: Send + Sync + 'static {
    /// What the events add up to; the default is that of a stream without events. It is kept in snapshots as JSON:
    /// fields are only added, with a serde default.
    type State: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What happens; kept as JSON under the same rule.
    type Event: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Why an event cannot happen in a state.
    type Illegal: Error + Send + Sync + 'static;

    /// What the names of its streams begin with, e.g. `targets/`.
    const PREFIX: &'static str;

    /// The state after `event`. Total: what is illegal is an error, at commit and at replay.
    fn evolve(state: Self::State, event: &Self::Event, meta: &Meta) -> Result<Self::State, Self::Illegal>;

    /// The event's kind, as the journal shows it to people.
    fn kind(event: &Self::Event) -> &'static str;

    /// Whether everything in it has come to an end (it may begin anew): retention cuts only such streams.
    fn ended(state: &Self::State) -> bool;
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The stream's version with the event.
    pub version: u64,
    /// When it was decided.
    pub time: Timestamp,
}

/// The state of one stream at one version.
pub struct Entry<A: Aggregate> {
    /// The stream's name, which is the resource's.
    pub stream: Arc<str>,
    /// The number of events it is made of; 0: it does not exist.
    pub version: u64,
    /// The position of its last event in the journal.
    pub position: u64,
    /// When its first event was decided.
    pub create_time: Timestamp,
    /// When its last event was decided.
    pub update_time: Timestamp,
    /// What its events add up to.
    pub state: A::State,
}

// === impl Entry ===

impl<A: Aggregate> Entry<A> {
    /// A stream without events.
    pub fn empty(stream: Arc<str>) -> Self {
        let never = Timestamp::UNIX_EPOCH;
        let state = A::State::default();
        Self { stream, version: 0, position: 0, create_time: never, update_time: never, state }
    }

    /// Whether the stream has events.
    pub fn exists(&self) -> bool {
        self.version > 0
    }

    /// This and one more event.
    pub(crate) fn evolve(
        &self,
        event: &A::Event,
        time: Timestamp,
        position: u64,
    ) -> Result<Self, A::Illegal> {
        let meta = Meta { version: self.version + 1, time };
        Ok(Self {
            stream: self.stream.clone(),
            version: meta.version,
            position,
            create_time: if self.exists() { self.create_time } else { time },
            update_time: time,
            state: A::evolve(self.state.clone(), event, &meta)?,
        })
    }
}

impl<A: Aggregate> fmt::Debug for Entry<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("stream", &self.stream)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
