//! A monitor that says what the test tells it to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bellwether_executor::{MonitorSource, Sign};
use bellwether_proto::{common::v1::Reason, monitor::v1 as pb};
use futures::{StreamExt as _, stream::BoxStream};
use pb::Decision;
use tokio::sync::{broadcast, watch};
use tonic::Status;

/// Gives a decision to each new segment by itself, or what the test says. Clones share everything.
#[derive(Clone)]
pub struct Script(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    signs: broadcast::Sender<Sign>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    analyses: BTreeMap<String, pb::Analysis>,
    stopped: Vec<String>,
    /// The newest verdict of each analysis.
    verdicts: BTreeMap<String, pb::Verdict>,
    sequence: i64,
    /// What each new segment gets at once.
    auto: Option<Decision>,
    /// The same for what is asked about stable after a rollback.
    recovery: Option<Decision>,
    /// Every call fails, and streams end.
    down: bool,
}

// === impl Script ===

impl Script {
    /// One that gives `auto` to each new segment at once; none: nothing by itself. Stable is well after a rollback.
    pub fn new(auto: Option<Decision>) -> Self {
        let state = Mutex::new(State { auto, recovery: Some(Decision::Pass), ..State::default() });
        Self(Arc::new(Shared { state, signs: broadcast::Sender::new(1024), changed: watch::Sender::new(0) }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it can be reached.
    pub fn down(&self, down: bool) {
        self.lock().down = down;
        self.0.changed.send_modify(|version| *version += 1);
    }

    /// What is said at once about stable after a rollback; none: nothing.
    pub fn recovery(&self, decision: Option<Decision>) {
        self.lock().recovery = decision;
    }

    /// Gives a verdict with these checks on stable after a rollback, once it is asked for.
    pub async fn say_of_stable(&self, recovery: &str, decision: Decision, checks: Vec<pb::CheckResult>) {
        self.asked(recovery, 1).await;
        let mut verdict = self.lock().decide(recovery, 1, decision);
        verdict.checks = checks;
        self.repeat(verdict);
    }

    /// Gives a verdict on a rollout's present segment.
    pub fn say(&self, rollout: &str, decision: Decision) -> pb::Verdict {
        let verdict = {
            let mut state = self.lock();
            let name = rollout.replace("rollouts/", "analyses/");
            let segment = state.analyses[&name].segment.unwrap().index;
            state.decide(&name, segment, decision)
        };
        self.repeat(verdict.clone());
        verdict
    }

    /// Refreshes the numbers under the decision that was given last, which changes none.
    pub fn refresh(&self, given: &pb::Verdict, text: &str) {
        let reason = Reason { text: text.into(), ..given.reason.clone().unwrap_or_default() };
        self.repeat(pb::Verdict { sequence: 0, reason: Some(reason), ..given.clone() });
    }

    /// Sends a verdict as it is.
    pub fn repeat(&self, verdict: pb::Verdict) {
        let _ = self.0.signs.send(Sign::Verdict(Box::new(verdict)));
    }

    /// The analysis of a rollout, once it is in a segment.
    pub async fn segment(&self, rollout: &str, index: i32) -> pb::Analysis {
        self.asked(&rollout.replace("rollouts/", "analyses/"), index).await
    }

    /// An analysis, once it is in a segment.
    pub async fn asked(&self, name: &str, index: i32) -> pb::Analysis {
        let mut changed = self.0.changed.subscribe();
        let wait = async {
            loop {
                let analysis = self.lock().analyses.get(name).cloned();
                match analysis {
                    Some(analysis) if analysis.segment.unwrap().index >= index => return analysis,
                    _ => changed.changed().await.unwrap(),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the segment is entered")
    }

    /// The analyses that were stopped.
    pub fn stopped(&self) -> Vec<String> {
        self.lock().stopped.clone()
    }

    /// Waits until an analysis was stopped; false: it was not.
    pub async fn stopped_once(&self, name: &str) -> bool {
        let mut changed = self.0.changed.subscribe();
        let wait = async {
            while !self.stopped().iter().any(|it| it == name) {
                changed.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok()
    }

    fn up(&self) -> Result<(), Status> {
        if self.lock().down { Err(Status::unavailable("down")) } else { Ok(()) }
    }

    fn entered(&self, name: &str) {
        self.0.changed.send_modify(|version| *version += 1);
        let verdict = {
            let mut state = self.lock();
            let segment = state.analyses[name].segment.unwrap().index;
            let known = state.verdicts.get(name).is_some_and(|it| it.segment == segment);
            let auto = if name.contains(".recovery.") { state.recovery } else { state.auto };
            auto.filter(|_| !known).map(|auto| state.decide(name, segment, auto))
        };
        verdict.into_iter().for_each(|verdict| self.repeat(verdict));
    }
}

// === impl State ===

impl State {
    fn decide(&mut self, name: &str, segment: i32, decision: Decision) -> pb::Verdict {
        self.sequence += 1;
        let code = decision.as_str_name().trim_start_matches("DECISION_");
        let reason = Reason { code: code.into(), text: format!("the test says {code}"), ..Reason::default() };
        let verdict = pb::Verdict {
            analysis: name.into(),
            segment,
            sequence: self.sequence,
            decision: decision.into(),
            reason: Some(reason),
            ..pb::Verdict::default()
        };
        self.verdicts.insert(name.into(), verdict.clone());
        verdict
    }
}

#[async_trait]
impl MonitorSource for Script {
    async fn start(&self, analysis: pb::Analysis) -> Result<(), Status> {
        self.up()?;
        let name = analysis.name.clone();
        self.lock().analyses.insert(name.clone(), analysis);
        self.entered(&name);
        Ok(())
    }

    async fn update(&self, name: &str, segment: pb::Segment) -> Result<(), Status> {
        self.up()?;
        match self.lock().analyses.get_mut(name) {
            Some(analysis) => analysis.segment = Some(segment),
            None => return Err(Status::not_found("there is no such analysis")),
        }
        self.entered(name);
        Ok(())
    }

    async fn stop(&self, name: &str) -> Result<(), Status> {
        self.up()?;
        self.lock().stopped.push(name.into());
        self.0.changed.send_modify(|version| *version += 1);
        Ok(())
    }

    async fn verdicts(&self, sequence: i64) -> Result<BoxStream<'static, Result<Sign, Status>>, Status> {
        self.up()?;
        let (script, mut live) = (self.clone(), self.0.signs.subscribe());
        let mut changed = self.0.changed.subscribe();
        let newest: Vec<_> =
            self.lock().verdicts.values().filter(|it| it.sequence > sequence).cloned().collect();
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        bellwether_clock::spawn("script", async move {
            newest.into_iter().for_each(|verdict| drop(sender.send(Ok(Sign::Verdict(Box::new(verdict))))));
            loop {
                if script.up().is_err() {
                    return drop(sender.send(Err(Status::unavailable("down"))));
                }
                let sign = tokio::select! {
                    sign = live.recv() => sign.ok(),
                    _ = changed.changed() => None,
                    () = tokio::time::sleep(Duration::from_millis(200)) => Some(Sign::Alive),
                };
                if sign.is_some_and(|sign| sender.send(Ok(sign)).is_err()) {
                    return;
                }
            }
        });
        Ok(tokio_stream::wrappers::UnboundedReceiverStream::new(receiver).boxed())
    }
}
