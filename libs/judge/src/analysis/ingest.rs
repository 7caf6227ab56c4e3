//! Samples in: differences, ticks, evidence.

use std::time::Duration;

use jiff::Timestamp;

use super::{Analysis, Pending};
use crate::{
    check::Body,
    counters::{Context, Delta},
    recent::Recent,
    sample::{Batch, Sample, Traffic},
    segment::{Mode, Segment},
    settings::Coming,
    tick::{Counts, Part, Side, Tick},
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
        self.hear(batch, now);
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
        self.judge(&segment, Part::Whole, tick, placebo, true);
    }

    /// Notes who reported on the candidate, and when.
    fn hear(&mut self, batch: &Batch, now: Timestamp) {
        let of_candidate = |sample: &&Sample| self.names.side(sample) == Some(Side::Candidate);
        let mut samples = batch.samples.iter().filter(of_candidate).peekable();
        if samples.peek().is_none() {
            return;
        }
        let latencies_alone = samples.all(|sample| sample.requests == 0 && sample.latency.total() > 0);
        match self.settings.coming {
            Coming::Apart if latencies_alone => self.progress.report_latency(now, batch.interval),
            Coming::Together | Coming::Apart | Coming::LatencyOnly => {
                self.progress.report(now, batch.interval)
            }
        }
    }

    /// What of a tick a difference belongs to.
    fn part_of(&self, counts: &Counts) -> Part {
        match self.settings.coming {
            Coming::Together => Part::Whole,
            Coming::Apart | Coming::LatencyOnly if counts.requests == 0 && counts.latency.total() > 0 => {
                Part::Latency
            }
            Coming::Apart | Coming::LatencyOnly => Part::Requests,
        }
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
        let part = self.part_of(delta.counts);
        let pending = self.pending_of((delta.revision, part), now, (statuses, journeys));
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

    fn pending_of(
        &mut self,
        (revision, part): (i64, Part),
        now: Timestamp,
        (statuses, journeys): (usize, usize),
    ) -> &mut Pending {
        let same = |p: &Pending| p.revision == revision && p.part == part && !p.is_empty();
        let found = self.pending.iter().position(same);
        let free = || self.pending.iter().position(|p| p.part == part && p.is_empty());
        let at = match found.or_else(free) {
            Some(at) => at,
            None => {
                if self.pending.len() >= WAITING {
                    self.pending.remove(0);
                }
                self.pending.reserve_exact(1);
                self.pending.push(Pending::new((revision, part), now, statuses, journeys));
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
            let (revision, since, part) = (pending.revision, pending.since, pending.part);
            let mut tick = std::mem::take(&mut pending.tick);
            let mut placebo = std::mem::take(&mut pending.placebo);
            let old = now.duration_since(since).unsigned_abs() >= WAIT;
            let taken = self.segment_of(revision).is_none_or(|segment| {
                let present = segment.index == self.segment().index;
                self.judge(&segment, part, &mut tick, Some(&placebo), present)
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
        Pending::drop_empty(&mut self.pending);
    }

    /// Turns one tick into evidence. False when it must wait for the other side.
    fn judge(
        &mut self,
        segment: &Segment,
        part: Part,
        tick: &mut Tick,
        placebo: Option<&Tick>,
        present: bool,
    ) -> bool {
        let mode = segment.mode(self.settings.has_baseline);
        let (candidate, baseline) = (tick.candidate.counted(part), tick.baseline.counted(part));
        if mode == Mode::Live && (candidate == 0 || baseline == 0) {
            return false;
        }
        self.look_around(tick);
        if present {
            let requests =
                if self.settings.coming == Coming::LatencyOnly { candidate } else { tick.candidate.requests };
            self.progress.requests += requests;
            self.progress.errors += tick.candidate.errors;
        }
        if candidate == 0 {
            return true;
        }
        if !segment.judges_latency() {
            tick.candidate.latency.clear();
        }
        let second = match part {
            Part::Whole | Part::Requests => std::mem::take(&mut self.progress.second),
            Part::Latency => std::mem::take(&mut self.progress.second_of_latency),
        };
        match mode {
            Mode::Live => {
                self.compare(part, tick, segment.testable_share(), second, present);
                if let (Some(running), Some(placebo)) = (&mut self.placebo, placebo) {
                    running.update(part, placebo, 1.0 / self.history.phi(), second);
                }
            }
            Mode::Alone => self.observe(part, tick, second, present),
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

    fn compare(&mut self, part: Part, tick: &Tick, share: Option<f64>, second: bool, present: bool) {
        let temper = self.temper();
        for check in self.checks.iter_mut().filter(|check| check.is_about(part)) {
            match &mut check.body {
                Body::Proportion(p) => p.compare(&tick.candidate, &tick.baseline, temper, second, present),
                Body::Latency(l) => {
                    l.compare(&tick.candidate.latency, &tick.baseline.latency, temper, second, present);
                }
                Body::Count(count) => super::read::count(count, tick, share, (temper, second, present)),
                Body::TrafficShare | Body::Gauge(_) | Body::Saturation(_) => {}
            }
        }
        if part.has_requests() {
            self.journeys.update(tick, 1.0 / self.history.phi_over_time(), second, false);
        }
    }

    fn observe(&mut self, part: Part, tick: &Tick, second: bool, present: bool) {
        // while stable is unwell, what is seen of the candidate alone says nothing, for or against it
        let (temper, frozen) = (self.temper_alone(), self.common);
        let present = present && !frozen;
        for check in self.checks.iter_mut().filter(|check| check.is_about(part)) {
            match &mut check.body {
                Body::Proportion(p) => p.observe(&tick.candidate, temper, second, present, frozen),
                Body::Latency(l) => l.observe(&tick.candidate.latency, temper, second, present, frozen),
                Body::TrafficShare | Body::Count(_) | Body::Gauge(_) | Body::Saturation(_) => {}
            }
        }
        if part.has_requests() {
            self.journeys.update(tick, temper, second, frozen);
        }
    }
}
