//! After undoing: is stable well?

use super::Ctx;
use crate::{
    event::{Event, RolloutEvent},
    model::{ItemKind, ItemStatus, Occasion, Reason, State, ValidationItem, since},
};

/// Ready instances that stable needs to count as recovered.
pub(crate) fn required_ready(ctx: &Ctx) -> u32 {
    ctx.rollout.stable_floor.map_or(ctx.state.settled, |floor| floor.min(ctx.state.settled))
}

/// The items; without a stable, or where nobody checks them, NOT_CHECKED from the start. Traffic that has not moved has
/// nothing to recover from.
pub(super) fn start(ctx: &Ctx) -> Event {
    let somebody = |kind| match kind {
        ItemKind::Health => true,
        ItemKind::Performance | ItemKind::ErrorRates | ItemKind::Journeys | ItemKind::Business => {
            ctx.rollout.watched() && ctx.rollout.moved_traffic()
        }
        ItemKind::DataIntegrity => ctx.policies().data_integrity.is_some(),
    };
    let asked = |kind| ctx.base().is_some() && ctx.policies().recovery.items.contains(&kind);
    let checked = |kind| asked(kind) && somebody(kind);
    let item = |kind: &ItemKind| ValidationItem {
        kind: *kind,
        status: if checked(*kind) { ItemStatus::Open } else { ItemStatus::NotChecked },
        value: String::new(),
        baseline: String::new(),
        at: ctx.now,
    };
    let items = ItemKind::of(Occasion::Recovery).iter().map(item).collect();
    ctx.event(RolloutEvent::RecoveryStarted { items })
}

pub(super) fn next(ctx: &Ctx) -> Vec<Event> {
    if let Some(item) = health(ctx) {
        return vec![ctx.event(RolloutEvent::Validated(item))];
    }
    let all = &ctx.rollout.validation;
    let failed: Vec<_> = all.iter().filter(|it| it.status == ItemStatus::Fail).collect();
    if let Some(item) = failed.first() {
        let reason =
            Reason::new("RECOVERY_FAILED", format!("traffic is on stable, but {:?} is not good", item.kind))
                .with("value", &item.value)
                .with("baseline", &item.baseline);
        return vec![ctx.event(RolloutEvent::Interrupted { reason, taken_over: false })];
    }
    let open: Vec<_> = all.iter().filter(|it| it.status == ItemStatus::Open).collect();
    if open.is_empty() {
        return vec![ended(ctx)];
    }
    if since(ctx.rollout.since, ctx.now) >= ctx.policies().recovery.max {
        return open.into_iter().map(|item| closed(ctx, item)).collect();
    }
    Vec::new()
}

/// The executor itself checks this one.
fn health(ctx: &Ctx) -> Option<ValidationItem> {
    let base = ctx.base()?;
    let open = |it: &&ValidationItem| it.kind == ItemKind::Health && it.status == ItemStatus::Open;
    let item = ctx.rollout.validation.iter().find(open)?;
    let (ready, required) = (ctx.state.ready(base), required_ready(ctx));
    let well = ready >= required && ctx.state.route_confirmed();
    well.then(|| ValidationItem {
        status: ItemStatus::Pass,
        value: format!("{ready} ready"),
        baseline: format!("{required} required"),
        at: ctx.now,
        ..item.clone()
    })
}

/// An item that is still open when the time is over.
fn closed(ctx: &Ctx, item: &ValidationItem) -> Event {
    let measured = item.kind == ItemKind::Health || !item.value.is_empty();
    let status = if measured { ItemStatus::Undecided } else { ItemStatus::NotChecked };
    let mut item = ValidationItem { status, at: ctx.now, ..item.clone() };
    if let (ItemKind::Health, Some(base)) = (item.kind, ctx.base()) {
        item.value = format!("{} ready", ctx.state.ready(base));
        item.baseline = format!("{} required", required_ready(ctx));
    }
    ctx.event(RolloutEvent::Validated(item))
}

fn ended(ctx: &Ctx) -> Event {
    let cause = &ctx.rollout.reason;
    let (state, reason) = match (ctx.rollout.superseded_by, ctx.base()) {
        (Some(by), _) => {
            let text = "a newer release came; traffic is on stable";
            (State::Superseded, Reason::new("SUPERSEDED", text).with("by", by))
        }
        (None, None) => {
            let text = format!("there is no version before it, so nobody serves; {}", cause.text);
            (
                State::RolledBack,
                Reason { values: cause.values.clone(), ..Reason::new("NO_PREVIOUS_VERSION", text) },
            )
        }
        (None, Some(_)) => (State::RolledBack, cause.clone()),
    };
    ctx.event(RolloutEvent::Ended { state, reason: reason.with("cause", &cause.code) })
}
