//! What another policy would have decided: the recording, judged once more.

use std::{collections::BTreeMap, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_judge::{Batch, Panel, Sample, Traffic};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;

use super::{Story, chunk::histogram, probed};
use crate::{convert, monitor::Definition, sources::derived::Derivations, stance::Stance};

mod fault;
mod readings;

use fault::Injector;

/// A curve has at most about this many points.
const POINTS: usize = 400;
/// Between two seconds that were observed, silence is looked at for at most this long.
const LONGEST_SILENCE: i64 = 3_600;

/// What is replayed, and how.
#[derive(Debug)]
pub struct Question<'a> {
    /// What happened to the analysis.
    pub story: &'a Story,
    /// The seconds from its begin on.
    pub seconds: &'a [pb::RecordedSecond],
    /// The policy's settings, and the first segment.
    pub definition: &'a Definition,
    /// What is made wrong.
    pub fault: pb::Fault,
    /// From when on.
    pub fault_after: Duration,
    /// Whether there is to be a curve.
    pub curves: bool,
}

/// What is counted apart: fleet, route revision, traffic.
type Key = (String, i64, Traffic);

/// A replay under way.
struct Run<'a> {
    question: &'a Question<'a>,
    judge: Panel,
    derivations: Derivations,
    injector: Injector,
    /// Segments that have not been entered, in order.
    ahead: std::slice::Iter<'a, (Timestamp, pb::Segment)>,
    next: Option<&'a (Timestamp, pb::Segment)>,
    counters: BTreeMap<Key, Sample>,
    stance: Option<Stance>,
    verdicts: Vec<pb::Verdict>,
    curve: Vec<pb::CurvePoint>,
    every: i64,
}

/// Judges a recording once more. One second of it costs some tens of microseconds.
pub fn replay(question: &Question<'_>) -> pb::Replay {
    let until = question.story.ended.map_or(i64::MAX, Timestamp::as_second);
    let began = question.story.began.as_second();
    let seconds = question.seconds.iter().filter(|s| (began..=until).contains(&s.unix_seconds));
    let seconds: Vec<&pb::RecordedSecond> = seconds.collect();
    let last = seconds.last().map_or(began, |second| second.unix_seconds);
    let mut run = Run::new(question, (last - began) / i64::try_from(POINTS).unwrap_or(1) + 1);
    let mut now = began;
    for second in seconds {
        while now < second.unix_seconds && now < began + LONGEST_SILENCE {
            now += 1;
            run.silence(now);
        }
        now = second.unix_seconds + i64::from(second.seconds.max(1));
        run.second(second, now);
        if run.has_failed() {
            break;
        }
    }
    run.finish(now)
}

// === impl Run ===

impl<'a> Run<'a> {
    fn new(question: &'a Question<'a>, every: i64) -> Self {
        let story = question.story;
        let Definition { settings, segment, kayenta, sources } = question.definition;
        let (candidate, baseline) =
            (story.analysis.candidate_fleet.clone(), story.analysis.baseline_fleet.clone());
        let fleets = Some([candidate.clone(), baseline.clone()]);
        let derivations = Derivations::new(sources.derived.clone(), fleets);
        let history = bellwether_judge::History::clone(&story.history);
        let (settings, kayenta) = (settings.clone(), kayenta.clone());
        let judge = Panel::new(settings, kayenta, candidate, baseline, history, *segment, story.began);
        let mut ahead = story.segments.iter();
        let next = ahead.next();
        Self {
            question,
            judge,
            derivations,
            injector: Injector::new(question.fault),
            ahead,
            next,
            counters: BTreeMap::new(),
            stance: None,
            verdicts: Vec::new(),
            curve: Vec::new(),
            every,
        }
    }

    fn has_failed(&self) -> bool {
        self.stance.is_some_and(Stance::is_fail)
    }

    fn silence(&mut self, now: i64) {
        let now = moment(now);
        self.enter(now);
        self.look(now);
    }

    fn second(&mut self, second: &pb::RecordedSecond, now: i64) {
        let now = moment(now);
        self.enter(now);
        let faulty = now.duration_since(self.question.story.began).unsigned_abs() > self.question.fault_after;
        let mut told = Vec::new();
        for counts in &second.counts {
            let mut counts = counts.clone();
            let candidate = counts.fleet == self.question.story.analysis.candidate_fleet;
            if candidate && faulty && !self.injector.touch(&mut counts) {
                continue;
            }
            told.push(self.count(&counts));
        }
        self.feed(told, now, Duration::from_secs(u64::try_from(second.seconds).unwrap_or(1).max(1)));
        self.read(&second.readings, faulty, now);
        let analysis = &self.question.story.analysis;
        let fleets = (analysis.candidate_fleet.as_str(), analysis.baseline_fleet.as_str());
        probed::tell(&second.probes, fleets, self.judge.analysis_mut());
        self.look(now);
    }

    /// What was read beside requests, after them: it is compared with those that led to it. What the policy computes is computed
    /// anew, from what was made wrong as well.
    fn read(&mut self, recorded: &[pb::RecordedReading], faulty: bool, now: Timestamp) {
        let mut told = Vec::with_capacity(recorded.len());
        for reading in recorded.iter().filter(|reading| !self.derivations.computes(&reading.metric)) {
            let mut reading = reading.clone();
            let candidate = reading.fleet == self.question.story.analysis.candidate_fleet;
            if !candidate || self.injector.touch_reading(&mut reading, faulty) {
                told.push(reading);
            }
        }
        if let Some(readings) = readings::told(told, now) {
            self.judge.read(&readings, now);
            for computed in self.derivations.derive(&readings, now) {
                self.judge.read(&computed, now);
            }
        }
    }

    fn enter(&mut self, now: Timestamp) {
        while let Some((at, segment)) = self.next.filter(|(at, _)| *at <= now) {
            let read = convert::segment(&mut bellwether_resource::Violations::new(), segment);
            self.judge.enter(read, *at);
            self.next = self.ahead.next();
        }
    }

    /// Adds to the counters: what a source would tell, and whether it is the first time.
    fn count(&mut self, counts: &pb::RecordedCounts) -> (Sample, bool) {
        let key = (counts.fleet.clone(), counts.route_revision, traffic(counts.traffic()));
        let new = !self.counters.contains_key(&key);
        let sample = self.counters.entry(key).or_insert_with_key(empty);
        add(sample, counts);
        (sample.clone(), new)
    }

    fn feed(&mut self, told: Vec<(Sample, bool)>, now: Timestamp, interval: Duration) {
        let batch = |samples, time| Batch {
            source: "recording".to_owned(),
            incarnation: "1".to_owned(),
            time,
            interval,
            samples,
        };
        // counters that are told for the first time began at zero
        let new = told.iter().filter(|(_, new)| *new);
        let zeros: Vec<Sample> = new.map(|(sample, _)| empty(&key_of(sample))).collect();
        if !zeros.is_empty() {
            self.judge.ingest(&batch(zeros, now - interval), now);
        }
        let samples = told.into_iter().map(|(sample, _)| sample).collect();
        self.judge.ingest(&batch(samples, now), now);
    }

    fn look(&mut self, now: Timestamp) {
        let stance = Stance::of(&self.judge.assess(now), self.judge.segment(), false);
        let changed = self.stance != Some(stance);
        if changed {
            self.stance = Some(stance);
            let verdict = self.verdict(now);
            self.verdicts.push(verdict);
        }
        if self.question.curves && (changed || now.as_second() % self.every == 0) {
            let verdict = self.verdict(now);
            self.curve.push(point(&verdict, now));
        }
    }

    fn verdict(&mut self, now: Timestamp) -> pb::Verdict {
        let report = self.judge.report(now);
        let limit = self.judge.settings().pass_limit();
        let verdict = convert::verdict(&self.question.story.analysis.name, &report, limit, &[]);
        pb::Verdict { decide_time: Some(time::to_timestamp(now)), ..verdict }
    }

    fn finish(mut self, now: i64) -> pb::Replay {
        let now = moment(now);
        let onset = self.question.story.began + self.question.fault_after;
        let last = self.verdict(now);
        let wanted = match self.question.fault {
            pb::Fault::Silence => pb::Decision::NoData,
            _ => pb::Decision::Fail,
        };
        let decided = |verdict: &pb::Verdict| {
            let at = verdict.decide_time.as_ref().and_then(time::timestamp)?;
            let found = verdict.decision() == wanted || verdict.decision() == pb::Decision::Fail;
            (found && at >= onset).then(|| at.duration_since(onset).unsigned_abs())
        };
        let observed = if now > onset { now.duration_since(onset).unsigned_abs() } else { Duration::ZERO };
        pb::Replay {
            fault: self.question.fault.into(),
            delay: self.verdicts.iter().find_map(decided).map(time::to_duration),
            verdicts: self.verdicts,
            last: Some(last),
            observed: Some(time::to_duration(observed)),
            curve: self.curve,
        }
    }
}

fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

fn key_of(sample: &Sample) -> Key {
    (sample.fleet.clone(), sample.revision, sample.traffic)
}

/// Counters at zero. All instances of a fleet are one here: that is how they were recorded.
fn empty((fleet, revision, traffic): &Key) -> Sample {
    Sample {
        fleet: fleet.clone(),
        instance: format!("{fleet} (recorded)"),
        revision: *revision,
        traffic: *traffic,
        requests: 0,
        errors: 0,
        connect_failures: 0,
        statuses: Vec::new(),
        journeys: Vec::new(),
        latency: bellwether_judge::Histogram::default(),
    }
}

fn add(sample: &mut Sample, counts: &pb::RecordedCounts) {
    sample.requests += counts.requests;
    sample.errors += counts.errors;
    sample.connect_failures += counts.connect_failures;
    for status in &counts.statuses {
        let code = u16::try_from(status.status).unwrap_or_default();
        match sample.statuses.iter_mut().find(|(known, _)| *known == code) {
            Some((_, sum)) => *sum += status.count,
            None => sample.statuses.push((code, status.count)),
        }
    }
    for journey in &counts.journeys {
        match sample.journeys.iter_mut().find(|(known, ..)| *known == journey.journey) {
            Some((_, requests, errors)) => {
                *requests += journey.requests;
                *errors += journey.errors;
            }
            None => sample.journeys.push((journey.journey.clone(), journey.requests, journey.errors)),
        }
    }
    sample.latency.merge(&histogram(counts.latency.as_ref()));
}

fn traffic(kind: pb::TrafficKind) -> Traffic {
    match kind {
        pb::TrafficKind::Unspecified | pb::TrafficKind::Live => Traffic::Live,
        pb::TrafficKind::Mirrored => Traffic::Mirrored,
        pb::TrafficKind::Preview => Traffic::Preview,
        pb::TrafficKind::Matched => Traffic::Matched,
    }
}

fn point(verdict: &pb::Verdict, now: Timestamp) -> pb::CurvePoint {
    let check = |check: &pb::CheckResult| pb::CheckPoint {
        id: check.id.clone(),
        unit: check.unit.clone(),
        candidate: check.candidate,
        baseline: check.baseline,
        effect_low: check.effect_low,
        effect_high: check.effect_high,
        log_evidence: check.log_evidence,
    };
    pb::CurvePoint {
        time: Some(time::to_timestamp(now)),
        log_evidence: verdict.log_evidence,
        log_evidence_limit: verdict.log_evidence_limit,
        checks: verdict.checks.iter().map(check).collect(),
    }
}
