//! Bake: watches the verdicts of its segment. Ends on PASS, or on a recorded override or policy choice only.

use crate::{
    engine::{
        Ctx,
        failure::{Failure, fail, reaction},
        validation::found,
    },
    event::{Event, RolloutEvent},
    model::{
        Bake, Decision, Hold, HoldKind, ItemKind, ItemStatus, Occasion, Override, Reaction, Reason, StepEnd,
        StepKind, ValidationItem, Verdict, since,
        verdict::{COMMON_MODE, PASS_BY_POLICY},
    },
};

pub(super) fn next(ctx: &Ctx, step: Bake) -> Vec<Event> {
    if let Some(Override { by, reason, .. }) =
        ctx.rollout.advancing.as_ref().or(ctx.rollout.ignoring.as_ref())
    {
        return end(ctx, StepEnd::Overridden { by: by.clone(), reason: reason.clone() });
    }
    if degraded(ctx) {
        return Vec::new();
    }
    if !step.checks {
        let over = since(ctx.rollout.step.since, ctx.now) >= step.min;
        return if over { end(ctx, StepEnd::Done) } else { Vec::new() };
    }
    let baked = ctx.rollout.step.observed.elapsed(ctx.now) >= step.min;
    let live = ctx.rollout.monitor.up;
    let late = ctx.rollout.step.unpaused.elapsed(ctx.now) >= step.max;
    if baked && live && passed(ctx) && (late || looked_at(ctx)) {
        return end(ctx, StepEnd::Passed);
    }
    if let Some(verdict) = undecided(ctx).filter(|it| baked && live && it.reason.code == PASS_BY_POLICY) {
        return end(ctx, StepEnd::ByPolicy { reason: verdict.reason.clone() });
    }
    if late && ctx.rollout.hold.is_none() && !passed(ctx) {
        return over(ctx, step);
    }
    Vec::new()
}

/// While the share has followed readiness down, what is watched is not what was asked for.
fn degraded(ctx: &Ctx) -> bool {
    ctx.rollout.route.percent.is_some_and(|asked| ctx.base().is_some() && ctx.share() < asked)
}

fn current(ctx: &Ctx) -> Option<Verdict> {
    let about = |it: &&Verdict| it.segment == ctx.rollout.segment && it.analysis == ctx.rollout.analysis;
    ctx.rollout.verdict.as_ref().filter(about).cloned()
}

fn passed(ctx: &Ctx) -> bool {
    let failed = ctx.rollout.verdict.as_ref().is_some_and(|it| it.decision == Decision::Fail);
    ctx.rollout.passed == Some(ctx.rollout.segment) && !failed
}

fn undecided(ctx: &Ctx) -> Option<Verdict> {
    current(ctx).filter(|it| it.decision == Decision::Undecided)
}

/// No decision at `max`: the policy's choice, with the numbers.
fn over(ctx: &Ctx, step: Bake) -> Vec<Event> {
    let verdict = undecided(ctx);
    if !ctx.rollout.monitor.up || verdict.as_ref().is_some_and(|it| it.reason.code == COMMON_MODE) {
        return Vec::new();
    }
    let mut reason = Reason::new("UNDECIDED_AT_MAX", "no decision within the longest bake");
    if let Some(verdict) = &verdict {
        reason.values.clone_from(&verdict.reason.values);
        reason.text = format!("{}: {}", reason.text, verdict.reason.text);
    }
    let reason = reason.with("max_seconds", step.max.as_secs());
    match reaction(ctx, Failure::Undecided) {
        Reaction::Advance => end(ctx, StepEnd::ByPolicy { reason }),
        Reaction::Hold => {
            let hold = Hold { kind: HoldKind::Undecided, reason, since: ctx.now };
            vec![ctx.event(RolloutEvent::Held(Some(hold)))]
        }
        Reaction::RollBack | Reaction::Pause | Reaction::Stay => fail(ctx, Failure::Undecided, reason),
    }
}

/// Whether it is the post-deployment validation.
fn last(ctx: &Ctx) -> bool {
    !ctx.rollout.steps.iter().skip(ctx.rollout.step.index + 1).any(|it| it.kind() == StepKind::Bake)
}

/// Whether all was looked at that somebody looks at, where this is the post-deployment validation.
fn looked_at(ctx: &Ctx) -> bool {
    let known = |kind: &ItemKind| ctx.rollout.validation.iter().any(|it| it.kind == *kind);
    !last(ctx) || ctx.policies().validation.iter().all(known)
}

fn end(ctx: &Ctx, end: StepEnd) -> Vec<Event> {
    let mut events = if last(ctx) { validated(ctx) } else { Vec::new() };
    events.push(ctx.ended(end));
    if ctx.rollout.hold.as_ref().is_some_and(|it| it.kind == HoldKind::Undecided) {
        events.push(ctx.event(RolloutEvent::Held(None)));
    }
    events
}

/// The last Bake is the post-deployment validation: what was looked at, and what was not.
fn validated(ctx: &Ctx) -> Vec<Event> {
    let known = |kind| ctx.rollout.validation.iter().any(|it| it.kind == kind);
    let open = ItemKind::of(Occasion::PostDeployment).iter().filter(|kind| !known(**kind));
    open.map(|kind| ctx.event(RolloutEvent::Validated(item(ctx, *kind)))).collect()
}

fn item(ctx: &Ctx, kind: ItemKind) -> ValidationItem {
    let blank = ValidationItem {
        kind,
        status: ItemStatus::NotChecked,
        value: String::new(),
        baseline: String::new(),
        at: ctx.now,
    };
    if kind == ItemKind::Health {
        let (ready, n) = (ctx.state.ready(ctx.candidate()), ctx.state.settled);
        let status = if ready >= n { ItemStatus::Pass } else { ItemStatus::Undecided };
        return ValidationItem {
            status,
            value: format!("{ready} ready"),
            baseline: format!("{n} required"),
            ..blank
        };
    }
    let Some(verdict) = current(ctx) else { return blank };
    let Some(found) = found(&verdict, kind) else { return blank };
    ValidationItem { status: found.status, value: found.value, baseline: found.baseline, ..blank }
}
