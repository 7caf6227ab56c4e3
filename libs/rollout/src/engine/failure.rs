//! What a failure leads to, by policy.

use super::{Ctx, undo};
use crate::{
    event::{Event, RolloutEvent},
    model::{FailurePolicy, Kind, Pause, PauseOwner, Reaction, Reason},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Verdict,
    Deploy,
    Hook,
    Deadline,
    NoData,
    MonitorLost,
    Error,
    Undecided,
}

/// What this failure leads to here; nothing when the policy holds, or has paused for it already.
pub(super) fn fail(ctx: &Ctx, failure: Failure, reason: Reason) -> Vec<Event> {
    match reaction(ctx, failure) {
        Reaction::RollBack => undo::begin(ctx, reason, None),
        Reaction::Pause => pause(ctx, reason),
        Reaction::Stay => vec![interrupt(ctx, stays(ctx, reason))],
        Reaction::Hold | Reaction::Advance => match failure {
            Failure::Verdict | Failure::Deploy | Failure::Hook | Failure::Deadline => {
                vec![interrupt(ctx, reason)]
            }
            Failure::NoData | Failure::MonitorLost | Failure::Error | Failure::Undecided => Vec::new(),
        },
    }
}

/// The configured reaction; ROLL_BACK is STAY where a rollout must never be taken back by itself.
pub(super) fn reaction(ctx: &Ctx, failure: Failure) -> Reaction {
    let configured = failure.configured(&ctx.policies().failure);
    match configured {
        Reaction::RollBack if ctx.rollout.stays() => Reaction::Stay,
        Reaction::Pause if matches!(ctx.rollout.kind, Kind::Rollback { .. }) || ctx.policies().guided => {
            Reaction::Stay
        }
        other => other,
    }
}

pub(super) fn interrupt(ctx: &Ctx, reason: Reason) -> Event {
    ctx.event(RolloutEvent::Interrupted { reason, taken_over: false })
}

fn pause(ctx: &Ctx, reason: Reason) -> Vec<Event> {
    if ctx.pause_of(&PauseOwner::Policy).is_some() {
        return Vec::new();
    }
    let pause = Pause { owner: PauseOwner::Policy, reason, since: ctx.now, after_step: false };
    vec![ctx.event(RolloutEvent::Paused(pause))]
}

/// Says why nothing is taken back.
fn stays(ctx: &Ctx, mut reason: Reason) -> Reason {
    let why = if ctx.rollout.request.irreversible {
        "IRREVERSIBLE_MIGRATION"
    } else if matches!(ctx.rollout.kind, Kind::Rollback { .. }) {
        "ROLLBACK_IS_NOT_ROLLED_BACK"
    } else if ctx.policies().guided {
        "GUIDED_FAILURE"
    } else {
        "POLICY_STAY"
    };
    reason.text = format!("{}; nothing is taken back by itself", reason.text);
    reason.with("stay", why)
}

// === impl Failure ===

impl Failure {
    const fn configured(self, policy: &FailurePolicy) -> Reaction {
        match self {
            Self::Verdict => policy.verdict,
            Self::Deploy => policy.deploy,
            Self::Hook => policy.hook,
            Self::Deadline => policy.deadline,
            Self::NoData => policy.no_data,
            Self::MonitorLost => policy.monitor_lost,
            Self::Error => policy.error,
            Self::Undecided => policy.undecided,
        }
    }
}
