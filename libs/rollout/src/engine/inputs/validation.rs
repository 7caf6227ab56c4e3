//! Items of validations that others look at.

use jiff::Timestamp;

use super::begun;
use crate::{
    engine::{Ctx, failure::Failure, failure::fail},
    event::{Event, RolloutEvent},
    model::{ItemKind, ItemStatus, Occasion, Reason, RolloutId, State, TargetState, ValidationItem},
};

pub(super) struct Found {
    pub(super) item: ItemKind,
    pub(super) status: ItemStatus,
    pub(super) value: String,
    pub(super) baseline: String,
}

pub(super) fn validation(
    state: &TargetState,
    id: RolloutId,
    occasion: Occasion,
    found: Found,
    now: Timestamp,
) -> Vec<Event> {
    let Some(ctx) = begun(state, id, now) else { return Vec::new() };
    let current = match occasion {
        Occasion::Recovery => ctx.rollout.state == State::Recovering,
        Occasion::PostDeployment => ctx.rollout.is_running(),
    };
    let reported = !matches!(found.status, ItemStatus::Open | ItemStatus::NotChecked);
    let known = ItemKind::of(occasion).contains(&found.item) && open(&ctx, occasion, found.item);
    if !current || !reported || !known {
        return Vec::new();
    }
    let failed = occasion == Occasion::PostDeployment && found.status == ItemStatus::Fail;
    let Found { item: kind, status, value, baseline } = found;
    let status = if occasion == Occasion::Recovery && status == ItemStatus::Undecided {
        ItemStatus::Open
    } else {
        status
    };
    let item = ValidationItem { kind, status, value, baseline, at: now };
    let same = |it: &&ValidationItem| ValidationItem { at: now, ..(*it).clone() } == item;
    if ctx.rollout.validation.iter().any(|it| same(&it)) {
        return Vec::new();
    }
    let why = Reason::new("VALIDATION_FAILED", format!("post-deployment validation: {kind:?} is not good"))
        .with("value", &item.value)
        .with("baseline", &item.baseline);
    let mut events = vec![ctx.event(RolloutEvent::Validated(item))];
    if failed {
        events.extend(fail(&ctx, Failure::Verdict, why));
    }
    events
}

/// In recovery an item is decided once; after a deployment the latest counts, a repetition not.
fn open(ctx: &Ctx, occasion: Occasion, kind: ItemKind) -> bool {
    let known = ctx.rollout.validation.iter().find(|it| it.kind == kind);
    match occasion {
        Occasion::Recovery => known.is_some_and(|it| matches!(it.status, ItemStatus::Open)),
        Occasion::PostDeployment => known.is_none(),
    }
}
