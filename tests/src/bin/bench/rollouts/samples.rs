//! A gateway that sends no request: it counts as if the targets that are judged were under load.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bellwether_clock::{Env, spawn};
use bellwether_proto::{
    executor::v1::Rollout,
    monitor::v1::{LatencyHistogram, PushSamplesRequest, Sample, SampleBatch},
};
use bellwether_resource::time;
use bellwether_tests::stack::Stack;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;

use super::{Kinds, kind};
use crate::on_fake;

/// Between two batches.
const EVERY: Duration = Duration::from_millis(200);
/// Requests to each target between two batches.
const REQUESTS: f64 = 1_000.0;
/// Of a bad version's requests, one in this many fails.
const ONE_IN: u64 = 5;

/// Pushes samples until it is dropped.
pub struct Gateway {
    targets: Arc<Mutex<BTreeMap<String, Counted>>>,
    task: JoinHandle<()>,
}

/// A target as the gateway knows it.
struct Counted {
    kind: Kinds,
    /// The fleets' shares in percent.
    shares: BTreeMap<String, f64>,
    stable: String,
    requests: BTreeMap<String, u64>,
}

// === impl Gateway ===

impl Gateway {
    /// Load on these targets, by number, all of it to these fleets.
    pub fn start(stack: &Stack, stable: Vec<(usize, String)>) -> Self {
        let counted =
            |(number, fleet): (usize, String)| (on_fake::name(number), Counted::new(kind(number), fleet));
        let targets = Arc::new(Mutex::new(stable.into_iter().map(counted).collect()));
        let (sender, receiver) = mpsc::channel(16);
        let (mut monitor, env, counting) = (stack.monitor(), stack.env(), targets.clone());
        let task = spawn("gateway", async move {
            tokio::select! {
                () = count(&env, &counting, sender) => {}
                ended = monitor.push_samples(ReceiverStream::new(receiver)) => eprintln!("pushing has ended: {ended:?}"),
            }
        });
        Self { targets, task }
    }

    /// Takes the split that the executor has read back.
    pub fn route(&self, rollout: &Rollout) {
        if let Some(target) = lock(&self.targets).get_mut(&rollout.target)
            && !rollout.split_observed.is_empty()
        {
            target.shares =
                rollout.split_observed.iter().map(|share| (share.fleet.clone(), share.percent)).collect();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Counted ===

impl Counted {
    fn new(kind: Kinds, stable: String) -> Self {
        let shares = BTreeMap::from([(stable.clone(), 100.0)]);
        Self { kind, shares, stable, requests: BTreeMap::new() }
    }

    /// Another interval's requests, and the counters after them.
    fn samples(&mut self, target: &str) -> Vec<Sample> {
        for (fleet, percent) in &self.shares {
            *self.requests.entry(fleet.clone()).or_default() += (REQUESTS * percent / 100.0) as u64;
        }
        let sample = |(fleet, requests): (&String, &u64)| {
            let bad = self.kind == Kinds::Bad && *fleet != self.stable;
            let errors = if bad { requests / ONE_IN } else { 0 };
            // all within one bucket around 20 ms
            let latency = LatencyHistogram { scale: 3, zero_count: 0, offset: 34, counts: vec![*requests] };
            Sample {
                target: target.to_owned(),
                fleet: fleet.clone(),
                instance: format!("{fleet}-1"),
                requests: *requests,
                errors,
                latency: Some(latency),
                ..Default::default()
            }
        };
        self.requests.iter().map(sample).collect()
    }
}

/// Sends a batch with every target, again and again.
async fn count(env: &Env, targets: &Mutex<BTreeMap<String, Counted>>, to: mpsc::Sender<PushSamplesRequest>) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        let samples = lock(targets).iter_mut().flat_map(|(name, target)| target.samples(name)).collect();
        let batch = SampleBatch {
            source: "gateway/bench".to_owned(),
            incarnation: "1".to_owned(),
            time: Some(time::to_timestamp(env.now())),
            samples,
            interval: Some(time::to_duration(EVERY)),
            readings: Vec::new(),
            sessions: Vec::new(),
        };
        if to.send(PushSamplesRequest { batch: Some(batch) }).await.is_err() {
            return;
        }
    }
}

fn lock(targets: &Mutex<BTreeMap<String, Counted>>) -> MutexGuard<'_, BTreeMap<String, Counted>> {
    targets.lock().unwrap_or_else(PoisonError::into_inner)
}
