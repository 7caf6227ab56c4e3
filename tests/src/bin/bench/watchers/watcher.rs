//! Those who watch.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use bellwether_client::{Transport, WatchMessage, WatchStep};
use bellwether_clock::{Env, spawn};
use bellwether_proto::executor::v1::{
    WatchRolloutsRequest, WatchTargetsRequest, executor_service_client::ExecutorServiceClient,
};
use bellwether_resource::time;
use tokio::task::JoinHandle;
use tonic::{Response, Status, Streaming};

use crate::stats::millis;

/// All of them; they end when they are dropped.
pub struct Watchers {
    rollouts: Vec<Watcher>,
    targets: Vec<Watcher>,
    heard: Arc<Heard>,
}

struct Watcher {
    /// The newest version that it has heard of.
    version: Arc<AtomicI64>,
    task: JoinHandle<()>,
}

/// What all have heard together.
struct Heard {
    env: Env,
    current: AtomicUsize,
    /// In milliseconds.
    took: Mutex<Vec<f64>>,
}

// === impl Watchers ===

impl Watchers {
    /// None yet.
    pub fn new(env: Env) -> Self {
        let heard = Heard { env, current: AtomicUsize::new(0), took: Mutex::default() };
        Self { rollouts: Vec::new(), targets: Vec::new(), heard: Arc::new(heard) }
    }

    /// One more of all rollouts.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn of_rollouts(&mut self, transport: Transport) -> anyhow::Result<()> {
        let mut client = ExecutorServiceClient::new(transport);
        let opened = client.watch_rollouts(WatchRolloutsRequest::default()).await?;
        self.rollouts.push(Watcher::start(opened, self.heard.clone()));
        Ok(())
    }

    /// One more of all targets.
    ///
    /// # Errors
    /// What the executor says.
    pub async fn of_targets(&mut self, transport: Transport) -> anyhow::Result<()> {
        let mut client = ExecutorServiceClient::new(transport);
        let opened = client.watch_targets(WatchTargetsRequest::default()).await?;
        self.targets.push(Watcher::start(opened, self.heard.clone()));
        Ok(())
    }

    /// How many have their snapshot.
    pub fn current(&self) -> usize {
        self.heard.current.load(Ordering::Relaxed)
    }

    /// Whether every one has heard of these versions of the rollout and of the target.
    pub fn all_have(&self, rollout: i64, target: i64) -> bool {
        let have = |watchers: &[Watcher], version: i64| {
            watchers.iter().all(|it| it.version.load(Ordering::Relaxed) >= version)
        };
        have(&self.rollouts, rollout) && have(&self.targets, target)
    }

    /// What was measured so far does not count.
    pub fn forget(&self) {
        self.heard.took.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What every message took, in milliseconds.
    pub fn took(&self) -> Vec<f64> {
        self.heard.took.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

// === impl Watcher ===

impl Watcher {
    fn start<M: WatchMessage + Send + 'static>(opened: Response<Streaming<M>>, heard: Arc<Heard>) -> Self {
        let version = Arc::new(AtomicI64::new(0));
        let (mut stream, newest) = (opened.into_inner(), version.clone());
        let task = spawn("watcher", async move {
            while let Some(message) = next(stream.message()).await {
                match message.into_step() {
                    Some(WatchStep::Current(_)) => {
                        heard.current.fetch_add(1, Ordering::Relaxed);
                    }
                    Some(WatchStep::Changed(change, _)) => {
                        heard.note(change.time.as_ref());
                        newest.fetch_max(change.version, Ordering::Relaxed);
                    }
                    Some(
                        WatchStep::Snapshot(_)
                        | WatchStep::Deleted(..)
                        | WatchStep::Heartbeat(_)
                        | WatchStep::Reset(_),
                    )
                    | None => {}
                }
            }
        });
        Self { version, task }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// None at the end, whatever that is: a watcher that has ended hears no more, and that is noticed.
async fn next<M>(message: impl Future<Output = Result<Option<M>, Status>>) -> Option<M> {
    message.await.inspect_err(|status| eprintln!("a watch has ended: {status}")).ok().flatten()
}

// === impl Heard ===

impl Heard {
    fn note(&self, time: Option<&bellwether_proto::Timestamp>) {
        if let Some(time) = time.and_then(time::timestamp) {
            let took = millis(self.env.since(time));
            self.took.lock().unwrap_or_else(PoisonError::into_inner).push(took);
        }
    }
}
