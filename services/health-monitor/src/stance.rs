//! What makes two decisions different, so that the change is committed and told at once.

use bellwether_judge::{Assessment, Decision, Segment, Why, kayenta::Said};
use bellwether_proto::monitor::v1 as pb;

use crate::convert;

/// A decision, as far as somebody acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stance {
    decision: Decision,
    /// A source failed, and nothing else was decided.
    error: bool,
    /// A reason that changes what UNDECIDED means.
    undecided: Option<Why>,
    /// PASS is one of its segment.
    segment: i32,
}

// === impl Stance ===

impl Stance {
    /// Of the judge, and of how the sources do.
    pub fn of(assessment: &Assessment, segment: &Segment, source_failed: bool) -> Self {
        let undecided = told_apart(assessment.why);
        // what is held back, or may go on by policy, is known; a failed source adds nothing to it
        let open = matches!(assessment.decision, Decision::Undecided | Decision::NoData)
            && !matches!(undecided, Some(Why::CommonMode));
        let error = open && source_failed;
        Self {
            // whatever the rest says, it is one decision
            decision: if error { Decision::Undecided } else { assessment.decision },
            error,
            undecided: undecided.filter(|_| !error),
            segment: if assessment.decision == Decision::Pass { segment.index } else { 0 },
        }
    }

    /// Of a verdict that was committed.
    pub fn recall(verdict: &pb::Verdict) -> Self {
        let decision = match verdict.decision() {
            pb::Decision::Pass => Decision::Pass,
            pb::Decision::Fail => Decision::Fail,
            pb::Decision::NoData => Decision::NoData,
            pb::Decision::Undecided | pb::Decision::Error | pb::Decision::Unspecified => Decision::Undecided,
        };
        let code = verdict.reason.as_ref().map_or("", |reason| reason.code.as_str());
        Self {
            decision,
            error: verdict.decision() == pb::Decision::Error,
            undecided: TOLD_APART.into_iter().find(|why| convert::code(*why) == code),
            segment: if decision == Decision::Pass { verdict.segment } else { 0 },
        }
    }

    /// Whether PASS waits for a probe, and nothing else.
    pub fn waits_for_probe(self) -> bool {
        matches!(self.undecided, Some(Why::ProbeFailed | Why::ProbePending))
    }

    /// Whether it is the PASS of this segment.
    pub fn has_passed(self, segment: i32) -> bool {
        self.decision == Decision::Pass && self.segment == segment
    }

    /// Whether a source's failure is all that there is to say.
    pub fn is_error(self) -> bool {
        self.error
    }

    /// Whether nothing comes.
    pub fn lacks_data(self) -> bool {
        self.decision == Decision::NoData
    }

    /// Whether it must go through on a full disk.
    pub fn is_fail(self) -> bool {
        self.decision == Decision::Fail
    }
}

/// The reasons that somebody acts on: a FAIL that is held back, for one of two causes, that policy may go on, that people are to
/// look, and that PASS waits for a probe.
const TOLD_APART: [Why; 6] = [
    Why::CommonMode,
    Why::NoisyBaseline,
    Why::PassByPolicy,
    Why::Kayenta(Said::Marginal),
    Why::ProbeFailed,
    Why::ProbePending,
];

fn told_apart(why: Why) -> Option<Why> {
    TOLD_APART.into_iter().find(|known| *known == why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assessed(decision: Decision, why: Why) -> Assessment {
        Assessment { decision, why, log_evidence: 0.0 }
    }

    fn of(why: Why, source_failed: bool) -> Stance {
        Stance::of(&assessed(Decision::Undecided, why), &Segment::NOWHERE, source_failed)
    }

    #[test]
    fn what_somebody_acts_on_is_a_change() {
        let plain = of(Why::Collecting, false);
        assert_eq!(plain, of(Why::Suspicious, false), "only the numbers differ");
        for why in TOLD_APART {
            assert_ne!(of(why, false), plain, "{why:?}");
        }
        assert_ne!(of(Why::NoisyBaseline, false), of(Why::CommonMode, false));
    }

    #[test]
    fn a_failed_source_goes_before_what_is_not_known() {
        assert!(of(Why::NoisyBaseline, true).is_error() && of(Why::PassByPolicy, true).is_error());
        assert!(!of(Why::CommonMode, true).is_error());
        assert!(!Stance::of(&assessed(Decision::Pass, Why::AllPassed), &Segment::NOWHERE, true).is_error());
    }

    #[test]
    fn what_was_committed_is_recalled() {
        for why in TOLD_APART {
            let verdict = pb::Verdict {
                decision: pb::Decision::Undecided.into(),
                reason: Some(bellwether_proto::common::v1::Reason {
                    code: convert::code(why).to_owned(),
                    ..Default::default()
                }),
                ..Default::default()
            };
            assert_eq!(Stance::recall(&verdict), of(why, false));
        }
    }
}
