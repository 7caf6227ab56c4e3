//! What the checks of a verdict say about the items of a validation.

use crate::model::{Decision, ItemKind, ItemStatus, Level, Verdict, verdict::Check};

/// What was found about an item.
pub(super) struct Found {
    pub(super) status: ItemStatus,
    pub(super) value: String,
    pub(super) baseline: String,
}

/// None: no check speaks for it. Good is what a check has shown to be good; that nothing bad was seen is no finding.
pub(super) fn found(verdict: &Verdict, kind: ItemKind) -> Option<Found> {
    let checks: Vec<&Check> = verdict.checks.iter().filter(|it| it.item == Some(kind)).collect();
    let bad = checks.iter().find(|it| it.level == Level::Fail || it.decision == Some(Decision::Fail));
    let good = checks.iter().find(|it| it.decision.unwrap_or(verdict.decision) == Decision::Pass);
    let measured = checks.iter().find(|it| !it.value.is_empty());
    let (status, check) = match (bad, good) {
        (Some(bad), _) => (ItemStatus::Fail, bad),
        (None, Some(good)) => (ItemStatus::Pass, good),
        (None, None) => (ItemStatus::Undecided, measured.or(checks.first())?),
    };
    Some(Found { status, value: check.value.clone(), baseline: check.baseline.clone() })
}
