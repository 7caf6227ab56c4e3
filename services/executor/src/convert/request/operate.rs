//! What people and agents do to a rollout.

use bellwether_proto::executor::v1 as pb;
use bellwether_resource::error::Problem;
use bellwether_rollout::{Action, Answer, Choice, PauseOwner, Principal, Rollout, RolloutId, Step};

use crate::{
    convert::{
        fields::{Fields, read},
        names::{self, RolloutName},
    },
    problem::STEP_CHANGED,
};

/// The longest text of a reason.
pub(super) const REASON: usize = 1000;

/// A command about one rollout.
pub(crate) struct OnRollout {
    /// The method's short name.
    pub(crate) method: &'static str,
    /// Which rollout.
    pub(crate) name: RolloutName,
    /// The version that the caller has seen; empty: any.
    pub(crate) etag: String,
    /// Whether the caller must have seen one.
    pub(crate) etag_required: bool,
    /// Why.
    pub(crate) reason: String,
    /// What, made from the rollout as it is when the command's turn comes.
    pub(crate) action: Make,
}

/// Makes the action from the rollout and from who asks.
pub(crate) type Make = Box<dyn FnOnce(&Rollout, &Principal) -> Result<Action, Problem> + Send>;

/// Holds a rollout.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn pause(given: &pb::PauseRolloutRequest) -> Result<OnRollout, Problem> {
    let after_step = given.after_step;
    read(|fields| {
        let owner = fields.choice("owner", given.owner);
        let action: Make = Box::new(move |rollout, by| {
            let owner = self::owner(owner, by);
            Ok(Action::Pause { rollout: rollout.id(), owner, after_step })
        });
        on_rollout(
            "PauseRollout",
            fields,
            &given.request_id,
            (&given.name, &given.etag, &given.reason),
            action,
        )
    })
}

/// Lifts a pause: the caller's own unless it says otherwise; a policy's where the caller has none.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn resume(given: &pb::ResumeRolloutRequest) -> Result<OnRollout, Problem> {
    read(|fields| {
        let owner = fields.choice("owner", given.owner);
        let action: Make = Box::new(move |rollout, by| {
            let own = self::owner(owner, by);
            let unsaid = owner.is_none_or(|it| it == pb::pause::Owner::Unspecified);
            let paused = |owner: &PauseOwner| rollout.pauses.iter().any(|pause| pause.owner == *owner);
            let policys = unsaid && !paused(&own) && paused(&PauseOwner::Policy);
            let owner = if policys { PauseOwner::Policy } else { own };
            Ok(Action::Resume { rollout: rollout.id(), owner })
        });
        on_rollout(
            "ResumeRollout",
            fields,
            &given.request_id,
            (&given.name, &given.etag, &given.reason),
            action,
        )
    })
}

/// Skips waiting.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn advance(given: &pb::AdvanceRolloutRequest) -> Result<OnRollout, Problem> {
    let all = given.all;
    read(|fields| {
        let step = fields.count("expected_step_index", given.expected_step_index, 0..=i32::MAX) as usize;
        let action: Make =
            Box::new(move |rollout, _| Ok(Action::Advance { rollout: rollout.id(), step, all }));
        on_rollout(
            "AdvanceRollout",
            fields,
            &given.request_id,
            (&given.name, &given.etag, &given.reason),
            action,
        )
    })
}

/// Takes a rollout back that is in flight.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn abort(given: &pb::AbortRolloutRequest) -> Result<OnRollout, Problem> {
    let action: Make = Box::new(|rollout, _| Ok(Action::Abort { rollout: rollout.id() }));
    read(|fields| {
        on_rollout(
            "AbortRollout",
            fields,
            &given.request_id,
            (&given.name, &given.etag, &given.reason),
            action,
        )
    })
}

/// Takes a rollout back that has succeeded, with a new one.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn rollback(given: &pb::RollbackRolloutRequest, new: RolloutId) -> Result<OnRollout, Problem> {
    let action: Make = Box::new(move |rollout, _| Ok(Action::Rollback { rollout: rollout.id(), new }));
    read(|fields| {
        on_rollout(
            "RollbackRollout",
            fields,
            &given.request_id,
            (&given.name, &given.etag, &given.reason),
            action,
        )
    })
}

/// Moves the permit.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn permit(given: &pb::RenewPermitRequest) -> Result<OnRollout, Problem> {
    read(|fields| {
        let until = fields.timestamp("permit_until", given.permit_until.as_ref());
        let action: Make =
            Box::new(move |rollout, _| Ok(Action::RenewPermit { rollout: rollout.id(), until }));
        fields.request_id(&given.request_id);
        let name = names::rollout(fields, "name", &given.name);
        command("RenewPermit", name, (String::new(), String::new()), action)
    })
}

/// Answers a gate: the one of that id which is open.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn gate(given: &pb::ResolveGateRequest) -> Result<OnRollout, Problem> {
    let wanted = given.gate.clone();
    read(|fields| {
        fields.required("gate", &given.gate, 63);
        let answer = answer(fields, given);
        let action: Make = Box::new(move |rollout, _| {
            let step = open_gate(rollout, &wanted)?;
            Ok(Action::ResolveGate { rollout: rollout.id(), step, answer })
        });
        let named = (given.name.as_str(), given.etag.as_str(), given.reason.as_str());
        let command = on_rollout("ResolveGate", fields, &given.request_id, named, action);
        OnRollout { etag_required: true, ..command }
    })
}

fn answer(fields: &Fields<'_>, given: &pb::ResolveGateRequest) -> Answer {
    use pb::resolve_gate_request::Resolution;
    fields.text("value", &given.value, REASON);
    let resolution = fields.choice("resolution", given.resolution);
    if resolution != Some(Resolution::Value) && !given.value.is_empty() {
        fields.refuse("value", &given.value, "nothing unless the resolution is VALUE");
    }
    match resolution {
        Some(Resolution::Approve) => Answer::Approve,
        Some(Resolution::Value) => Answer::Value(given.value.clone()),
        Some(Resolution::Reject) => Answer::Reject,
        Some(Resolution::Unspecified) => {
            fields.refuse("resolution", "RESOLUTION_UNSPECIFIED", "APPROVE, REJECT or VALUE");
            Answer::Reject
        }
        // refused already
        None => Answer::Reject,
    }
}

fn open_gate(rollout: &Rollout, wanted: &str) -> Result<usize, Problem> {
    match rollout.current() {
        Some(Step::Gate(gate)) if gate.id == wanted => Ok(rollout.step.index),
        _ => {
            let problem = STEP_CHANGED.because(format!("gate {wanted:?} is not open"));
            Err(problem.with("step", rollout.step.index))
        }
    }
}

/// Whose pause it is.
fn owner(given: Option<pb::pause::Owner>, by: &Principal) -> PauseOwner {
    match given {
        Some(pb::pause::Owner::Window) => PauseOwner::Window(by.0.clone()),
        Some(pb::pause::Owner::Policy) => PauseOwner::Policy,
        Some(pb::pause::Owner::Person | pb::pause::Owner::Unspecified) | None => {
            PauseOwner::Person(by.clone())
        }
    }
}

/// What an operator decided.
pub(super) fn choice(fields: &Fields<'_>, given: i32) -> Choice {
    use pb::resolve_interruption_request::Resolution;
    match fields.choice("resolution", given) {
        Some(Resolution::Retry) => Choice::Retry,
        Some(Resolution::Ignore) => Choice::Ignore,
        Some(Resolution::RollBack) => Choice::RollBack,
        Some(Resolution::TakenOver) => Choice::TakenOver,
        Some(Resolution::Unspecified) => {
            fields.refuse("resolution", "RESOLUTION_UNSPECIFIED", "RETRY, IGNORE, ROLL_BACK or TAKEN_OVER");
            Choice::Retry
        }
        // refused already
        None => Choice::Retry,
    }
}

pub(super) fn on_rollout(
    method: &'static str,
    fields: &Fields<'_>,
    request_id: &str,
    (name, etag, reason): (&str, &str, &str),
    action: Make,
) -> OnRollout {
    fields.request_id(request_id);
    fields.required("reason", reason, REASON);
    let name = names::rollout(fields, "name", name);
    command(method, name, (etag.to_owned(), reason.to_owned()), action)
}

fn command(
    method: &'static str,
    name: Option<RolloutName>,
    (etag, reason): (String, String),
    action: Make,
) -> OnRollout {
    // a name that cannot be read is a violation that `read` refuses the request with
    let name = name.unwrap_or(RolloutName::Display(String::new(), 0));
    OnRollout { method, name, etag, etag_required: false, reason, action }
}
