//! Whoever waits for verdicts, as the executor does: of all analyses, changes and refreshes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bellwether_clock::{Env, Timestamp, spawn};
use bellwether_proto::monitor::v1::{
    Decision, StreamVerdictsRequest, Verdict, stream_verdicts_response::Message,
};
use tokio::{sync::mpsc, task::JoinHandle};

use super::process::Monitor;

/// Hears until it is dropped.
pub struct Hearing {
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    /// When the sample that must make an analysis fail was handed over.
    sent: HashMap<String, Timestamp>,
    /// From there to its verdict, in milliseconds.
    took: Vec<f64>,
    verdicts: u64,
    failed: u64,
}

// === impl Hearing ===

impl Hearing {
    /// Of all analyses; `fallen` is told of each that fails.
    ///
    /// # Errors
    /// What the monitor says.
    pub async fn start(
        monitor: &Monitor,
        env: Env,
        fallen: mpsc::UnboundedSender<String>,
    ) -> anyhow::Result<Self> {
        let mut stream =
            monitor.client()?.stream_verdicts(StreamVerdictsRequest::default()).await?.into_inner();
        let heard = Arc::new(Mutex::<Heard>::default());
        let hearing = heard.clone();
        let task = spawn("hearing", async move {
            loop {
                match stream.message().await {
                    Ok(Some(response)) => {
                        if let Some(Message::Verdict(verdict)) = response.message
                            && lock(&hearing).note(&verdict, env.now())
                        {
                            // nobody may want to know
                            let _ = fallen.send(verdict.analysis);
                        }
                    }
                    end => return eprintln!("verdicts have ended: {end:?}"),
                }
            }
        });
        Ok(Self { heard, task })
    }

    /// The sample that makes this one fail is about to be handed over.
    pub fn falls(&self, analysis: &str, now: Timestamp) {
        lock(&self.heard).sent.insert(analysis.to_owned(), now);
    }

    /// From sample to verdict, in milliseconds.
    pub fn took(&self) -> Vec<f64> {
        lock(&self.heard).took.clone()
    }

    /// Verdicts that were heard, changes and refreshes.
    pub fn verdicts(&self) -> u64 {
        lock(&self.heard).verdicts
    }

    /// Those that said FAIL without having been made to.
    pub fn failed(&self) -> u64 {
        lock(&self.heard).failed
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Heard ===

impl Heard {
    /// Whether it is one that fell.
    fn note(&mut self, verdict: &Verdict, now: Timestamp) -> bool {
        self.verdicts += 1;
        if verdict.decision() != Decision::Fail || verdict.sequence == 0 {
            return false;
        }
        match self.sent.remove(&verdict.analysis) {
            Some(sent) => self.took.push(now.duration_since(sent).as_secs_f64() * 1_000.0),
            None => self.failed += 1,
        }
        true
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
