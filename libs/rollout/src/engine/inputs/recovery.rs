//! What the monitor says of stable after a rollback, as items of the recovery validation.

use jiff::Timestamp;

use super::begun;
use crate::{
    engine::validation::found,
    event::{Event, RolloutEvent},
    model::{Decision, ItemKind, ItemStatus, State, TargetState, ValidationItem, Verdict},
};

/// An item that was decided stays as it is; one that is open gets its numbers, and at PASS or FAIL its end.
pub(super) fn verdict(state: &TargetState, verdict: &Verdict, now: Timestamp) -> Vec<Event> {
    let Some(ctx) = begun(state, verdict.rollout, now) else { return Vec::new() };
    let rollout = ctx.rollout;
    if rollout.state != State::Recovering || verdict.analysis != rollout.recoveries {
        return Vec::new();
    }
    let open = |it: &&ValidationItem| ItemKind::MONITORED.contains(&it.kind) && it.status == ItemStatus::Open;
    let mut items: Vec<_> =
        rollout.validation.iter().filter(open).map(|it| looked_at(it, verdict, now)).collect();
    blame(&mut items, verdict);
    let said = |item: &ValidationItem| {
        !rollout.validation.iter().any(|it| ValidationItem { at: now, ..it.clone() } == *item)
    };
    items.into_iter().filter(said).map(|item| ctx.event(RolloutEvent::Validated(item))).collect()
}

fn looked_at(item: &ValidationItem, verdict: &Verdict, now: Timestamp) -> ValidationItem {
    let last = matches!(verdict.decision, Decision::Pass | Decision::Fail);
    let blank = ValidationItem { at: now, ..item.clone() };
    match found(verdict, item.kind) {
        Some(found) => {
            let goes_on = !last && found.status == ItemStatus::Undecided;
            let status = if goes_on { ItemStatus::Open } else { found.status };
            ValidationItem { status, value: found.value, baseline: found.baseline, ..blank }
        }
        // the verdict names all checks that there are: nobody will look at it
        None if last || !verdict.checks.is_empty() => {
            ValidationItem { status: ItemStatus::NotChecked, ..blank }
        }
        None => blank,
    }
}

/// A FAIL that no check answers for (a hard limit, a critical event) is never lost.
fn blame(items: &mut [ValidationItem], verdict: &Verdict) {
    let failed = verdict.decision == Decision::Fail && !items.iter().any(|it| it.status == ItemStatus::Fail);
    let errors = items.iter_mut().find(|it| it.kind == ItemKind::ErrorRates);
    if let Some(item) = errors.filter(|_| failed) {
        item.status = ItemStatus::Fail;
        item.value = format!("{}: {}", verdict.reason.code, verdict.reason.text);
    }
}
