//! RollbackRollout: a new rollout, linked, to what served before. Taking a rollback back goes on to what served before the
//! version that it brought back, never to the one that it had taken away.

use super::{Decided, check, start, subject, wrong_state};
use crate::{
    engine::{Ctx, pending::reclaimed},
    input::Command,
    model::{Kind, Past, RolloutId, StartRequest, State, Strategy, TargetState},
    refusal::{Refusal, Violation},
};

pub(super) fn rollback(ctx: &Ctx, command: &Command, new: RolloutId) -> Decided {
    if ctx.state.rollouts.contains_key(&new) {
        return Err(Refusal::Exists { what: format!("rollouts/{new}") });
    }
    if ctx.rollout.state != State::Succeeded {
        return Err(wrong_state(
            ctx.rollout,
            "only one that has succeeded is taken back; AbortRollout stops a running one",
        ));
    }
    let name = ctx.state.spec.as_ref().map(|it| it.name.clone()).unwrap_or_default();
    check(start::closed(ctx.state, &name))?;
    let target = before(ctx)?;
    let kept = ctx.state.queue.is_empty() && reclaimed(ctx.state, target.fleet).is_some();
    let fleet = if kept { target.fleet } else { new.fleet() };
    let request = StartRequest {
        rollout: new,
        release: target.release.clone(),
        fleet: target.spec.clone(),
        strategy: Strategy::Direct,
        permit_until: None,
        plan_digest: String::new(),
        irreversible: false,
        configuration_diff: String::new(),
        ..ctx.rollout.request.clone()
    };
    start::accept(ctx.state, command, (&request, Kind::Rollback { of: ctx.rollout.id() }, fleet), ctx.now)
}

/// What served before it, within the rollback window.
fn before<'a>(ctx: &Ctx<'a>) -> Result<&'a Past, Refusal> {
    let past = &ctx.state.past;
    let refused = |code: &str, text: String| {
        Refusal::Precondition(vec![Violation::new(code, subject(ctx.rollout), text)])
    };
    let at = past.iter().rposition(|it| it.rollout == ctx.rollout.id());
    let at = at.ok_or_else(|| refused("NOT_STABLE", "it does not serve and has not served lately".into()))?;
    let released = released(ctx.state, at);
    let earlier = released.and_then(|it| Some((it, past.get(it.checked_sub(1)?)?)));
    let (released, target) =
        earlier.ok_or_else(|| refused("NO_PREVIOUS_VERSION", "nothing served before it".into()))?;
    let back = past.iter().skip(released).filter(|it| taken_back(ctx.state, it).is_none()).count();
    let window = ctx.policies().rollback_window as usize;
    if back > window {
        return Err(refused(
            "ROLLBACK_WINDOW",
            format!("it is {back} releases back; at most {window} are allowed"),
        ));
    }
    Ok(target)
}

/// Where in the past the version of the entry `at` was released; an earlier place than its own where a rollback brought it
/// back. None: too long ago.
fn released(state: &TargetState, at: usize) -> Option<usize> {
    let Some(of) = taken_back(state, state.past.get(at)?) else { return Some(at) };
    let of = state.past.iter().take(at).rposition(|it| it.rollout == of)?;
    released(state, released(state, of)?.checked_sub(1)?)
}

/// What the entry's rollout took back, if it was a rollback.
fn taken_back(state: &TargetState, entry: &Past) -> Option<RolloutId> {
    match state.rollouts.get(&entry.rollout)?.kind {
        Kind::Rollback { of } => Some(of),
        Kind::Release => None,
    }
}
