//! What probes tell an analysis.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_judge::{Assessment, Decision, ProbeRun, Segment, Why, settings::CheckKind};
use bellwether_proto::{common::v1::Reason, monitor::v1 as pb};

use super::{Inner, Running};
use crate::probes::{self, Attempt, Reached, Spec, Worst};

/// A route that was asked for this long ago, and leads to one version alone, is there, or is not to be had.
const SETTLES: Duration = Duration::from_secs(3);

/// Where an analysis is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The segment.
    pub segment: Segment,
    /// The candidate has had requests in it.
    pub used: bool,
    /// Its route has had the time to be there.
    pub settled: bool,
    /// There is a version to compare with.
    pub has_baseline: bool,
}

// === impl Running ===

impl Running {
    /// Where it is.
    pub fn place(&self, now: Timestamp) -> Place {
        let inner = self.lock();
        let used = inner.judge.analysis().is_used();
        let settled = used || now.duration_since(inner.entered).unsigned_abs() >= SETTLES;
        let (segment, has_baseline) = (*inner.judge.segment(), inner.judge.settings().has_baseline);
        Place { segment, used, settled, has_baseline }
    }

    /// A probe of its target is there, or is another one now.
    pub fn declare_probe(&self, spec: &Spec, now: Timestamp) -> bool {
        let mut inner = self.lock();
        inner.probes.declare(spec);
        inner.report = None;
        inner.assess(now)
    }

    /// Whether a probe could have reached the candidate in this segment, and has not yet.
    pub fn awaits_probe(&self, id: &str) -> bool {
        let inner = self.lock();
        inner.probes.is_untried(id, inner.judge.segment())
    }

    /// A probe of its target is gone; whether the decision is another than the one that is durable.
    pub fn forget_probe(&self, id: &str, now: Timestamp) -> bool {
        let mut inner = self.lock();
        inner.probes.forget(id);
        inner.judge.analysis_mut().forget_probe(id);
        inner.report = None;
        inner.assess(now)
    }

    /// The last failed run of each probe at either version, by the probe's id.
    pub fn failed_probes(&self) -> Vec<(String, pb::ProbeFailure)> {
        let inner = self.lock();
        let failure = |(id, reached, attempt): (&str, Reached, &Attempt)| {
            let fleet = match reached {
                Reached::Candidate => &self.candidate,
                Reached::Baseline => &self.baseline,
            };
            let (analysis, fleet) = (self.name.to_string(), fleet.clone());
            (id.to_owned(), pb::ProbeFailure { analysis, fleet, run: Some(probes::run(attempt)) })
        };
        inner.probes.failures().map(failure).collect()
    }

    /// A run of a probe has reached one version; whether the decision is another than the one that is durable.
    /// `compared`: it reaches the other one as well, here.
    pub fn probed(
        &self,
        id: &str,
        (reached, compared): (Reached, bool),
        attempt: &Attempt,
        now: Timestamp,
    ) -> bool {
        let mut inner = self.lock();
        if let Some(green) = inner.probes.note(id, reached, attempt) {
            let judge = inner.judge.analysis_mut();
            if reached == Reached::Candidate {
                judge.probed(id, green);
            }
            judge.tried(ProbeRun { probe: id, side: reached.side(), failed: !green, compared });
            inner.dirty = true;
        }
        inner.report = None;
        inner.assess(now)
    }
}

// === impl Inner ===

impl Inner {
    /// What the judge says, unless a probe is in the way: a PASS of the segment waits until each has succeeded at the candidate,
    /// and one that was given stays.
    pub(super) fn weigh(&self, said: Assessment) -> Assessment {
        let segment = self.judge.segment();
        let given = self.committed.is_some_and(|committed| committed.stance.has_passed(segment.index));
        let why = match (said.decision, said.why, self.probes.worst(segment)) {
            (_, _, Worst::Green) => return said,
            (Decision::Pass, _, _) if given => return said,
            (Decision::Pass, _, Worst::Red) => Why::ProbeFailed,
            (Decision::Pass, _, Worst::Pending) => Why::ProbePending,
            (Decision::Undecided, Why::PassByPolicy, Worst::Pending) => Why::ProbePending,
            (
                Decision::Undecided,
                Why::Collecting | Why::NoTraffic | Why::MinBake | Why::PassByPolicy,
                Worst::Red,
            ) => Why::ProbeFailed,
            (Decision::Undecided | Decision::NoData | Decision::Fail, _, _) => return said,
        };
        Assessment { decision: Decision::Undecided, why, ..said }
    }

    /// The verdict with what the probes have shown.
    pub(super) fn with_probes(&self, verdict: pb::Verdict) -> pb::Verdict {
        let segment = self.judge.segment();
        let mut verdict = verdict;
        self.name_probes(&mut verdict);
        let checks = self.probes.checks(segment);
        verdict.level = checks.iter().map(|check| check.level).max().unwrap_or_default().max(verdict.level);
        verdict.checks.extend(checks);
        verdict.warnings.extend(self.probes.warnings(segment));
        match self.stance.waits_for_probe() {
            true => pb::Verdict {
                decision: pb::Decision::Undecided.into(),
                reason: Some(self.waiting(verdict.reason.take())),
                ..verdict
            },
            false => verdict,
        }
    }

    /// Says of the check of all probes which of them fails, and how; where it fails the rollout, so does the reason.
    fn name_probes(&self, verdict: &mut pb::Verdict) {
        let Some(red) = self.probes.red(self.judge.segment()) else { return };
        let of_probes = |id: &str| {
            let id = id.strip_suffix("-alone").unwrap_or(id);
            let mut checks = self.judge.settings().checks.iter();
            checks.any(|check| check.id == id && matches!(check.kind, CheckKind::Probes(_)))
        };
        let mut blamed = false;
        for check in
            verdict.checks.iter_mut().filter(|check| of_probes(&check.id) && check.candidate_samples > 0)
        {
            check.text = format!("{}; {red}", check.text);
            blamed |= check.decision() == pb::Decision::Fail;
        }
        if let Some(reason) = verdict.reason.as_mut().filter(|_| blamed) {
            reason.values.insert("probes.last".to_owned(), red.clone());
            reason.text = format!("{}; {red}", reason.text);
        }
    }

    /// Why PASS waits, with the values of what the judge says.
    fn waiting(&self, judges: Option<Reason>) -> Reason {
        let mut reason = self.probes.reason(self.judge.segment());
        reason.values.extend(judges.unwrap_or_default().values);
        reason
    }
}
