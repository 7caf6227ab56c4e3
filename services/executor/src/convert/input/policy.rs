//! What happens when something does not go as it should.

use std::time::Duration;

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{
    FailurePolicy, Hook, OnNewer, Policies, Reaction, Recovery, RollbackMode, StableUnhealthy,
};

use super::hook::hook;
use crate::convert::fields::Fields;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
const SECOND: Duration = Duration::from_secs(1);

/// The policies of a rollout; `irreversible` says that its migrations cannot be undone.
pub(crate) fn policies(fields: &Fields<'_>, given: &pb::RolloutPolicy, irreversible: bool) -> Policies {
    let default = Policies::default();
    let span = |name: &'static str, value: Option<&bellwether_proto::Duration>, range, default| {
        fields.duration(name, value, range, default)
    };
    let rollback_window = match given.rollback_window {
        0 => default.rollback_window,
        window => fields.count("rollback_window", window, 1..=100),
    };
    Policies {
        failure: failure(fields, given, irreversible),
        guided: given.guided,
        rollback_mode: rollback_mode(fields, given.rollback_mode),
        keep: span("keep", given.keep.as_ref(), Duration::ZERO..=WEEK, default.keep),
        progress_deadline: span(
            "progress_deadline",
            given.progress_deadline.as_ref(),
            SECOND..=WEEK,
            default.progress_deadline,
        ),
        newer: newer(fields, given.superseding),
        stable_unhealthy: if given.allow_unhealthy_stable {
            StableUnhealthy::Allow
        } else {
            StableUnhealthy::Refuse
        },
        drain: span("drain", given.drain.as_ref(), Duration::ZERO..=HOUR, default.drain),
        rollback_window,
        recovery: Recovery {
            max: span("recovery_max", given.recovery_max.as_ref(), SECOND..=HOUR, default.recovery.max),
            ..default.recovery
        },
        data_integrity: data_integrity(fields, given.data_integrity.as_ref()),
        ..default
    }
}

/// A call that only reads has nothing to undo, and is made again where nobody knows how it went.
fn data_integrity(fields: &Fields<'_>, given: Option<&pb::Hook>) -> Option<Hook> {
    let (fields, given) = (fields.at("data_integrity"), given?);
    if given.on_undo.is_some() {
        fields.refuse("on_undo", "a hook", "nothing: it only reads");
    }
    hook(&fields, given)
}

fn failure(fields: &Fields<'_>, given: &pb::RolloutPolicy, irreversible: bool) -> FailurePolicy {
    let default = FailurePolicy::default();
    let deploy = given.on_deploy_failure;
    let monitor_lost = given.on_monitor_lost;
    let verdict = reaction(fields, "on_fail", given.on_fail, Reaction::Pause, default.verdict);
    let deploy = reaction(fields, "on_deploy_failure", deploy, Reaction::Pause, default.deploy);
    let lost = reaction(fields, "on_monitor_lost", monitor_lost, Reaction::Hold, default.monitor_lost);
    FailurePolicy {
        verdict: if irreversible { Reaction::Stay } else { verdict },
        deploy,
        hook: deploy,
        deadline: deploy,
        no_data: reaction(fields, "on_no_data", given.on_no_data, Reaction::Hold, default.no_data),
        max_hold: fields.duration(
            "max_hold",
            given.max_hold.as_ref(),
            Duration::ZERO..=DAY,
            default.max_hold,
        ),
        monitor_lost: lost,
        error: lost,
        undecided: undecided(fields, given.on_undecided, default.undecided),
    }
}

/// `pause` is what PAUSE means for this failure: a policy's pause where it may recover by itself, else a hold.
fn reaction(
    fields: &Fields<'_>,
    name: &'static str,
    given: i32,
    pause: Reaction,
    default: Reaction,
) -> Reaction {
    let reaction = any_reaction(fields, name, given, pause, default);
    if reaction == Reaction::Advance {
        fields.refuse(name, "FAILURE_ACTION_ADVANCE", "ROLL_BACK, PAUSE or STAY");
    }
    reaction
}

fn undecided(fields: &Fields<'_>, given: i32, default: Reaction) -> Reaction {
    any_reaction(fields, "on_undecided", given, Reaction::Hold, default)
}

fn any_reaction(
    fields: &Fields<'_>,
    name: &'static str,
    given: i32,
    pause: Reaction,
    default: Reaction,
) -> Reaction {
    match fields.choice(name, given) {
        None | Some(pb::FailureAction::Unspecified) => default,
        Some(pb::FailureAction::RollBack) => Reaction::RollBack,
        Some(pb::FailureAction::Pause) => pause,
        Some(pb::FailureAction::Stay) => Reaction::Stay,
        Some(pb::FailureAction::Advance) => Reaction::Advance,
    }
}

fn rollback_mode(fields: &Fields<'_>, given: i32) -> RollbackMode {
    match fields.choice("rollback_mode", given) {
        None | Some(pb::RollbackMode::Unspecified | pb::RollbackMode::Instant) => RollbackMode::Instant,
        Some(pb::RollbackMode::Ramped) => RollbackMode::Ramped,
        Some(pb::RollbackMode::Stay) => RollbackMode::Stay,
    }
}

fn newer(fields: &Fields<'_>, given: i32) -> OnNewer {
    match fields.choice("superseding", given) {
        None | Some(pb::Superseding::Unspecified | pb::Superseding::Supersede) => OnNewer::Supersede,
        Some(pb::Superseding::Queue) => OnNewer::Queue,
    }
}
