//! How the probes of a target do in one analysis: what their runs have shown of the two versions in the present segment.

use std::collections::{BTreeMap, HashMap};

use bellwether_judge::{Segment, SegmentKind, Side};
use bellwether_proto::{
    common::v1::Reason,
    monitor::v1::{self as pb, Decision, Level},
};

use super::{
    attempt::{Attempt, Failure},
    spec::Spec,
};

/// The version that a run has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The one that is judged.
    Candidate,
    /// The one that it is compared with.
    Baseline,
}

// === impl Reached ===

impl Reached {
    /// As the judge names it.
    pub fn side(self) -> Side {
        match self {
            Self::Candidate => Side::Candidate,
            Self::Baseline => Side::Baseline,
        }
    }
}

/// The probes of one analysis.
#[derive(Debug, Default)]
pub struct Standings(BTreeMap<String, Standing>);

/// One probe.
#[derive(Debug)]
pub struct Standing {
    /// PASS waits for it.
    blocking: bool,
    /// So many failed runs in a row are a failure.
    failures: u32,
    /// The segments in which it reaches the candidate.
    reach: Reach,
    candidate: Tally,
    baseline: Tally,
}

/// Where the candidate is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// At the probe's own address, once all traffic goes to it.
    Full,
    /// On the preview route as well.
    Preview,
    /// Everywhere.
    Always,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    runs: u64,
    failed: u64,
    in_a_row: u32,
    /// The last that failed.
    last_failure: Option<Attempt>,
}

/// The worst of those that PASS waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worst {
    /// All have succeeded, or there are none.
    Green,
    /// One was not tried yet, or failed not yet often enough in a row.
    Pending,
    /// One fails.
    Red,
}

// === impl Standings ===

impl Standings {
    /// A probe is there, or is another one now.
    pub fn declare(&mut self, spec: &Spec) {
        self.0.insert(spec.id.clone(), Standing::new(spec));
    }

    /// A probe is gone.
    pub fn forget(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Another segment: each must be tried again.
    pub fn clear(&mut self) {
        for standing in self.0.values_mut() {
            (standing.candidate, standing.baseline) = Default::default();
        }
    }

    /// A run has ended. Whether it succeeded, where that matters to the verdict: that of what is ADVISORY does not.
    pub fn note(&mut self, id: &str, reached: Reached, attempt: &Attempt) -> Option<bool> {
        let standing = self.0.get_mut(id)?;
        match reached {
            Reached::Candidate => standing.candidate.note(attempt),
            Reached::Baseline => standing.baseline.note(attempt),
        }
        standing.blocking.then_some(attempt.failure.is_none())
    }

    /// Whether one could have reached the candidate in this segment, and has not yet.
    pub fn is_untried(&self, id: &str, segment: &Segment) -> bool {
        self.0.get(id).is_some_and(|it| it.reach.holds(segment.kind) && it.candidate.runs == 0)
    }

    /// The worst of those that PASS waits for in this segment.
    pub fn worst(&self, segment: &Segment) -> Worst {
        let blocking = self.here(segment).filter(|(_, standing)| standing.blocking);
        blocking.map(|(_, standing)| standing.stands()).max().unwrap_or(Worst::Green)
    }

    /// Each that reaches the candidate in this segment, as a check.
    pub fn checks(&self, segment: &Segment) -> Vec<pb::CheckResult> {
        self.here(segment).map(|(id, standing)| standing.check(id)).collect()
    }

    /// Those that fail at the candidate.
    pub fn warnings(&self, segment: &Segment) -> Vec<Reason> {
        let red = self.here(segment).filter(|(_, standing)| standing.stands() == Worst::Red);
        red.map(|(id, standing)| standing.reason(id)).collect()
    }

    /// The worst of those that PASS waits for, in a sentence; None where nothing is red.
    pub fn red(&self, segment: &Segment) -> Option<String> {
        let blocking = self.here(segment).filter(|(_, it)| it.blocking && it.candidate.in_a_row > 0);
        blocking.max_by_key(|(_, it)| it.candidate.in_a_row).map(|(id, standing)| standing.sentence(id))
    }

    /// The last failed run of each at either version, in this segment.
    pub fn failures(&self) -> impl Iterator<Item = (&str, Reached, &Attempt)> {
        self.0.iter().flat_map(|(id, it)| {
            let at = |reached, attempt| (id.as_str(), reached, attempt);
            let candidate = it.candidate.last_failure.iter().map(move |it| at(Reached::Candidate, it));
            candidate.chain(it.baseline.last_failure.iter().map(move |it| at(Reached::Baseline, it)))
        })
    }

    /// Why PASS waits.
    pub fn reason(&self, segment: &Segment) -> Reason {
        let blocking = self.here(segment).filter(|(_, standing)| standing.blocking);
        let worst = blocking.max_by_key(|(_, standing)| standing.stands());
        worst.map(|(id, standing)| standing.reason(id)).unwrap_or_default()
    }

    fn here(&self, segment: &Segment) -> impl Iterator<Item = (&str, &Standing)> {
        let kind = segment.kind;
        self.0
            .iter()
            .filter(move |(_, it)| it.reach.holds(kind))
            .map(|(id, standing)| (id.as_str(), standing))
    }
}

// === impl Standing ===

impl Standing {
    fn new(spec: &Spec) -> Self {
        let (candidate, baseline) = Default::default();
        let (blocking, failures) = (spec.blocking, spec.failures);
        Self { blocking, failures, reach: Reach::of(spec), candidate, baseline }
    }

    fn stands(&self) -> Worst {
        match (self.candidate.runs, self.candidate.in_a_row) {
            (0, _) => Worst::Pending,
            (_, 0) => Worst::Green,
            (_, failed) if failed < self.failures => Worst::Pending,
            _ => Worst::Red,
        }
    }

    fn check(&self, id: &str) -> pb::CheckResult {
        let stands = self.stands();
        let well = stands == Worst::Green || self.candidate.runs == 0;
        let role = if self.blocking { pb::CheckRole::Blocking } else { pb::CheckRole::Advisory };
        let decision = match stands {
            Worst::Green => Decision::Pass,
            Worst::Pending => Decision::Undecided,
            Worst::Red => Decision::Fail,
        };
        pb::CheckResult {
            id: format!("probe-{id}"),
            role: role.into(),
            // it moves no traffic
            level: if well { Level::Ok } else { Level::Warn }.into(),
            decision: decision.into(),
            unit: "percent".to_owned(),
            candidate: self.candidate.failed_percent(),
            baseline: self.baseline.failed_percent(),
            candidate_samples: self.candidate.runs,
            baseline_samples: self.baseline.runs,
            text: self.sentence(id),
            ..pb::CheckResult::default()
        }
    }

    fn sentence(&self, id: &str) -> String {
        if self.candidate.runs == 0 {
            return format!("probe {id}: not tried at the candidate yet");
        }
        let Tally { runs, failed, in_a_row, last_failure } = &self.candidate;
        let told = |failed: &Attempt| {
            let text = failed.failure.as_ref().map(Failure::told).unwrap_or_default();
            format!("{:.0} at {}: {text}", failed.at, failed.address)
        };
        let last = match (in_a_row, last_failure) {
            (_, None) => String::new(),
            (0, Some(failed)) => format!(", the last {}", told(failed)),
            (in_a_row, Some(failed)) => format!(", {in_a_row} in a row, the last {}", told(failed)),
        };
        format!("probe {id}: {failed} of {runs} runs failed at the candidate{last}{}", self.beside())
    }

    /// What is known of the baseline.
    fn beside(&self) -> String {
        match &self.baseline {
            Tally { runs: 0, .. } => String::new(),
            Tally { failed, runs, .. } => format!("; {failed} of {runs} at the baseline"),
        }
    }

    fn reason(&self, id: &str) -> Reason {
        let (code, text) = match self.stands() {
            Worst::Red => ("PROBE_FAILED", self.sentence(id)),
            Worst::Pending | Worst::Green => {
                ("PROBE_PENDING", format!("{}; PASS waits for it", self.sentence(id)))
            }
        };
        let mut values = HashMap::from([
            ("probe".to_owned(), id.to_owned()),
            ("failures_in_a_row".to_owned(), self.candidate.in_a_row.to_string()),
        ]);
        let percents = [("candidate", &self.candidate), ("baseline", &self.baseline)];
        values.extend(percents.into_iter().filter_map(|(side, tally)| {
            Some((format!("{side}_failed_percent"), format!("{:.1}", tally.failed_percent()?)))
        }));
        Reason { code: code.to_owned(), text, values }
    }
}

// === impl Reach ===

impl Reach {
    fn of(spec: &Spec) -> Self {
        match &spec.candidate {
            None => Self::Full,
            Some(access) if access.always => Self::Always,
            Some(_) => Self::Preview,
        }
    }

    fn holds(self, kind: SegmentKind) -> bool {
        match kind {
            SegmentKind::Full => true,
            SegmentKind::Preview => self >= Self::Preview,
            SegmentKind::Split | SegmentKind::Shadow => self == Self::Always,
        }
    }
}

// === impl Tally ===

impl Tally {
    fn note(&mut self, attempt: &Attempt) {
        let failed = attempt.failure.is_some();
        if failed {
            self.last_failure = Some(attempt.clone());
        }
        self.runs = self.runs.saturating_add(1);
        self.failed = self.failed.saturating_add(u64::from(failed));
        self.in_a_row = if failed { self.in_a_row.saturating_add(1) } else { 0 };
    }

    fn failed_percent(&self) -> Option<f64> {
        (self.runs > 0).then(|| 100.0 * self.failed as f64 / self.runs as f64)
    }
}
