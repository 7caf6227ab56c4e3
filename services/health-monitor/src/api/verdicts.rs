//! Verdicts out.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use bellwether_clock::spawn;
use bellwether_journal::ReadError;
use bellwether_proto::{
    common::v1::WatchHeartbeat,
    monitor::v1::{self as pb, stream_verdicts_response::Message},
};
use bellwether_resource::{Violations, name, time};
use bellwether_server::Shutdown;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status};

use super::{Api, missing};
use crate::{monitor::Monitor, running::Running};

/// Refreshes, or a sign of life.
const EVERY: Duration = Duration::from_millis(900);
/// Parts that the refreshes of many analyses are spread over the time in: a change must not wait behind all of them.
const PARTS: u32 = 90;
/// Analyses that are refreshed at once in any case.
const AT_ONCE: usize = 16;
/// What is sent ahead of a reader; beyond that his pace is ours.
const AHEAD: usize = 64;
const MOST_NAMED: usize = 1_000;

type Sent = Result<pb::StreamVerdictsResponse, Status>;

/// One reader.
struct Reader {
    monitor: Monitor,
    /// Empty: all.
    wanted: HashSet<String>,
    out: mpsc::Sender<Sent>,
    /// Changes up to here were sent.
    seen: i64,
    /// Changes that were sent out of order, with a snapshot.
    ahead: HashMap<String, i64>,
    round: Round,
}

/// What is still to be refreshed of everything that is active.
#[derive(Default)]
struct Round {
    due: std::vec::IntoIter<Arc<Running>>,
    part: usize,
    pause: Duration,
    /// Whether anything was sent.
    any: bool,
}

/// The reader is gone, or the stream has ended.
struct Gone;

// === impl Api ===

impl Api {
    pub(super) fn verdicts(
        &self,
        request: Request<pb::StreamVerdictsRequest>,
    ) -> Result<ReceiverStream<Sent>, Status> {
        let shutdown = Shutdown::of(request.extensions());
        let request = request.into_inner();
        let mut violations = Violations::new();
        let named = request.analyses.len();
        violations.check(named <= MOST_NAMED, "analyses", named, "at most 1000 names");
        for (index, analysis) in request.analyses.iter().take(MOST_NAMED).enumerate() {
            violations.name(&format!("analyses[{index}]"), analysis, name::ANALYSIS);
        }
        violations.range("after_sequence", request.after_sequence, 0..=i64::MAX);
        violations.finish()?;
        if let Some(unknown) = request.analyses.iter().find(|name| self.monitor.records.get(name).is_none()) {
            return Err(missing(unknown).into());
        }
        let (out, stream) = mpsc::channel(AHEAD);
        let wanted = request.analyses.into_iter().collect();
        let reader = Reader {
            monitor: self.monitor.clone(),
            wanted,
            out,
            seen: request.after_sequence,
            ahead: HashMap::new(),
            round: Round::default(),
        };
        spawn("verdicts", reader.run(shutdown));
        Ok(ReceiverStream::new(stream))
    }
}

// === impl Reader ===

impl Reader {
    async fn run(mut self, shutdown: Shutdown) {
        let out = self.out.clone();
        tokio::select! {
            _ = self.serve() => {}
            () = out.closed() => {}
            () = shutdown.triggered() => {
                // a reader so slow that there is no room just sees the end
                let _end = out.try_send(Err(Shutdown::status()));
            }
        }
    }

    async fn serve(&mut self) -> Result<(), Gone> {
        let mut positions = self.monitor.board.subscribe();
        let mut pause = pin!(tokio::time::sleep(Duration::ZERO));
        if self.seen == 0 || self.seen > *positions.borrow() {
            self.snapshot().await?;
        }
        loop {
            self.catch_up().await?;
            tokio::select! {
                changed = positions.changed() => changed.map_err(|_| Gone)?,
                () = pause.as_mut() => {
                    self.refresh().await?;
                    pause.set(tokio::time::sleep(self.round.pause));
                }
            }
        }
    }

    /// The newest change of each, and then everything after.
    async fn snapshot(&mut self) -> Result<(), Gone> {
        self.seen = *self.monitor.board.subscribe().borrow();
        let mut newest = self.monitor.board.newest();
        newest.sort_by_key(|verdict| verdict.sequence);
        for verdict in newest {
            if self.wants(&verdict.analysis) {
                if verdict.sequence > self.seen {
                    self.ahead.insert(verdict.analysis.clone(), verdict.sequence);
                }
                self.send(Message::Verdict(Arc::unwrap_or_clone(verdict))).await?;
            }
        }
        Ok(())
    }

    async fn catch_up(&mut self) -> Result<(), Gone> {
        while self.seen < *self.monitor.board.subscribe().borrow() {
            match self.monitor.board.since(self.seen).await {
                Ok((changes, through)) => {
                    for verdict in changes {
                        let sent =
                            self.ahead.get(&verdict.analysis).is_some_and(|sent| *sent >= verdict.sequence);
                        if !sent && self.wants(&verdict.analysis) {
                            self.send(Message::Verdict(Arc::unwrap_or_clone(verdict))).await?;
                        }
                    }
                    self.seen = through;
                }
                Err(ReadError::Trimmed { .. }) => self.snapshot().await?,
                Err(error) => {
                    tracing::error!(%error, "changes of decisions cannot be read");
                    let problem =
                        bellwether_resource::error::STORAGE_FAILED.because("the journal cannot be read");
                    _ = self.out.send(Err(problem.into())).await;
                    return Err(Gone);
                }
            }
        }
        self.ahead.retain(|_, sequence| *sequence > self.seen);
        Ok(())
    }

    /// The numbers as they are, of the next part of everything that is active; a sign of life where there is nothing.
    async fn refresh(&mut self) -> Result<(), Gone> {
        if self.round.due.as_slice().is_empty() {
            let mut active = self.monitor.registry.all();
            active.retain(|running| self.wants(&running.name));
            self.round = Round::of(active);
        }
        for _ in 0..self.round.part {
            let Some(running) = self.round.due.next() else { break };
            if let Some(verdict) = running.refresh(self.seen, self.monitor.now()) {
                self.round.any = true;
                self.send(Message::Verdict(Arc::unwrap_or_clone(verdict))).await?;
            }
        }
        if self.round.due.as_slice().is_empty() && !self.round.any {
            let time = Some(time::to_timestamp(self.monitor.now()));
            self.send(Message::Heartbeat(WatchHeartbeat { resume_token: self.seen.to_string(), time }))
                .await?;
        }
        Ok(())
    }

    fn wants(&self, analysis: &str) -> bool {
        self.wanted.is_empty() || self.wanted.contains(analysis)
    }

    async fn send(&self, message: Message) -> Result<(), Gone> {
        self.out.send(Ok(pb::StreamVerdictsResponse { message: Some(message) })).await.map_err(|_| Gone)
    }
}

// === impl Round ===

impl Round {
    fn of(active: Vec<Arc<Running>>) -> Self {
        let part = active.len().div_ceil(PARTS as usize).max(AT_ONCE);
        let parts = u32::try_from(active.len().div_ceil(part)).unwrap_or(PARTS).max(1);
        Self { due: active.into_iter(), part, pause: EVERY / parts, any: false }
    }
}
