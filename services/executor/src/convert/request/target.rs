//! What is done to targets.

use bellwether_proto::executor::v1 as pb;
use bellwether_resource::{error::Problem, name::TARGET};
use bellwether_rollout::{Action, Choice, TargetSpec};

use super::operate::{Make, OnRollout, REASON, choice};
use crate::convert::{
    fields::{Fields, read},
    input::target_spec,
    names,
};

/// A command about one target.
pub(crate) struct OnTarget {
    /// The method's short name.
    pub(crate) method: &'static str,
    /// Its name without the collection.
    pub(crate) target: String,
    /// The version that the caller has seen; empty: any.
    pub(crate) etag: String,
    /// Why.
    pub(crate) reason: String,
    /// What.
    pub(crate) action: Action,
}

/// An interruption of a rollout, or of a target.
pub(crate) enum Interrupted {
    /// `rollouts/…`.
    Rollout(OnRollout),
    /// `targets/…`: its rollout where that needs an operator, else the target itself.
    Target(OnTarget, Choice),
}

/// Creates or changes a target.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn apply(
    given: &pb::ApplyTargetRequest,
    platforms: &[String],
    routers: &[String],
) -> Result<OnTarget, Problem> {
    read(|fields| {
        fields.request_id(&given.request_id);
        let etag = given.target.as_ref().and_then(|it| it.metadata.as_ref()).map(|it| it.etag.clone());
        let spec = match &given.target {
            Some(target) => target_spec(&fields.at("target"), target, platforms, routers),
            None => {
                fields.refuse("target", "", "the target");
                TargetSpec::default()
            }
        };
        OnTarget {
            method: "ApplyTarget",
            target: spec.name.clone(),
            etag: etag.unwrap_or_default(),
            reason: String::new(),
            action: Action::Apply(Box::new(spec)),
        }
    })
}

/// Removes a target.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn delete(given: &pb::DeleteTargetRequest) -> Result<OnTarget, Problem> {
    read(|fields| {
        let (name, reason) = (("name", given.name.as_str()), given.reason.as_str());
        let command = on_target("DeleteTarget", fields, &given.request_id, name, reason, Action::Delete);
        OnTarget { etag: given.etag.clone(), ..command }
    })
}

/// Gives a target back that was taken over.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn hand_back(given: &pb::HandBackRequest) -> Result<OnTarget, Problem> {
    read(|fields| {
        let name = ("target", given.target.as_str());
        on_target("HandBack", fields, &given.request_id, name, &given.reason, Action::HandBack)
    })
}

/// Answers a rollout or a target that needs an operator.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn interruption(given: &pb::ResolveInterruptionRequest) -> Result<Interrupted, Problem> {
    const METHOD: &str = "ResolveInterruption";
    read(|fields| {
        let choice = choice(fields, given.resolution);
        if given.name.starts_with(TARGET.collection) {
            let action = Action::ResolveInterruption { rollout: None, choice };
            let name = ("name", given.name.as_str());
            let command = on_target(METHOD, fields, &given.request_id, name, &given.reason, action);
            return Interrupted::Target(OnTarget { etag: given.etag.clone(), ..command }, choice);
        }
        let action: Make = Box::new(move |rollout, _| {
            Ok(Action::ResolveInterruption { rollout: Some(rollout.id()), choice })
        });
        let named = (given.name.as_str(), given.etag.as_str(), given.reason.as_str());
        Interrupted::Rollout(super::operate::on_rollout(METHOD, fields, &given.request_id, named, action))
    })
}

fn on_target(
    method: &'static str,
    fields: &Fields<'_>,
    request_id: &str,
    (field, name): (&str, &str),
    reason: &str,
    action: Action,
) -> OnTarget {
    fields.request_id(request_id);
    fields.required("reason", reason, REASON);
    let target = names::target(fields, field, name);
    OnTarget { method, target, etag: String::new(), reason: reason.to_owned(), action }
}
