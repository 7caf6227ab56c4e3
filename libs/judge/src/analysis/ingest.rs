//! Samples in: differences, ticks, evidence.

use std::time::Duration;

use jiff::Timestamp;

use super::{Analysis, Pending};
use crate::{
    check::Body,
    counters::{Context, Delta},
    recent::Recent,
    sample::{Batch, Traffic},
    segment::{Mode, Segment},
    tick::{Side, Tick},
};

/// Counts of one side wait this long for the other, then are dropped.
const WAIT: Duration = Duration::from_secs(10);
/// Revisions that wait at the same time.
const WAITING: usize = 4;

// === impl Analysis ===

impl Analysis {
    /// Takes what is new in a batch. `now` is its arrival. After FAIL, which is final, nothing is taken: the
    /// report stays that of the decision.
    pub fn ingest(&mut self, batch: &Batch, now: Timestamp) {
        if self.failed.is_some() || !batch.samples.iter().any(|sample| self.names.side(sample).is_some()) {
            return;
        }
        self.recent.turn(now);
        self.recent_slow.turn(now);
        self.turn_unconnected(now);
        if batch.samples.iter().any(|sample| self.names.side(sample) == Some(Side::Candidate)) {
            self.progress.report(now, batch.interval);
        }
        self.progress.through = self.progress.through.max(Some(batch.time));
        self.collect(batch, now);
        self.look_at_share(now);
        self.consume(now);
    }

    /// Takes one tick of the present segment as it is: for simulations, which have no counters to difference.
    /// `placebo`: the baseline's part of it once more, as a group and the rest.
    pub fn tick(&mut self, tick: &mut Tick, placebo: Option<&Tick>, elapsed: Duration, now: Timestamp) {
        self.recent.turn(now);
        self.recent_slow.turn(now);
        self.turn_unconnected(now);
        self.progress.report(now, elapsed);
        self.progress.through = Some(now);
        let segment = *self.segment();
        self.judge(&segment, tick, placebo, true);
    }

    fn turn_unconnected(&mut self, now: Timestamp) {
        self.recent_unconnected.get_or_insert_with(|| Recent::new(now)).turn(now);
    }

    /// Sorts what is new by route revision.
    fn collect(&mut self, batch: &Batch, now: Timestamp) {
        let mut counters = std::mem::take(&mut self.counters);
        let names = std::mem::take(&mut self.names);
        let context = Context {
            now,
            started: self.started,
            first_revision: self.segments.first().map_or(0, |segment| segment.revision),
            warm_up: self.settings.warm_up,
            statuses: &names.statuses,
            journeys: &names.journeys,
        };
        counters.difference(batch, context, |sample| names.side(sample), |delta| self.add(delta, now));
        (self.counters, self.names) = (counters, names);
    }

    fn add(&mut self, delta: Delta<'_>, now: Timestamp) {
        let Some(segment) = self.segment_of(delta.revision) else { return };
        let counts = match delta.side {
            Side::Candidate => segment.counts(delta.traffic),
            Side::Baseline => delta.traffic == Traffic::Live,
        };
        if !counts {
            return;
        }
        self.hard.count(delta.side, delta.instance, delta.counts, now);
        let settled = now.duration_since(self.progress.entered).unsigned_abs() >= self.progress.patience();
        if delta.traffic == Traffic::Live && segment.index == self.segment().index && settled {
            self.progress.share.count(delta.side, delta.counts.requests);
        }
        let group = self.placebo.as_mut().and_then(|placebo| placebo.side(delta.side, delta.instance));
        let (statuses, journeys) = (delta.counts.statuses.len(), delta.counts.journeys.len());
        let pending = self.pending_of(delta.revision, now, || Tick::sized(statuses, journeys));
        pending.tick.side_mut(delta.side).add(delta.counts, delta.traffic);
        if let Some(group) = group {
            pending.placebo.side_mut(group).add(delta.counts, delta.traffic);
        }
    }

    /// Looks at the traffic's split once a second: within one batch it says nothing.
    fn look_at_share(&mut self, now: Timestamp) {
        let limit = self.settings.fail_limit();
        if let Some((candidate, baseline)) = self.progress.share.take(now)
            && let Some(share) = &mut self.share
        {
            share.update(candidate, baseline, limit);
        }
    }

    /// The segment that samples of a route revision belong to; None before the first.
    fn segment_of(&self, revision: i64) -> Option<Segment> {
        let covers = |segment: &&Segment| revision == 0 || segment.revision <= revision;
        self.segments.iter().rev().find(covers).copied()
    }

    fn pending_of(&mut self, revision: i64, now: Timestamp, new: impl Fn() -> Tick) -> &mut Pending {
        let found = self.pending.iter().position(|p| p.revision == revision && !p.is_empty());
        let free = || self.pending.iter().position(Pending::is_empty);
        let at = match found.or_else(free) {
            Some(at) => at,
            None => {
                if self.pending.len() >= WAITING {
                    self.pending.remove(0);
                }
                self.pending.push(Pending { revision, since: now, tick: new(), placebo: new() });
                self.pending.len() - 1
            }
        };
        let pending = &mut self.pending[at];
        if pending.is_empty() {
            pending.revision = revision;
            pending.since = now;
        }
        pending
    }

    /// Judges what is complete and drops what has waited too long.
    fn consume(&mut self, now: Timestamp) {
        for index in 0..self.pending.len() {
            let Some(pending) = self.pending.get_mut(index).filter(|pending| !pending.is_empty()) else {
                continue;
            };
            let (revision, since) = (pending.revision, pending.since);
            let mut tick = std::mem::take(&mut pending.tick);
            let mut placebo = std::mem::take(&mut pending.placebo);
            let old = now.duration_since(since).unsigned_abs() >= WAIT;
            let taken = self.segment_of(revision).is_none_or(|segment| {
                let present = segment.index == self.segment().index;
                self.judge(&segment, &mut tick, Some(&placebo), present)
            });
            if taken || old {
                tick.clear();
                placebo.clear();
            }
            if let Some(pending) = self.pending.get_mut(index) {
                pending.tick = tick;
                pending.placebo = placebo;
            }
        }
    }

    /// Turns one tick into evidence. False when it must wait for the other side.
    fn judge(&mut self, segment: &Segment, tick: &mut Tick, placebo: Option<&Tick>, present: bool) -> bool {
        let mode = segment.mode(self.settings.has_baseline);
        let one_sided = tick.candidate.requests == 0 || tick.baseline.requests == 0;
        if mode == Mode::Live && one_sided {
            return false;
        }
        self.look_around(tick);
        if present {
            self.progress.requests += tick.candidate.requests;
            self.progress.errors += tick.candidate.errors;
        }
        if tick.candidate.requests == 0 {
            return true;
        }
        if !segment.judges_latency() {
            tick.candidate.latency.clear();
        }
        let second = std::mem::take(&mut self.progress.second);
        match mode {
            Mode::Live => {
                self.compare(tick, segment.testable_share(), second, present);
                if let (Some(running), Some(placebo)) = (&mut self.placebo, placebo) {
                    running.update(placebo, 1.0 / self.history.phi(), second);
                }
            }
            Mode::Alone => self.observe(tick, second, present),
        }
        true
    }

    /// Remembers how both sides do at present.
    fn look_around(&mut self, tick: &Tick) {
        let (c, b) = (&tick.candidate, &tick.baseline);
        self.recent.candidate(c.errors as f64, c.requests as f64);
        if let Some(recent) = &mut self.recent_unconnected {
            recent.candidate(c.connect_failures as f64, c.requests as f64);
        }
        self.recent.baseline(b.errors as f64, b.requests as f64);
        if let Some(p95) = self.p95 {
            self.recent_slow.candidate(c.latency.above(p95) as f64, c.latency.total() as f64);
            self.recent_slow.baseline(b.latency.above(p95) as f64, b.latency.total() as f64);
        }
    }

    fn compare(&mut self, tick: &Tick, share: Option<f64>, second: bool, present: bool) {
        let temper = self.temper();
        for check in &mut self.checks {
            match &mut check.body {
                Body::Proportion(p) => p.compare(&tick.candidate, &tick.baseline, temper, second, present),
                Body::Latency(l) => {
                    l.compare(&tick.candidate.latency, &tick.baseline.latency, temper, second, present);
                }
                Body::Count(count) => super::read::count(count, tick, share, (temper, second, present)),
                Body::TrafficShare | Body::Gauge(_) | Body::Saturation(_) => {}
            }
        }
        self.journeys.update(tick, 1.0 / self.history.phi_over_time(), second, false);
    }

    fn observe(&mut self, tick: &Tick, second: bool, present: bool) {
        // while stable is unwell, what is seen of the candidate alone says nothing, for or against it
        let (temper, frozen) = (self.temper_alone(), self.common);
        let present = present && !frozen;
        for check in &mut self.checks {
            match &mut check.body {
                Body::Proportion(p) => p.observe(&tick.candidate, temper, second, present, frozen),
                Body::Latency(l) => l.observe(&tick.candidate.latency, temper, second, present, frozen),
                Body::TrafficShare | Body::Count(_) | Body::Gauge(_) | Body::Saturation(_) => {}
            }
        }
        self.journeys.update(tick, temper, second, frozen);
    }
}
