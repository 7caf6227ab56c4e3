//! A monitor that says what the test tells it to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bellwether_executor::{MonitorSource, Sign};
use bellwether_proto::monitor::v1::{self as pb, Decision};
use futures::stream::{BoxStream, StreamExt as _};
use tokio::sync::watch;
use tonic::Status;

/// Gives the same decision to each segment. Stable alone, which is looked at after a rollback, is well unless told otherwise.
/// Clones share everything.
#[derive(Clone)]
pub struct Monitor(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

struct State {
    /// What segments get; none: nothing yet.
    decision: Option<Decision>,
    /// What stable gets after a rollback; none: nothing.
    recovery: Option<Decision>,
    segments: BTreeMap<String, i32>,
    said: Vec<pb::Verdict>,
}

// === impl Monitor ===

impl Monitor {
    pub fn new(decision: Option<Decision>) -> Self {
        let state =
            State { decision, recovery: Some(Decision::Pass), segments: BTreeMap::new(), said: Vec::new() };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: watch::Sender::new(0) }))
    }

    /// What segments get from now on, those that wait for one too.
    pub fn decide(&self, decision: Option<Decision>) {
        let mut state = self.lock();
        state.decision = decision;
        let waiting: Vec<_> = state.segments.iter().map(|(name, segment)| (name.clone(), *segment)).collect();
        waiting.into_iter().for_each(|(name, segment)| state.say(&name, segment));
        drop(state);
        self.0.changed.send_modify(|version| *version += 1);
    }

    /// Says nothing of stable alone, so that recoveries go on.
    pub fn keep_recovering(&self) {
        self.lock().recovery = None;
    }

    fn enter(&self, name: &str, segment: i32) {
        let mut state = self.lock();
        state.segments.insert(name.to_owned(), segment);
        state.say(name, segment);
        drop(state);
        self.0.changed.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The verdicts after a sequence.
    fn after(&self, sequence: i64) -> Vec<pb::Verdict> {
        self.lock().said.iter().filter(|verdict| verdict.sequence > sequence).cloned().collect()
    }
}

// === impl State ===

impl State {
    /// Says it, unless the segment has a decision.
    fn say(&mut self, name: &str, segment: i32) {
        let known = self.said.iter().any(|verdict| verdict.analysis == name && verdict.segment == segment);
        let decision = if name.contains(".recovery.") { self.recovery } else { self.decision };
        let Some(decision) = decision.filter(|_| !known) else { return };
        let code = decision.as_str_name().trim_start_matches("DECISION_").to_owned();
        let text = format!("the test says {code}");
        let reason = bellwether_proto::common::v1::Reason { code, text, ..Default::default() };
        self.said.push(pb::Verdict {
            analysis: name.to_owned(),
            segment,
            sequence: i64::try_from(self.said.len()).unwrap() + 1,
            decision: decision.into(),
            reason: Some(reason),
            ..pb::Verdict::default()
        });
    }
}

#[async_trait]
impl MonitorSource for Monitor {
    async fn start(&self, analysis: pb::Analysis) -> Result<(), Status> {
        self.enter(&analysis.name, analysis.segment.unwrap_or_default().index);
        Ok(())
    }

    async fn update(&self, name: &str, segment: pb::Segment) -> Result<(), Status> {
        self.enter(name, segment.index);
        Ok(())
    }

    async fn stop(&self, name: &str) -> Result<(), Status> {
        self.lock().segments.remove(name);
        Ok(())
    }

    async fn verdicts(&self, sequence: i64) -> Result<BoxStream<'static, Result<Sign, Status>>, Status> {
        let (monitor, changed) = (self.clone(), self.0.changed.subscribe());
        let ready = std::collections::VecDeque::new();
        let stream = futures::stream::unfold((monitor, changed, sequence, ready), next);
        Ok(stream.boxed())
    }
}

type Following = (Monitor, watch::Receiver<u64>, i64, std::collections::VecDeque<pb::Verdict>);

async fn next(following: Following) -> Option<(Result<Sign, Status>, Following)> {
    let (monitor, mut changed, mut sequence, mut ready) = following;
    changed.borrow_and_update();
    ready.extend(monitor.after(sequence));
    sequence = ready.back().map_or(sequence, |verdict: &pb::Verdict| verdict.sequence);
    if let Some(verdict) = ready.pop_front() {
        return Some((Ok(Sign::Verdict(Box::new(verdict))), (monitor, changed, sequence, ready)));
    }
    let _either = tokio::time::timeout(Duration::from_millis(200), changed.changed()).await;
    Some((Ok(Sign::Alive), (monitor, changed, sequence, ready)))
}
