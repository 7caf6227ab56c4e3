//! What all calls and the engine share.

use std::sync::Arc;

use bellwether_clock::{Env, Timestamp};
use bellwether_plan::{EnvironmentId, Release, conditions};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{
    Aggregate, Call, Decision, Done, Entry, Store, TransactError,
    error::{NOT_FOUND, Problem},
};
use prost::Message;
use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::{
    book::{Book, Releases, Stores},
    convert::release_message,
    executor::Executor,
    metadata::{metadata, release_etag},
    metrics::PlannerMetrics,
    monitor::Monitor,
};

/// What all calls and the engine share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Planner(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stores: Stores,
    executor: Executor,
    monitor: Monitor,
    metrics: PlannerMetrics,
    /// Held while something is decided on more than one stream: nobody else changes what it is decided on.
    turn: Mutex<()>,
    wake: Notify,
}

/// The right to decide, with everything that is known.
pub(crate) struct Turn<'a> {
    planner: &'a Planner,
    book: Arc<Book>,
    _guard: MutexGuard<'a, ()>,
}

// === impl Planner ===

impl Planner {
    pub(crate) fn new(stores: Stores, executor: Executor, monitor: Monitor, metrics: PlannerMetrics) -> Self {
        let (turn, wake) = (Mutex::new(()), Notify::new());
        Self(Arc::new(Inner { stores, executor, monitor, metrics, turn, wake }))
    }

    pub(crate) fn metrics(&self) -> &PlannerMetrics {
        &self.0.metrics
    }

    pub(crate) fn stores(&self) -> &Stores {
        &self.0.stores
    }

    pub(crate) fn executor(&self) -> &Executor {
        &self.0.executor
    }

    pub(crate) fn monitor(&self) -> &Monitor {
        &self.0.monitor
    }

    pub(crate) fn env(&self) -> &Env {
        self.0.stores.releases.env()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.env().now()
    }

    /// Waits for the right to decide.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        let guard = self.0.turn.lock().await;
        Turn { planner: self, book: Arc::new(self.0.stores.book()), _guard: guard }
    }

    /// Has the engine look again.
    pub(crate) fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Returns once somebody has called [`Planner::wake`] since the last time.
    pub(crate) async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// A release as callers see it now.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub(crate) fn release(&self, id: &str) -> Result<pb::Release, Problem> {
        let book = self.0.stores.book();
        let entry = book.releases.get(id).ok_or_else(|| no_release(id))?;
        Ok(release_view(&book, entry, self.now()))
    }
}

// === impl Turn ===

impl Turn<'_> {
    /// Everything that is known.
    pub(crate) fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Decides on one stream, commits, and has the engine look.
    pub(crate) async fn decide<A, T, E>(
        self,
        store: &Store<A>,
        stream: &str,
        call: Call,
        decide: impl FnOnce(&Entry<A>, &Arc<Book>, Timestamp) -> Result<Decision<A, T>, E> + Send + 'static,
    ) -> Result<Done<A, T>, TransactError<E>>
    where
        A: Aggregate,
        T: Message + Default + 'static,
        E: Send + 'static,
    {
        let book = self.book.clone();
        let done = store.transact(stream, call, move |entry, now| decide(entry, &book, now)).await;
        self.planner.wake();
        done
    }
}

/// A release as callers see it; what it waits for is looked at now.
pub(crate) fn release_view(book: &Book, entry: &Entry<Releases>, now: Timestamp) -> pb::Release {
    let Some(release) = &entry.state else { return pb::Release::default() };
    let labels = release.labels.clone().into_iter().collect();
    view(book, release, metadata(entry, release_etag(release), &release.team, labels), now)
}

/// A release that is in no journal.
pub(crate) fn unsaved_view(book: &Book, release: &Release, now: Timestamp) -> pb::Release {
    let mut message = view(book, release, bellwether_proto::common::v1::Metadata::default(), now);
    message.name.clear();
    message.allowed_actions.clear();
    message
}

fn view(
    book: &Book,
    release: &Release,
    metadata: bellwether_proto::common::v1::Metadata,
    now: Timestamp,
) -> pb::Release {
    let look =
        |environment: &EnvironmentId| conditions(book.situation(release, environment), environment, now);
    let vetoed = book.veto(release).is_some();
    release_message(release, metadata, vetoed, now, look)
}

/// There is no such release.
pub(crate) fn no_release(id: &str) -> Problem {
    NOT_FOUND.because(format!("there is no release {id:?}")).with("name", format!("releases/{id}"))
}
