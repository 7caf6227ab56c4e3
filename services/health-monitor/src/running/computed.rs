//! Checks of computed values that cannot be computed.

use bellwether_judge::settings::{CheckKind, CheckSpec, Role};
use bellwether_proto::{common::v1::Reason, monitor::v1 as pb};

use super::Inner;
use crate::sources::derived::Trouble;

// === impl Inner ===

impl Inner {
    /// Whether PASS would rest on a check that cannot be judged.
    pub(super) fn is_blocked(&self) -> bool {
        self.unjudged().any(|(check, trouble)| is_blocked(check, trouble))
    }

    /// Why it would.
    pub(super) fn blocked(&self) -> Reason {
        let blocked = || self.unjudged().filter(|(check, trouble)| is_blocked(check, trouble));
        let texts: Vec<String> = blocked().map(|(check, trouble)| text(check, trouble)).collect();
        let ids: Vec<&str> = blocked().map(|(check, _)| check.id.as_str()).collect();
        reason(texts.join("; "), ids.join(", "))
    }

    /// Says ERROR of the checks that cannot be judged.
    pub(super) fn with_computed(&self, mut verdict: pb::Verdict) -> pb::Verdict {
        for (check, trouble) in self.unjudged() {
            let text = text(check, trouble);
            if let Some(shown) = verdict.checks.iter_mut().find(|shown| shown.id == check.id) {
                shown.decision = pb::Decision::Error.into();
                shown.text.clone_from(&text);
            }
            verdict.warnings.push(reason(text, check.id.clone()));
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

fn reason(text: String, checks: String) -> Reason {
    Reason { code: "CHECK_ERROR".to_owned(), text, values: [("checks".to_owned(), checks)].into() }
}
