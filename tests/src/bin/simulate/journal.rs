//! A memory journal whose every commit is looked at: written to the trace, and checked against the invariants.

use std::sync::Arc;

use async_trait::async_trait;
use bellwether_journal::{Around, Commit, CommitError, Commits, Committed, Journal, MemoryJournal, Options};
use bellwether_rollout::{Event, RolloutId};
use bytes::Bytes;
use serde::Deserialize;

use crate::{trace::canonical, world::World};

/// An event that was committed.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) position: u64,
    pub(crate) stream: String,
    pub(crate) version: u64,
    pub(crate) kind: String,
    /// The rollout that it is about.
    pub(crate) rollout: Option<RolloutId>,
}

/// A fact of the executor, as far as the core knows it.
#[derive(Deserialize)]
pub(crate) struct Fact {
    pub(crate) event: Event,
}

/// What happens to the commits of one host during one life of it.
struct Watched {
    host: &'static str,
    world: World,
}

/// Takes the journal of a host up again.
pub(crate) fn open(world: &World, host: &'static str) -> Arc<dyn Journal> {
    let inner = MemoryJournal::open(world.disk(host), Options::new(world.env(host)));
    world.trace().line(host, format_args!("opens its journal, epoch {}", inner.epoch().number));
    Around::new(Arc::new(inner), Watched { host, world: world.clone() })
}

// === impl Watched ===

impl Watched {
    fn look(&self, commit: &Commit, committed: Committed) {
        let mut position = committed.position - committed.events;
        for part in &commit.parts {
            for (version, event) in (part.expected_version + 1..).zip(&part.events) {
                position += 1;
                let what = format!("{position} {} {} {}", part.stream, event.kind, canonical(&event.payload));
                self.world.trace().line(self.host, what);
                let fact = serde_json::from_slice::<Fact>(&event.payload).ok();
                let (stream, kind) = (part.stream.to_string(), event.kind.to_string());
                let rollout = fact.and_then(|fact| fact.event.rollout());
                let record = Record { position, stream, version, kind, rollout };
                self.world.ledger().entry(self.host).or_default().push(record);
            }
        }
        for put in &commit.puts {
            let bytes = put.value.as_ref().map_or(0, Bytes::len);
            self.world.trace().line(self.host, format_args!("{} := {bytes} bytes", put.key));
        }
        if self.host == World::EXECUTOR {
            self.world.rules().committed(commit);
        }
    }
}

#[async_trait]
impl Commits for Watched {
    async fn commit(&self, inner: &dyn Journal, commit: Commit) -> Result<Committed, CommitError> {
        let committed = inner.commit(commit.clone()).await?;
        self.look(&commit, committed);
        Ok(committed)
    }
}
