//! RollbackRollout: a new rollout, linked, to what served before.

use super::{Decided, check, start, subject, wrong_state};
use crate::{
    engine::{Ctx, pending::reclaimed},
    input::Command,
    model::{Kind, Past, RolloutId, StartRequest, State, Strategy},
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
    let target = at.checked_sub(1).and_then(|it| past.get(it));
    let target = target.ok_or_else(|| refused("NO_PREVIOUS_VERSION", "nothing served before it".into()))?;
    let back = past.len() - at;
    let window = ctx.policies().rollback_window as usize;
    if back > window {
        return Err(refused(
            "ROLLBACK_WINDOW",
            format!("it is {back} releases back; at most {window} are allowed"),
        ));
    }
    Ok(target)
}
