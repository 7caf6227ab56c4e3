//! An analysis at work.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_judge::{Batch, Panel, Segment, readings::Readings};
use bellwether_policy::sources::SourceSet;
use bellwether_proto::{common::v1::Reason, monitor::v1 as pb};
use bellwether_resource::time;

use crate::{
    convert, evidence,
    probes::Standings,
    sources::{SourceHealth, derived::Derivations},
    stance::Stance,
};

mod computed;
mod probed;

pub use probed::Place;

/// Warnings that are kept, the newest.
const MOST_WARNINGS: usize = 20;
/// A report younger than this is not made again.
const FRESH: Duration = Duration::from_millis(900);

/// One active analysis. Every method is short; nothing waits while it is locked.
#[derive(Debug)]
pub struct Running {
    /// `analyses/<id>`.
    pub name: Arc<str>,
    /// The target.
    pub target: Arc<str>,
    /// The fleet that is judged.
    pub candidate: String,
    /// The fleet that it is compared with; empty: there is none.
    pub baseline: String,
    /// Where its numbers come from.
    pub sources: SourceSet,
    /// Held while a change of the decision is committed: one after the other.
    pub deciding: tokio::sync::Mutex<()>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    judge: Panel,
    /// The decision as it is now.
    stance: Stance,
    /// The newest decision that is durable.
    committed: Option<Committed>,
    warnings: Vec<Reason>,
    /// How its sources do.
    health: SourceHealth,
    /// What is computed from what its sources tell.
    derivations: Derivations,
    /// How the probes of its target do.
    probes: Standings,
    /// When its segment was entered.
    entered: Timestamp,
    /// The last report, and when it was made.
    report: Option<(Timestamp, Arc<pb::Verdict>)>,
    /// Whether there is anything that the evidence file lacks.
    dirty: bool,
    /// When it was last wanted.
    wanted: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Committed {
    stance: Stance,
    sequence: i64,
    at: Timestamp,
}

/// A decision that is to be committed.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What it is.
    pub stance: Stance,
    /// All of it.
    pub verdict: Box<pb::Verdict>,
}

// === impl Running ===

impl Running {
    /// Begins, or goes on.
    pub fn new(
        name: Arc<str>,
        target: Arc<str>,
        (candidate, baseline): (String, String),
        sources: SourceSet,
        judge: Panel,
        now: Timestamp,
    ) -> Self {
        let mut judge = judge;
        let derivations =
            Derivations::new(sources.derived.clone(), Some([candidate.clone(), baseline.clone()]));
        let stance = Stance::of(&judge.assess(now), judge.segment(), false);
        let inner = Inner {
            judge,
            stance,
            committed: None,
            warnings: Vec::new(),
            health: SourceHealth::default(),
            derivations,
            probes: Standings::default(),
            entered: now,
            report: None,
            dirty: true,
            wanted: now,
        };
        let deciding = tokio::sync::Mutex::default();
        Self { name, target, candidate, baseline, sources, deciding, inner: Mutex::new(inner) }
    }

    /// Takes a batch; whether the decision is another than the one that is durable.
    pub fn ingest(&self, batch: &Batch, now: Timestamp) -> bool {
        let mut inner = self.lock();
        inner.judge.ingest(batch, now);
        inner.dirty = true;
        inner.assess(now)
    }

    /// Takes what was read beside requests: whether the decision is another than the one that is durable, and what is computed
    /// from it.
    pub fn read(&self, readings: &Readings, now: Timestamp) -> (bool, Vec<Readings>) {
        let mut inner = self.lock();
        let computed = inner.derivations.derive(readings, now);
        for readings in [readings].into_iter().chain(&computed) {
            inner.judge.read(readings, now);
        }
        inner.dirty = true;
        (inner.assess(now), computed)
    }

    /// Lets time pass; whether the decision is another than the one that is durable.
    pub fn assess(&self, now: Timestamp) -> bool {
        self.lock().assess(now)
    }

    /// Enters a segment.
    pub fn enter(&self, segment: Segment, now: Timestamp) -> bool {
        let mut inner = self.lock();
        if inner.judge.segment().index != segment.index {
            inner.probes.clear();
            inner.entered = now;
        }
        inner.judge.enter(segment, now);
        inner.wanted = now;
        inner.dirty = true;
        inner.assess(now)
    }

    /// The present segment.
    pub fn segment(&self) -> Segment {
        *self.lock().judge.segment()
    }

    /// Something was told; a critical one fails it.
    pub fn tell(&self, warning: Reason, critical: bool, now: Timestamp) -> bool {
        let mut inner = self.lock();
        if inner.warnings.len() >= MOST_WARNINGS {
            inner.warnings.remove(0);
        }
        inner.warnings.push(warning);
        inner.report = None;
        if critical {
            inner.judge.critical_event();
        }
        inner.assess(now)
    }

    /// A source answered, with what is odd about it; whether the decision is another than the one that is durable.
    pub fn source_answered(&self, source: &str, note: Option<String>, now: Timestamp) -> bool {
        let mut inner = self.lock();
        inner.health.answered(source, note);
        inner.assess(now)
    }

    /// A source failed; see [`SourceHealth::failed`]. Whether the decision is another than the one that is durable.
    pub fn source_failed(&self, source: &str, problem: String, lasting: bool, now: Timestamp) -> bool {
        let mut inner = self.lock();
        inner.health.failed(source, problem, lasting, now);
        inner.report = None;
        inner.assess(now)
    }

    /// The decision to commit, when it is another than the one that is durable.
    pub fn proposal(&self, now: Timestamp) -> Option<Proposal> {
        let mut inner = self.lock();
        if !inner.assess(now) {
            return None;
        }
        let mut verdict = inner.verdict(&self.name, now);
        verdict.decide_time = Some(time::to_timestamp(now));
        Some(Proposal { stance: inner.stance, verdict: Box::new(verdict) })
    }

    /// A decision is durable, at this position of the journal.
    pub fn committed(&self, stance: Stance, sequence: i64, at: Timestamp) {
        let mut inner = self.lock();
        inner.committed = Some(Committed { stance, sequence, at });
        inner.report = None;
    }

    /// The decision that was durable before a restart.
    pub fn recall(&self, verdict: &pb::Verdict, sequence: i64) {
        let at = verdict.decide_time.as_ref().and_then(time::timestamp).unwrap_or(Timestamp::UNIX_EPOCH);
        self.committed(Stance::recall(verdict), sequence, at);
    }

    /// The numbers as they are now, under the decision that is durable. None while a change is being committed, or
    /// for a reader that has seen changes only up to `seen` and would get it before its change.
    pub fn refresh(&self, seen: i64, now: Timestamp) -> Option<Arc<pb::Verdict>> {
        let mut inner = self.lock();
        inner.wanted = now;
        if inner.assess(now) || inner.committed.is_none_or(|committed| committed.sequence > seen) {
            return None;
        }
        Some(inner.refreshed(&self.name, now))
    }

    /// The newest numbers, for a reader that follows no stream.
    pub fn newest(&self, now: Timestamp) -> Option<Arc<pb::Verdict>> {
        self.refresh(i64::MAX, now)
    }

    /// When it was last wanted.
    pub fn wanted(&self) -> Timestamp {
        self.lock().wanted
    }

    /// The evidence to keep, when there is any that has not been kept.
    pub fn unsaved(&self) -> Option<Vec<u8>> {
        let mut inner = self.lock();
        if !std::mem::take(&mut inner.dirty) {
            return None;
        }
        evidence::pack(&inner.judge)
            .inspect_err(|error| tracing::error!(%error, analysis = %self.name, "evidence cannot be kept"))
            .ok()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Inner ===

impl Inner {
    fn assess(&mut self, now: Timestamp) -> bool {
        let said = self.judge.assess(now);
        let assessment = self.lacking(self.weigh(said));
        self.derivations.expire(now);
        let failed = self.health.has_failed() || self.is_blocked();
        self.stance = Stance::of(&assessment, self.judge.segment(), failed);
        self.committed.is_none_or(|committed| committed.stance != self.stance)
    }

    fn verdict(&mut self, name: &str, now: Timestamp) -> pb::Verdict {
        let report = self.judge.report(now);
        let mut warnings = self.warnings.clone();
        warnings.extend(self.health.warnings());
        let verdict = convert::verdict(name, &report, self.judge.settings().pass_limit(), &warnings);
        let verdict = self.with_computed(self.with_probes(verdict));
        if !self.stance.is_error() {
            return self.with_lacking(verdict);
        }
        let reason = if self.health.has_failed() { self.health.reason() } else { self.blocked() };
        pb::Verdict { decision: pb::Decision::Error.into(), reason: Some(reason), ..verdict }
    }

    fn refreshed(&mut self, name: &str, now: Timestamp) -> Arc<pb::Verdict> {
        if let Some((made, report)) = &self.report
            && now.duration_since(*made).unsigned_abs() < FRESH
        {
            return report.clone();
        }
        let mut verdict = self.verdict(name, now);
        verdict.decide_time = self.committed.map(|committed| time::to_timestamp(committed.at));
        let verdict = Arc::new(verdict);
        self.report = Some((now, verdict.clone()));
        verdict
    }
}
