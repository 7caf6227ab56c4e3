//! What acts at any moment, whatever step runs: FAIL, hard limits, missing data.

use std::time::Duration;

use super::{
    Ctx,
    failure::{Failure, fail, reaction},
    problem::{blocked, explained},
    undo,
};
use crate::{
    event::Event,
    model::{Decision, HoldKind, Origin, Reaction, Reason, State, since},
};

const LOOP: Duration = Duration::from_secs(60);
/// Losses within this time belong together: until then nothing is done about one.
pub(crate) const ALONE: Duration = Duration::from_secs(60);

/// While a step runs.
pub(super) fn running(ctx: &Ctx) -> Vec<Event> {
    let found =
        [hard_limit(ctx).map(|it| (Failure::Deploy, it)), failed(ctx).map(|it| (Failure::Verdict, it))];
    let held = [no_data(ctx).map(|it| (Failure::NoData, it)), lost(ctx)];
    for (failure, reason) in found.into_iter().chain(held).flatten() {
        let events = fail(ctx, failure, reason);
        if !events.is_empty() {
            return events;
        }
    }
    Vec::new()
}

/// While a person is asked: FAIL and hard limits still take it back, unless the policy says STAY.
pub(super) fn interrupted(ctx: &Ctx) -> Vec<Event> {
    if !matches!(ctx.rollout.state, State::NeedsOperator { from: Origin::Running, taken_over: false }) {
        return Vec::new();
    }
    let found =
        [hard_limit(ctx).map(|it| (Failure::Deploy, it)), failed(ctx).map(|it| (Failure::Verdict, it))];
    let back = |(failure, reason)| {
        let acts = reaction(ctx, failure) == Reaction::RollBack;
        acts.then(|| undo::begin(ctx, reason, None))
    };
    found.into_iter().flatten().find_map(back).unwrap_or_default()
}

fn failed(ctx: &Ctx) -> Option<Reason> {
    let verdict = ctx.rollout.verdict.as_ref().filter(|it| it.decision == Decision::Fail)?;
    if ctx.rollout.ignoring.is_some() {
        return None;
    }
    let mut reason = Reason::new("VERDICT_FAIL", verdict.reason.text.clone());
    reason.values.clone_from(&verdict.reason.values);
    Some(reason.with("verdict", &verdict.reason.code).with("segment", verdict.segment))
}

fn hard_limit(ctx: &Ctx) -> Option<Reason> {
    let seen = crash_loop(ctx).or_else(|| down(ctx)).or_else(|| short(ctx));
    seen.map(|reason| explained(ctx, reason)).or_else(|| blocked(ctx))
}

fn crash_loop(ctx: &Ctx) -> Option<Reason> {
    let [first, _, last] = ctx.rollout.crashes.as_slice() else { return None };
    let span = since(*first, *last);
    let reason = || {
        Reason::new("CRASH_LOOP", "instances of the candidate ended by themselves 3 times within a minute")
            .with("crashes", 3)
            .with("seconds", span.as_secs())
    };
    (span <= LOOP).then(reason)
}

fn down(ctx: &Ctx) -> Option<Reason> {
    let share = ctx.share();
    let down = ctx.degraded() && !share.is_zero() && ctx.state.ready(ctx.candidate()) == 0;
    down.then(|| {
        Reason::new("CANDIDATE_DOWN", "the candidate has traffic and no ready instance").with("share", share)
    })
}

fn short(ctx: &Ctx) -> Option<Reason> {
    let limit = ctx.policies().progress_deadline;
    let begin = ctx.rollout.below_since.filter(|begin| since(*begin, ctx.now) >= limit)?;
    let ready = ctx.state.ready(ctx.candidate());
    let required = ctx.rollout.route.percent.unwrap_or_default().of(ctx.state.settled);
    let reason = Reason::new("NOT_READY", "too few instances of the candidate are ready for its share");
    Some(
        reason
            .with("ready", ready)
            .with("required", required)
            .with("seconds", since(begin, ctx.now).as_secs()),
    )
}

/// What this target alone has lost; what others lost within the same minute holds as COMMON_MODE.
fn lost(ctx: &Ctx) -> Option<(Failure, Reason)> {
    let hold = ctx.rollout.hold.as_ref().filter(|it| since(it.since, ctx.now) >= ALONE)?;
    match hold.kind {
        HoldKind::MonitorLost => Some((Failure::MonitorLost, hold.reason.clone())),
        HoldKind::Error => Some((Failure::Error, hold.reason.clone())),
        HoldKind::NoData | HoldKind::CommonMode | HoldKind::Undecided => None,
    }
}

fn no_data(ctx: &Ctx) -> Option<Reason> {
    let hold = ctx.rollout.hold.as_ref().filter(|it| it.kind == HoldKind::NoData)?;
    let held = since(hold.since, ctx.now);
    let reason = || {
        Reason::new("NO_DATA", "the candidate should have traffic and nothing has arrived for too long")
            .with("held_seconds", held.as_secs())
            .with("max_hold_seconds", ctx.policies().failure.max_hold.as_secs())
    };
    (held >= ctx.policies().failure.max_hold).then(reason)
}
