//! The shell around the pure core: receive, decide, commit, perform.
//!
//! # Flow
//! Every input goes through [`Executor::submit`]: decided on the target's newest state, committed, published. Whatever
//! acts (time, converging, observing, hooks, analyses) follows the published state and takes no other input: after a
//! restart it does the same from the replayed one.
//!
//! # Guarantees
//! - Inputs of one target follow one another; nothing is performed that was not committed before.
//! - A journal that belongs to somebody else ends the process: nothing is performed after that was noticed.

pub(crate) mod archive;
mod commands;
mod decide;
mod inherited;
mod pulse;
mod seat;
mod seats;
mod stop;
mod tend;

use std::{sync::Arc, time::Duration};

use bellwether_clock::Env;
use bellwether_journal::{CommitError, Journal};
use bellwether_resource::{Call, Done, Store, TransactError};
use bellwether_rollout::{Input, Refusal};
use bellwether_server::{Shutdown, telemetry};
use prost::Message;

use crate::{
    drivers::Drivers,
    hooks::Hooks,
    metrics::ExecutorMetrics,
    monitor::{Link, Losses, MonitorSource, Refreshes},
    record::Note,
    targets::{TargetEntry, Targets},
};
use seats::Seats;

pub(crate) use commands::Ask;
pub(crate) use seat::State;
pub use stop::Stop;

/// Between two attempts to commit what nobody asked for.
const AGAIN: Duration = Duration::from_millis(200);

/// The running executor. Cheap to clone.
#[derive(Clone)]
pub struct Executor(Arc<Inner>);

struct Inner {
    store: Store<Targets>,
    seats: Seats,
    parts: Parts,
    link: Link,
    losses: Losses,
    refreshes: Refreshes,
    inherited: inherited::Inherited,
    metrics: ExecutorMetrics,
    stop: stop::Stopper,
}

/// What an executor is made of.
pub struct Parts {
    /// The platforms and routers that targets may name.
    pub drivers: Drivers,
    /// Where verdicts come from; none: rollouts that need them hold as MONITOR_LOST.
    pub monitor: Option<Arc<dyn MonitorSource>>,
    /// Calls to the outside.
    pub hooks: Hooks,
    /// The registry of `/metrics`.
    pub metrics: bellwether_server::Metrics,
    /// Fires when the process is to end; fired by the executor itself when it must stop.
    pub shutdown: Shutdown,
}

type Failure = TransactError<Refusal>;

// === impl Executor ===

impl Executor {
    /// An executor over a replayed journal; [`Executor::start`] sets it to work.
    pub fn new(store: Store<Targets>, parts: Parts) -> Self {
        let env = store.env().clone();
        let metrics = ExecutorMetrics::new(&parts.metrics);
        let stop = stop::Stopper::new(parts.shutdown.clone());
        Self(Arc::new(Inner {
            store,
            seats: Seats::default(),
            parts,
            link: Link::new(env.now()),
            losses: Losses::default(),
            refreshes: Refreshes::default(),
            inherited: inherited::Inherited::default(),
            metrics,
            stop,
        }))
    }

    /// Takes up every target where the journal left it, and follows the monitor. Within a Tokio runtime.
    pub fn start(&self) {
        stop::watch_journal(self);
        self.0.link.clone().start(self);
        let found = self.store().all();
        self.0.inherited.take(&found);
        for entry in found {
            self.publish(&entry);
        }
    }

    /// Commits what follows from an input, and answers from the state after it.
    ///
    /// `input` is made from the state that it is decided on; what it refuses with is the caller's own.
    ///
    /// # Errors
    /// [`TransactError`]; nothing is changed then.
    pub(crate) async fn submit<T, E>(
        &self,
        stream: &str,
        call: Call,
        input: impl FnOnce(&TargetEntry) -> Result<(Input, Note), E> + Send + 'static,
        answer: impl FnOnce(&TargetEntry) -> T + Send + 'static,
    ) -> Result<Done<Targets, T>, TransactError<E>>
    where
        T: Message + Default + 'static,
        E: From<Refusal> + Send + 'static,
    {
        let since = self.env().now();
        let executor = self.clone();
        let decide = move |entry: &TargetEntry, now| {
            let (input, note) = input(entry)?;
            let unobserved = executor.inherited().unobserved(entry);
            let numbers = executor.refreshes().with_numbers(&entry.state);
            let core = numbers.as_ref().unwrap_or(&entry.state.core);
            Ok(decide::facts(entry, core, unobserved, input, note, now)?.answer(answer))
        };
        let done = self.store().transact(stream, call, decide).await;
        match &done {
            Ok(done) => {
                self.0.metrics.committed(self.env().since(since));
                self.publish(&done.entry);
            }
            Err(error) => self.consider(error),
        }
        done
    }

    /// Commits what follows from an input that nobody waits for: again and again until it is in, or the process ends.
    pub(crate) async fn deliver(&self, state: &State, input: Input, note: Note) {
        let stream = state.borrow().stream.clone();
        while !self.0.stop.stopped() {
            let (next, with) = (input.clone(), note.clone());
            let made = move |_: &TargetEntry| Ok::<_, Refusal>((next, with));
            let done: Result<_, Failure> = self.submit(&stream, Call::internal(), made, |_| ()).await;
            match done {
                Ok(_) => return,
                Err(TransactError::Refused(refusal)) => {
                    tracing::error!(%refusal, %stream, "an input that cannot be refused was refused");
                    return;
                }
                Err(error @ (TransactError::Illegal(_) | TransactError::Encoding(_))) => {
                    tracing::error!(%error, source = source(&error), %stream, "a decision came to nothing");
                    return;
                }
                Err(_) => tokio::time::sleep(self.env().jitter(AGAIN, 50)).await,
            }
        }
    }

    /// Lets everybody who acts on a target see its state.
    fn publish(&self, entry: &Arc<TargetEntry>) {
        self.0.metrics.seen(entry);
        self.0.seats.publish(self, entry);
    }

    /// Makes a span part of the trace of the rollout that is at work.
    pub(crate) fn continue_trace(&self, span: &tracing::Span, entry: &TargetEntry) {
        let active = entry.state.core.active().and_then(|it| entry.state.rollout(it.id()));
        if let Some(trace) = active.and_then(|it| it.trace.as_deref()) {
            telemetry::continue_from(span, trace);
        }
    }

    /// Stops where the journal is somebody else's by now.
    fn consider<E>(&self, error: &TransactError<E>) {
        match error {
            TransactError::Commit(CommitError::Fenced { .. }) => self.0.stop.because(Stop::Fenced),
            TransactError::Commit(CommitError::Unknown(_) | CommitError::Failed) => {
                self.0.stop.because(Stop::JournalFailed);
            }
            _ => {}
        }
    }

    /// Why it has stopped by itself; none: it has not.
    pub fn stopped_because(&self) -> Option<Stop> {
        self.0.stop.reason()
    }

    pub(crate) fn store(&self) -> &Store<Targets> {
        &self.0.store
    }

    pub(crate) fn journal(&self) -> &Arc<dyn Journal> {
        self.0.store.journal()
    }

    pub(crate) fn env(&self) -> &Env {
        self.0.store.env()
    }

    pub(crate) fn drivers(&self) -> &Drivers {
        &self.0.parts.drivers
    }

    pub(crate) fn monitor(&self) -> Option<&Arc<dyn MonitorSource>> {
        self.0.parts.monitor.as_ref()
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.0.parts.hooks
    }

    pub(crate) fn link(&self) -> &Link {
        &self.0.link
    }

    pub(crate) fn losses(&self) -> &Losses {
        &self.0.losses
    }

    pub(crate) fn inherited(&self) -> &inherited::Inherited {
        &self.0.inherited
    }

    pub(crate) fn refreshes(&self) -> &Refreshes {
        &self.0.refreshes
    }

    pub(crate) fn metrics(&self) -> &ExecutorMetrics {
        &self.0.metrics
    }

    pub(crate) fn seats(&self) -> &Seats {
        &self.0.seats
    }

    pub(crate) fn stopper(&self) -> &stop::Stopper {
        &self.0.stop
    }

    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.0.parts.shutdown
    }
}

fn source(error: &dyn std::error::Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}
