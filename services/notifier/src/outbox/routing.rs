//! Changing and reading the routing.

use std::sync::Arc;

use bellwether_clock::Timestamp;
use bellwether_journal::{Commit, NewEvent};
use bellwether_resource::Call;

use super::{
    Outbox, OutboxError,
    read::etag,
    store::{self, StoredRouting},
    table::{InForce, Table},
};
use crate::routing::Routing;

/// A routing with its place in time.
#[derive(Clone, Debug)]
pub struct Applied {
    /// It.
    pub routing: Arc<Routing>,
    /// Its etag.
    pub etag: String,
    /// How often one was applied; 0 for the default.
    pub version: u64,
    /// When the first was applied; none for the default.
    pub created: Option<Timestamp>,
    /// When this one was applied; none for the default.
    pub updated: Option<Timestamp>,
}

// === impl Outbox ===

impl Outbox {
    /// The routing in force.
    pub async fn routing(&self) -> Applied {
        Applied::from(&self.table.lock().await.routing)
    }

    /// Puts a routing in force, unless `call` has been answered before: enables its receivers, and makes dead letters
    /// of what waits for others. With `validate_only` it only checks the etag.
    ///
    /// # Errors
    /// When `expected` is given and not the etag of the one in force, or it cannot be committed.
    pub async fn apply_routing<A: prost::Message + Default>(
        &self,
        routing: Routing,
        expected: Option<&str>,
        validate_only: bool,
        call: &Call,
        answer: impl Fn(&Applied) -> A,
    ) -> Result<A, OutboxError> {
        let mut table = self.table.lock().await;
        if let Some(earlier) = call.earlier(self.journal().as_ref()).await? {
            return Ok(earlier);
        }
        let actual = Applied::from(&table.routing).etag;
        if expected.is_some_and(|expected| expected != actual) {
            return Err(OutboxError::Etag { actual });
        }
        let next = table.routing.followed_by(routing, self.env.now());
        let applied = Applied::from(&next);
        let answer = answer(&applied);
        if validate_only {
            return Ok(answer);
        }
        let mut commit = self.routing_commit(&table, &next);
        commit.request = call.record(&answer, next.updated);
        self.journal().commit(commit).await?;
        table.disabled.clear();
        table.routing = next;
        self.routing.send_replace(applied.routing);
        drop(table);
        self.bury_unreachable().await?;
        Ok(answer)
    }

    fn routing_commit(&self, table: &Table, next: &InForce) -> Commit {
        let event = NewEvent::new("ROUTING_APPLIED", store::encode(&next.stored()));
        let commit = Commit::new(next.updated)
            .append(store::ROUTING, table.routing.version, vec![event])
            .put(store::ROUTING, store::encode(&next.stored()));
        table.disabled.keys().fold(commit, |commit, name| store::without_disabled(commit, name))
    }
}

// === impl InForce ===

impl InForce {
    fn followed_by(&self, routing: Routing, now: Timestamp) -> Self {
        let created = if self.version == 0 { now } else { self.created };
        Self { compiled: Arc::new(routing), version: self.version + 1, created, updated: now }
    }

    fn stored(&self) -> StoredRouting {
        StoredRouting {
            routing: self.compiled.source.clone(),
            version: self.version,
            created: self.created,
            updated: self.updated,
        }
    }
}

// === impl Applied ===

impl From<&InForce> for Applied {
    fn from(in_force: &InForce) -> Self {
        let when = |time| (in_force.version > 0).then_some(time);
        Self {
            routing: in_force.compiled.clone(),
            etag: etag(store::ROUTING, in_force.version),
            version: in_force.version,
            created: when(in_force.created),
            updated: when(in_force.updated),
        }
    }
}
