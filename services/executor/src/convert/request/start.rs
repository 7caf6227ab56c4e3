//! StartRollout.

use bellwether_proto::executor::v1 as pb;
use bellwether_resource::error::Problem;
use bellwether_rollout::{RolloutId, StartRequest, TargetSpec};

use crate::{
    convert::{
        fields::read,
        input::{fleet_spec, health_policy, policies, strategy},
        names,
    },
    record::Asked,
};

/// What is to be started, and the caller's own words for it.
pub(crate) struct Start {
    /// For the core.
    pub(crate) request: StartRequest,
    /// For callers and the monitor.
    pub(crate) asked: Asked,
}

/// Checks the request against the target that it names.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn start(
    given: &pb::StartRolloutRequest,
    rollout: RolloutId,
    target: &TargetSpec,
) -> Result<Start, Problem> {
    let policy = given.policy.clone().unwrap_or_default();
    let health = given.health.clone().unwrap_or_default();
    let wanted = given.strategy.clone().unwrap_or_default();
    read(|fields| {
        fields.request_id(&given.request_id);
        names::target(fields, "target", &given.target);
        names::release(fields, "release", &given.release);
        fields.digest("plan_digest", &given.plan_digest);
        fields.team("team", &given.team);
        fields.labels("labels", &given.labels);
        health_policy(&fields.at("health"), &health);
        let spec = given.spec.clone().unwrap_or_else(|| {
            fields.refuse("spec", "", "what the rollout brings in");
            pb::FleetSpec::default()
        });
        let fleet = match given.spec {
            Some(_) => fleet_spec(&fields.at("spec"), &spec),
            None => bellwether_rollout::FleetSpec::default(),
        };
        let (strategy, affinity) = strategy(&fields.at("strategy"), &wanted, target.preview.is_some());
        let mut policies = policies(&fields.at("policy"), &policy, spec.irreversible);
        policies.affinity = affinity;
        let request = StartRequest {
            rollout,
            release: given.release.clone(),
            team: given.team.clone(),
            labels: given.labels.clone().into_iter().collect(),
            fleet,
            strategy,
            policies,
            permit_until: fields.timestamp("permit_until", given.permit_until.as_ref()),
            plan_digest: given.plan_digest.clone(),
            irreversible: spec.irreversible,
            configuration_diff: String::new(),
        };
        Start {
            request,
            asked: Asked { strategy: wanted.clone(), policy: policy.clone(), health: health.clone() },
        }
    })
}
