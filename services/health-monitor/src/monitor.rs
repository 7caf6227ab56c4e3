//! The engine: samples reach the analyses, changed decisions reach the journal.

use std::{collections::BTreeMap, sync::Arc};

use bellwether_clock::{Env, Timestamp, spawn};
use bellwether_judge::{Batch, History, Panel, Segment, Settings, kayenta};
use bellwether_policy::sources::{self as policy_sources, Signals, SourceSet};
use bellwether_proto::{common::v1::Reason, monitor::v1 as pb};
use bellwether_resource::{Call, Decision, TransactError, Violations, error::Problem};
use bellwether_server::telemetry;
use tracing::{Instrument as _, info_span};

use crate::{
    board::{Board, signed},
    convert::{self, Delivery, Told},
    evidence::{self, Evidence, EvidenceError, Kind, Put},
    histories::{Fleet, Histories},
    metrics::MonitorMetrics,
    probes::{self, Probes},
    record::{Ending, Event, Record, Records},
    recording::Recorder,
    registry::Registry,
    running::{Proposal, Running},
    sources::{Declared, Pushed, Surroundings, feed, otlp::Otlp},
};

/// Everything that the calls and the background tasks share. Cheap to clone.
#[derive(Clone)]
pub struct Monitor(Arc<Shared>);

/// See [`Monitor`].
pub struct Shared {
    /// The analyses as the journal has them.
    pub records: Records,
    /// The active ones, at work.
    pub registry: Registry,
    /// Changes of decisions, in order.
    pub board: Board,
    /// What fleets did lately.
    pub histories: Histories,
    /// What was counted, second by second.
    pub recorder: Recorder,
    /// Counters.
    pub metrics: MonitorMetrics,
    /// What is there for sources.
    pub surroundings: Surroundings,
    /// What was exported to it.
    pub otlp: Otlp,
    /// What targets' policies declare.
    pub declared: Declared,
    /// Whose samples are pushed.
    pub pushed: Pushed,
    /// What it tries itself.
    pub probes: Probes,
    evidence: Evidence,
    env: Env,
}

impl std::ops::Deref for Monitor {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What an analysis' definition says, read.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The judge's settings.
    pub settings: Settings,
    /// The first, or present, segment.
    pub segment: Segment,
    /// Where the numbers come from.
    pub sources: SourceSet,
    /// Kayenta's judge, where it takes part.
    pub kayenta: Option<kayenta::Spec>,
}

// === impl Monitor ===

impl Monitor {
    /// With what the journal has; nothing runs yet.
    pub fn new(
        records: Records,
        evidence: Evidence,
        metrics: MonitorMetrics,
        surroundings: Surroundings,
        recorder: Recorder,
        probes: Probes,
    ) -> Self {
        let (env, board) = (records.env().clone(), Board::new(records.journal().clone()));
        let (registry, histories, otlp) = (Registry::default(), Histories::default(), Otlp::default());
        Self(Arc::new(Shared {
            records,
            registry,
            board,
            histories,
            metrics,
            surroundings,
            otlp,
            declared: Declared::default(),
            pushed: Pushed::default(),
            probes,
            recorder,
            evidence,
            env,
        }))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// Hands batches to the analyses of their targets and remembers them for later ones.
    pub fn ingest(&self, deliveries: &BTreeMap<String, Delivery>) {
        let now = self.now();
        for (target, Delivery { batch, readings, sessions }) in deliveries {
            self.read(target, readings);
            // before the samples: what they decide ends the analysis that these count for
            if !sessions.is_empty() {
                self.count_sessions(target, sessions);
            }
            if batch.samples.is_empty() {
                continue;
            }
            self.metrics.samples.inc_by(batch.samples.len() as u64);
            for running in self.registry.of_target(target) {
                match running.sources.of_push(&batch.source) {
                    Some(Signals::ALL) => self.give(running, batch, now),
                    Some(signals) => self.give(running, &signals.of(batch), now),
                    None => {}
                }
            }
            self.pushed.note(target, Signals::told_by(batch), now);
            self.histories.observe(target, batch, now);
            self.recorder.observe(target, batch, now);
        }
    }

    /// Counts sessions for the analyses of their fleets.
    fn count_sessions(&self, target: &str, sketches: &[pb::SessionSketch]) {
        for running in self.registry.of_target(target) {
            let first = self.records.get(&running.name).map_or(0, |record| record.state.first_revision);
            let counts = |sketch: &&pb::SessionSketch| {
                let within = sketch.route_revision == 0 || sketch.route_revision >= first;
                sketch.fleet == running.candidate && within
            };
            self.recorder.sessions().count(&running.name, sketches.iter().filter(counts));
        }
    }

    /// Hands a batch to an analysis.
    pub fn give(&self, running: Arc<Running>, batch: &Batch, now: Timestamp) {
        if running.ingest(batch, now) {
            self.settle(running);
        }
    }

    /// Commits a changed decision, beside whatever brought it.
    pub fn settle(&self, running: Arc<Running>) {
        let monitor = self.clone();
        spawn("settle", async move { monitor.settled(&running).await });
    }

    /// Commits a changed decision; returns when there is nothing left to commit. What cannot be committed now is
    /// tried again with the next sample or second.
    pub async fn settled(&self, running: &Running) {
        let _one_after_the_other = running.deciding.lock().await;
        while let Some(proposal) = running.proposal(self.now()) {
            let stance = proposal.stance;
            match self.commit(running, proposal).await {
                Ok(sequence) => {
                    running.committed(stance, sequence, self.now());
                    if stance.is_fail() {
                        self.registry.remove(&running.name);
                        return;
                    }
                }
                Err(TransactError::Refused(Ended)) => return self.registry.remove(&running.name),
                Err(error) => {
                    tracing::warn!(analysis = %running.name, error = &error as &dyn std::error::Error, "a decision waits");
                    return;
                }
            }
        }
    }

    async fn commit(&self, running: &Running, proposal: Proposal) -> Result<i64, TransactError<Ended>> {
        let Proposal { stance, verdict } = proposal;
        self.metrics.decided(&verdict);
        let span = self.span(running, &verdict);
        let done = self.records.transact(&running.name, Call::internal(), move |entry, _| {
            if !entry.state.is_active() {
                return Err(Ended);
            }
            Ok(Decision::new(vec![Event::Decided { verdict }]).urgent(stance.is_fail()))
        });
        Ok(signed(done.instrument(span).await?.entry.position))
    }

    /// Of a decision, in the trace of what began the analysis.
    fn span(&self, running: &Running, verdict: &pb::Verdict) -> tracing::Span {
        let decision = verdict.decision().as_str_name();
        let span = info_span!("decide", analysis = %running.name, decision, segment = verdict.segment);
        let record = self.records.get(&running.name);
        if let Some(trace) = record.as_ref().and_then(|record| record.state.trace.as_deref()) {
            telemetry::continue_from(&span, trace);
        }
        span
    }

    /// Puts an analysis to work, with the evidence that was kept of it and what was last decided.
    ///
    /// # Errors
    /// Its definition cannot be read: a newer build wrote it.
    pub fn run(
        &self,
        record: &Record,
        kept: Option<&[u8]>,
        decided: Option<&pb::Verdict>,
    ) -> Result<Arc<Running>, Problem> {
        let now = self.now();
        let Some(analysis) = &record.state.analysis else {
            return Err(bellwether_resource::error::NOT_FOUND.because("the analysis has no definition"));
        };
        let Definition { settings, segment, sources, kayenta } = define(analysis)?;
        let kept = kept.and_then(|bytes| {
            evidence::unpack::<Panel>(bytes)
                .inspect_err(
                    |error| tracing::warn!(%error, analysis = %record.stream, "evidence begins anew"),
                )
                .ok()
        });
        let mut judge = kept.unwrap_or_else(|| {
            let history = History::clone(&record.state.history);
            let (candidate, baseline) = (analysis.candidate_fleet.clone(), analysis.baseline_fleet.clone());
            Panel::new(settings, kayenta, candidate, baseline, history, segment, now)
        });
        let passed = record.state.verdict.as_ref().is_some_and(|verdict| {
            verdict.decision() == pb::Decision::Pass && verdict.segment == segment.index
        });
        judge.resume(segment, passed, now);
        self.declare(&analysis.target, judge.settings(), &sources);
        let target = analysis.target.as_str().into();
        let running = Running::new(
            record.stream.clone(),
            target,
            (analysis.candidate_fleet.clone(), analysis.baseline_fleet.clone()),
            sources,
            judge,
            now,
        );
        // before anything can be decided anew
        if let Some(verdict) = decided {
            running.recall(verdict, verdict.sequence);
        }
        let new = Arc::new(running);
        let running = self.enlist(new.clone());
        if Arc::ptr_eq(&new, &running) {
            feed::ask(self, &running);
        }
        Ok(running)
    }

    /// Puts everything back to work that was at work before a restart.
    ///
    /// # Errors
    /// The journal or the evidence cannot be read.
    pub async fn resume(&self) -> anyhow::Result<()> {
        let now = self.now();
        for (key, value) in self.evidence.all(Kind::History).await? {
            match evidence::unpack::<Fleet>(&value) {
                Ok(fleet) => self.histories.restore(key, fleet),
                Err(error) => tracing::warn!(%error, key, "a history begins anew"),
            }
        }
        let kept: BTreeMap<_, _> = self.evidence.all(Kind::Analysis).await?.into_iter().collect();
        let is_active = |name: &String| self.records.get(name).is_some_and(|record| record.state.is_active());
        let ended = kept.keys().filter(|name| !is_active(name));
        let forget = |name: &String| Put { kind: Kind::Analysis, key: name.clone(), value: None };
        self.evidence.put(ended.map(forget).collect()).await?;
        let mut records = self.records.all();
        // the newest policy of a target is the last one that declares
        records.sort_by_key(|record| record.position);
        for record in records {
            let verdict = self.newest_decision(&record).await?;
            if let Some(verdict) = &verdict {
                self.board.recall(Arc::new(verdict.clone()));
            }
            if !record.state.is_active() {
                if let Some(analysis) = &record.state.analysis
                    && let Ok(Definition { settings, sources, .. }) = define(analysis)
                {
                    self.declare(&analysis.target, &settings, &sources);
                }
                continue;
            }
            let kept = kept.get(&*record.stream).map(Vec::as_slice);
            let running = self.run(&record, kept, verdict.as_ref())?;
            for told in self.told_of(&running).await? {
                running.tell(warning(&told), told.critical, now);
            }
            if running.assess(now) {
                self.settled(&running).await;
            }
        }
        Ok(())
    }

    /// The newest decision with its sequence, which is known to the journal alone.
    async fn newest_decision(&self, record: &Record) -> anyhow::Result<Option<pb::Verdict>> {
        let Some(verdict) = &record.state.verdict else { return Ok(None) };
        let before = record.state.verdict_version.saturating_sub(1);
        let events = match self.records.journal().stream(&record.stream, before, 1).await {
            Ok(events) => events,
            // retention took it; its sequence no longer matters to anybody who follows
            Err(bellwether_journal::ReadError::Trimmed { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let decided = events.first().and_then(crate::board::decided);
        Ok(Some(decided.unwrap_or_else(|| pb::Verdict { sequence: 1, ..*verdict.clone() })))
    }

    /// Once a second: time passes for everyone, and those that nobody wants any more expire.
    pub async fn tick(&self) {
        let now = self.now();
        self.hear(now);
        let active = self.registry.all();
        self.metrics.active.set(i64::try_from(active.len()).unwrap_or(i64::MAX));
        for running in active {
            if now.duration_since(running.wanted()).unsigned_abs() >= EXPIRES_AFTER {
                self.end(&running.name, Event::Expired).await;
            } else if running.assess(now) {
                self.settle(running);
            }
        }
    }

    async fn end(&self, name: &str, event: Event) {
        let done = self.records.transact(name, Call::internal(), move |entry, _| {
            let events = if entry.state.is_active() { vec![event] } else { vec![] };
            Ok::<_, Ended>(Decision::new(events))
        });
        match done.await {
            Ok(_) => self.registry.remove(name),
            Err(error) => {
                tracing::warn!(
                    analysis = name,
                    error = &error as &dyn std::error::Error,
                    "an analysis does not expire"
                );
            }
        }
    }

    /// Keeps what changed since the last time.
    ///
    /// # Errors
    /// The file cannot be written; the next call tries again with what is new then.
    pub async fn save(&self, histories: bool) -> Result<(), EvidenceError> {
        let put = |kind, key: &str, value| Put { kind, key: key.to_owned(), value };
        let gone = self.registry.gone();
        let mut rows: Vec<Put> = gone.iter().map(|name| put(Kind::Analysis, name, None)).collect();
        for running in self.registry.all() {
            rows.extend(running.unsaved().map(|value| put(Kind::Analysis, &running.name, Some(value))));
            self.put_many(&mut rows).await?;
        }
        if histories {
            let (changed, forgotten) = self.histories.changed(self.now());
            rows.extend(forgotten.iter().map(|key| put(Kind::History, key, None)));
            for key in changed {
                rows.extend(self.histories.row(&key).map(|value| put(Kind::History, &key, Some(value))));
                self.put_many(&mut rows).await?;
            }
        }
        self.evidence.put(rows).await
    }

    /// Writes rows when they are many: all together may take more memory than what they are of.
    async fn put_many(&self, rows: &mut Vec<Put>) -> Result<(), EvidenceError> {
        // making a thousand of them must not hold up a verdict
        tokio::task::yield_now().await;
        if rows.len() < AT_ONCE { Ok(()) } else { self.evidence.put(std::mem::take(rows)).await }
    }

    /// Keeps everything and closes the files.
    pub async fn close(&self) {
        self.probes.stop();
        if let Err(error) = self.save(true).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the last evidence is not kept");
        }
        self.evidence.close().await;
        self.recorder.close(self.now()).await;
        self.records.journal().close().await;
    }

    /// Events that were told of an analysis' candidate. Whoever may tell of one target may not name another's fleet.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn told_of(&self, running: &Running) -> Result<Vec<Told>, bellwether_journal::ReadError> {
        let prefix = told_key(&running.target, &running.candidate, "");
        let found = self.records.journal().scan(&prefix, None, 1_000).await?;
        let read = |(_, value): (String, bytes::Bytes)| {
            let event = serde_json::from_slice::<pb::HealthEvent>(&value).ok()?;
            Some(convert::event(&mut Violations::new(), &event, self.now()))
        };
        let concerns = |told: &Told| told.fleet == running.candidate && told.target == running.target;
        Ok(found.into_iter().filter_map(read).filter(concerns).collect())
    }
}

/// Rows of evidence that are written at a time.
const AT_ONCE: usize = 128;
/// An analysis without subscriber or update for this long ends by itself.
const EXPIRES_AFTER: std::time::Duration = std::time::Duration::from_secs(3600);

/// The analysis has ended.
#[derive(Debug, thiserror::Error)]
#[error("the analysis has ended")]
pub struct Ended;

/// What an analysis' definition says.
///
/// # Errors
/// `INVALID_FIELDS` with every violation.
pub fn define(analysis: &pb::Analysis) -> Result<Definition, Problem> {
    let mut violations = Violations::new();
    let definition = read(&mut violations, analysis);
    violations.finish().map(|()| definition)
}

/// What an analysis' definition says, with violations noted. Of use only when there are none.
pub fn read(violations: &mut Violations, analysis: &pb::Analysis) -> Definition {
    let empty = pb::HealthPolicy::default();
    let policy = analysis.policy.as_ref().unwrap_or(&empty);
    let names = policy_sources::Names::of(analysis);
    let (settings, sources, kayenta) = violations.within("policy", |violations| {
        let settings = convert::settings(violations, policy);
        let sources = policy_sources::read(violations, policy, &names);
        (settings, sources, bellwether_policy::kayenta::read(violations, policy))
    });
    let horizon = convert::horizon(violations, analysis);
    let segment = violations.required("segment", analysis.segment.as_ref()).copied().unwrap_or_default();
    let segment = violations.within("segment", |violations| convert::segment(violations, &segment));
    let has_baseline = !analysis.baseline_fleet.is_empty();
    let one_sided = analysis.one_sided_planned || !has_baseline;
    let settings = Settings {
        horizon,
        has_baseline,
        one_sided,
        compares_nowhere: analysis.only_one_sided_planned,
        coming: sources.coming(),
        ..settings
    };
    let settings = probes::with_check(settings, analysis.probes.as_ref());
    Definition { settings, segment, sources, kayenta }
}

/// The key under which an event is kept, so that it is one event however often it is told.
pub fn told_key(target: &str, fleet: &str, id: &str) -> String {
    format!("health-event/{target}/{fleet}/{id}")
}

/// An event as a warning.
pub fn warning(told: &Told) -> Reason {
    let pb::HealthEvent { id, message, .. } = &told.event;
    Reason {
        code: format!("{}_EVENT", told.event.kind().as_str_name().trim_start_matches("KIND_")),
        text: if message.is_empty() { format!("event {id}") } else { message.clone() },
        values: [
            ("event".to_owned(), id.clone()),
            (
                "severity".to_owned(),
                told.event.severity().as_str_name().trim_start_matches("SEVERITY_").to_owned(),
            ),
        ]
        .into(),
    }
}

/// How an analysis stands, for the contract.
pub fn state(ending: Option<Ending>) -> pb::analysis::State {
    match ending {
        None => pb::analysis::State::Active,
        Some(Ending::Failed) => pb::analysis::State::Failed,
        Some(Ending::Stopped) => pb::analysis::State::Stopped,
        Some(Ending::Expired) => pb::analysis::State::Expired,
    }
}
