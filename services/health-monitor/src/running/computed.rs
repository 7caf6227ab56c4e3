//! Checks of computed values that cannot be computed: ERROR where the expression gives no number, NO_DATA where a metric is not told.

use std::collections::BTreeSet;

use bellwether_judge::{
    Assessment, Decision, Why,
    settings::{CheckKind, CheckSpec, Role},
};
use bellwether_proto::{common::v1::Reason, monitor::v1 as pb};

use super::Inner;
use crate::sources::derived::Trouble;

// === impl Inner ===

impl Inner {
    /// Whether PASS would rest on a check that cannot be judged.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocking(false).next().is_some()
    }

    /// What is decided, unless a metric has not been told for so long that PASS would rest on nothing.
    pub(super) fn lacking(&self, said: Assessment) -> Assessment {
        match said.decision {
            Decision::Undecided if said.why != Why::CommonMode && self.blocking(true).next().is_some() => {
                Assessment { decision: Decision::NoData, why: Why::NoSamples, ..said }
            }
            _ => said,
        }
    }

    /// With which metric is not told, where that is why there is no data.
    pub(super) fn with_lacking(&self, mut verdict: pb::Verdict) -> pb::Verdict {
        let lacks = self.stance.lacks_data() && self.blocking(true).next().is_some();
        if lacks {
            verdict.decision = pb::Decision::NoData.into();
            let missing: BTreeSet<&str> =
                self.blocking(true).flat_map(|(_, trouble)| &trouble.missing).map(String::as_str).collect();
            let mut reason = self.why("NO_SAMPLES", true);
            reason.values.insert("metrics".to_owned(), missing.into_iter().collect::<Vec<_>>().join(", "));
            verdict.reason = Some(reason);
        }
        verdict
    }

    /// Why it would.
    pub(super) fn blocked(&self) -> Reason {
        self.why("CHECK_ERROR", false)
    }

    fn why(&self, code: &str, missing: bool) -> Reason {
        let texts: Vec<String> =
            self.blocking(missing).map(|(check, trouble)| text(check, trouble)).collect();
        let ids: Vec<&str> = self.blocking(missing).map(|(check, _)| check.id.as_str()).collect();
        reason(code, texts.join("; "), ids.join(", "))
    }

    /// Checks that PASS would rest on and that cannot be judged: for want of a metric, or because there is no number.
    fn blocking(&self, missing: bool) -> impl Iterator<Item = (&CheckSpec, &Trouble)> {
        self.unjudged().filter(move |(check, trouble)| {
            trouble.missing.is_empty() != missing && is_blocked(check, trouble)
        })
    }

    /// Says ERROR, or NO_DATA, of the checks that cannot be judged.
    pub(super) fn with_computed(&self, mut verdict: pb::Verdict) -> pb::Verdict {
        for (check, trouble) in self.unjudged() {
            let text = text(check, trouble);
            if let Some(shown) = verdict.checks.iter_mut().find(|shown| shown.id == check.id) {
                shown.decision = match trouble.missing.is_empty() {
                    true => pb::Decision::Error.into(),
                    false => pb::Decision::NoData.into(),
                };
                shown.text.clone_from(&text);
            }
            let code = if trouble.missing.is_empty() { "CHECK_ERROR" } else { "METRIC_MISSING" };
            verdict.warnings.push(reason(code, text, check.id.clone()));
        }
        verdict
    }

    fn unjudged(&self) -> impl Iterator<Item = (&CheckSpec, &Trouble)> {
        let checks = self.judge.settings().checks.iter();
        checks.filter_map(|check| {
            let metric = match &check.kind {
                CheckKind::Gauge(gauge) => &gauge.metric,
                CheckKind::Saturation(saturation) => &saturation.metric,
                CheckKind::ErrorRate(_)
                | CheckKind::Latency(_)
                | CheckKind::StatusShare(_)
                | CheckKind::TrafficShare
                | CheckKind::Connections(_)
                | CheckKind::Count(_)
                | CheckKind::Probes(_) => return None,
            };
            Some((check, self.derivations.trouble(metric)?))
        })
    }
}

/// Once is nothing; what only warns holds nobody up.
fn is_blocked(check: &CheckSpec, trouble: &Trouble) -> bool {
    check.role != Role::Advisory && trouble.is_lasting()
}

fn text(check: &CheckSpec, trouble: &Trouble) -> String {
    format!("{} cannot be judged since {}: {}", check.id, trouble.since, trouble.problem)
}

fn reason(code: &str, text: String, checks: String) -> Reason {
    Reason { code: code.to_owned(), text, values: [("checks".to_owned(), checks)].into() }
}
