//! The one stream of verdicts: opened anew for ever, watched for silence.

use std::{sync::Arc, time::Duration};

use bellwether_clock::{Timestamp, spawn};
use bellwether_proto::monitor::v1 as pb;
use futures::StreamExt as _;
use tokio::sync::watch;
use tonic::Status;

use super::source::{MonitorSource, Sign};
use crate::{
    convert::{self, Which},
    shell::Executor,
};

/// A stream that was silent for this long is lost.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);
/// Between two attempts to open it.
const REOPEN: Duration = Duration::from_millis(250);

/// Whether the stream is up. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Link(Arc<watch::Sender<Heard>>);

/// What was heard of the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Whether it is up: a sign came within the last 5 s.
    pub(crate) up: bool,
    /// When the last sign came; before the first one, when the process began.
    pub(crate) at: Timestamp,
}

// === impl Link ===

impl Link {
    /// Not heard of yet.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self(Arc::new(watch::channel(Heard { up: false, at: now }).0))
    }

    /// What was heard, and a wake-up when it is up or down.
    pub(crate) fn watch(&self) -> watch::Receiver<Heard> {
        self.0.subscribe()
    }

    /// When the last sign came.
    pub(crate) fn last_heard(&self) -> Timestamp {
        self.0.borrow().at
    }

    /// Follows the monitor until the process ends; without one nothing is ever heard.
    pub(crate) fn start(self, executor: &Executor) {
        let Some(source) = executor.monitor().cloned() else { return };
        let executor = executor.clone();
        spawn("verdicts", async move {
            let shutdown = executor.shutdown().clone();
            tokio::select! {
                () = self.follow(&executor, &*source) => {}
                () = shutdown.triggered() => {}
            }
        });
    }

    async fn follow(&self, executor: &Executor, source: &dyn MonitorSource) {
        let mut sequence = 0;
        loop {
            let ended = self.read(executor, source, &mut sequence).await;
            tracing::info!(reason = %ended, "the stream of verdicts ended");
            self.pause(executor).await;
        }
    }

    /// Waits before the stream is opened again, and tells that it is lost when it has been silent for too long.
    async fn pause(&self, executor: &Executor) {
        tokio::time::sleep(executor.env().jitter(REOPEN, 20)).await;
        if executor.env().since(self.last_heard()) >= SILENCE {
            self.down();
        }
    }

    /// Reads one stream to its end.
    async fn read(&self, executor: &Executor, source: &dyn MonitorSource, sequence: &mut i64) -> Status {
        let opened = tokio::time::timeout(SILENCE, source.verdicts(*sequence)).await;
        let mut stream = match opened {
            Ok(Ok(stream)) => stream,
            Ok(Err(status)) => return status,
            Err(_) => return Status::deadline_exceeded("the stream could not be opened in time"),
        };
        loop {
            match tokio::time::timeout(SILENCE, stream.next()).await {
                Ok(Some(Ok(sign))) => {
                    self.heard(executor.env().now());
                    self.take(executor, sign, sequence);
                }
                Ok(Some(Err(status))) => return status,
                Ok(None) => return Status::unavailable("the monitor has closed it"),
                Err(_) => {
                    self.down();
                    return Status::deadline_exceeded("it was silent for 5 s");
                }
            }
        }
    }

    fn take(&self, executor: &Executor, sign: Sign, sequence: &mut i64) {
        let Sign::Verdict(verdict) = sign else { return };
        *sequence = (*sequence).max(verdict.sequence);
        executor.metrics().verdict(verdict.decision());
        dispatch(executor, verdict);
    }

    fn heard(&self, now: Timestamp) {
        self.0.send_if_modified(|heard| {
            let came_up = !heard.up;
            *heard = Heard { up: true, at: now };
            came_up
        });
    }

    fn down(&self) {
        self.0.send_if_modified(|heard| std::mem::replace(&mut heard.up, false));
    }
}

/// A change of decision goes to its target; a refresh of one says nothing new to the core, and is shown. What is said of a
/// recovery all goes to the target: its items are what is shown of it.
fn dispatch(executor: &Executor, verdict: Box<pb::Verdict>) {
    let Some((rollout, which)) = convert::analysis_of(&verdict.analysis) else { return };
    let of_recovery = matches!(which, Which::Recovery(_));
    if !of_recovery {
        executor.refreshes().take(rollout, &verdict);
    }
    if of_recovery || verdict.sequence > 0 {
        executor.seats().judge(rollout, verdict);
    }
}
