//! What the executor is given: pinned in the plan, sent when the rollout starts.

use bellwether_plan::{
    ApplicationType, Band, Bundle, EnvironmentPlan, Pinned, PlanDigest, PlannedBake, Release,
};
use bellwether_proto::{executor::v1 as pb, monitor::v1::HealthPolicy, planner::v1::Deployment};
use serde::{Deserialize, Serialize};

use super::{bundle::artifact_message, deployment::ingress, strategy};

/// A part of the plan in the executor's own words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PinnedSpec {
    /// Where it goes, without the number of instances.
    pub(crate) target: pb::Target,
    /// What it brings in.
    pub(crate) spec: pb::FleetSpec,
    /// The strategy as asked for, without the plan's numbers.
    pub(crate) strategy: Option<pb::Strategy>,
    /// What happens when something goes wrong.
    pub(crate) policy: pb::RolloutPolicy,
    /// What is looked at.
    pub(crate) health: HealthPolicy,
}

// === impl PinnedSpec ===

impl PinnedSpec {
    /// For `bundle` in a deployment that has its defaults.
    pub(crate) fn new(target: &str, kind: ApplicationType, deployment: &Deployment, bundle: &Bundle) -> Self {
        let strategy = serde_json::from_value(bundle.strategy.0.clone()).ok().flatten();
        Self {
            target: pb::Target { instances: 0, ..target_message(target, deployment) },
            spec: fleet(deployment, bundle),
            strategy: strategy.or_else(|| deployment.strategy.clone()),
            policy: policy(kind, deployment, bundle),
            health: deployment.health.clone().unwrap_or_default(),
        }
    }

    /// From the plan.
    pub(crate) fn read(pinned: &Pinned) -> serde_json::Result<Self> {
        serde_json::from_value(pinned.0.clone())
    }

    /// For the plan.
    pub(crate) fn pin(&self) -> serde_json::Result<Pinned> {
        serde_json::to_value(self).map(Pinned)
    }

    /// What is looked at, with what is left to the risk: where little is at stake a step may pass that the numbers cannot decide,
    /// as the monitor says that they cannot within the longest bake.
    fn health_at(&self, band: Band, bakes: &[PlannedBake]) -> HealthPolicy {
        let cannot = |bake: &PlannedBake| {
            bake.forecast.as_ref().is_some_and(|it| it.pass_p95.is_none_or(|passes| passes > bake.max))
        };
        let by_risk = band == Band::Low && bakes.iter().any(cannot);
        let pass_by_policy = self.health.pass_by_policy.or(by_risk.then_some(true));
        HealthPolicy { pass_by_policy, ..self.health.clone() }
    }

    /// The strategy with the plan's numbers in it.
    pub(crate) fn planned_strategy(&self, part: &EnvironmentPlan) -> pb::Strategy {
        strategy::planned(self.strategy.as_ref(), part, self.target.preview.is_some())
    }
}

/// The target of a deployment.
pub(crate) fn target_message(target: &str, deployment: &Deployment) -> pb::Target {
    pb::Target {
        name: format!("targets/{target}"),
        instances: deployment.instances.max(1),
        platform: deployment.platform.clone(),
        router: deployment.router.clone(),
        ingress: ingress(deployment),
        preview: deployment.preview.clone(),
        ..pb::Target::default()
    }
}

/// Asks for the rollout of `release` by `part` of its plan.
pub(crate) fn start_request(
    release: &Release,
    part: &EnvironmentPlan,
    request_id: &str,
    digest: &PlanDigest,
) -> serde_json::Result<pb::StartRolloutRequest> {
    let pinned = PinnedSpec::read(&part.spec)?;
    Ok(pb::StartRolloutRequest {
        request_id: request_id.to_owned(),
        target: pinned.target.name.clone(),
        strategy: Some(pinned.planned_strategy(part)),
        health: Some(pinned.health_at(part.risk.band, &part.bakes)),
        spec: Some(pinned.spec),
        policy: Some(pinned.policy),
        release: format!("releases/{}", release.id),
        plan_digest: digest.as_str().trim_start_matches("sha256:").to_owned(),
        permit_until: None,
        team: release.team.clone(),
        labels: release.labels.clone().into_iter().collect(),
        validate_only: false,
    })
}

fn fleet(deployment: &Deployment, bundle: &Bundle) -> pb::FleetSpec {
    let mut env = deployment.env.clone();
    env.extend(bundle.configuration.clone());
    pb::FleetSpec {
        version: bundle.version.clone(),
        artifact: artifact_message(&bundle.artifact),
        command: deployment.command.clone(),
        env,
        ready: deployment.ready.clone(),
        live: deployment.live.clone(),
        stop_grace: deployment.stop_grace,
        resources: deployment.resources,
        configuration_digest: String::new(),
        migrations_digest: migrations_digest(bundle),
        irreversible: bundle.irreversible().next().is_some(),
        identity: String::new(),
    }
}

/// Sha256 in hex; empty: there are none.
fn migrations_digest(bundle: &Bundle) -> String {
    if bundle.migrations.is_empty() {
        return String::new();
    }
    PlanDigest::of(&bundle.migrations).as_str().trim_start_matches("sha256:").to_owned()
}

/// What was asked for; where the data cannot tell, types that nobody outside depends on go on.
fn policy(kind: ApplicationType, deployment: &Deployment, bundle: &Bundle) -> pb::RolloutPolicy {
    let mut policy = deployment.policy.clone().unwrap_or_default();
    let goes_on = match kind {
        ApplicationType::InternalTool | ApplicationType::Batch | ApplicationType::StaticSite => true,
        ApplicationType::ECommerce | ApplicationType::BankingApi | ApplicationType::Custom => false,
    };
    if policy.on_undecided() == pb::FailureAction::Unspecified && goes_on {
        policy.set_on_undecided(pb::FailureAction::Advance);
    }
    policy.allow_unhealthy_stable |= bundle.allow_unhealthy_stable;
    policy
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bellwether_plan::{BakeBasis, Forecast};

    use super::*;

    /// Of at most a minute, in which a good version passes within `passes` in 19 of 20 cases.
    fn bake(passes: Option<u64>) -> PlannedBake {
        let pass_p95 = passes.map(Duration::from_secs);
        PlannedBake {
            share_percent: 10.0,
            min: Duration::from_secs(30),
            max: Duration::from_secs(60),
            basis: BakeBasis::RiskBand,
            text: String::new(),
            traffic: None,
            question: None,
            forecast: Some(Forecast { pass_p95, ..Default::default() }),
        }
    }

    #[test]
    fn where_little_is_at_stake_a_step_that_numbers_cannot_decide_may_pass_by_policy() {
        let at = |given: Option<bool>, band, bakes: &[PlannedBake]| {
            let health = HealthPolicy { pass_by_policy: given, ..Default::default() };
            PinnedSpec { health, ..Default::default() }.health_at(band, bakes).pass_by_policy
        };
        let (soon, never) = ([bake(Some(20))], [bake(None)]);
        let mixed = [bake(Some(20)), bake(Some(90))];
        assert_eq!(at(None, Band::Low, &soon), None, "the numbers decide");
        assert_eq!(at(None, Band::Low, &[]), None, "nothing says that they cannot");
        assert_eq!(at(None, Band::Low, &mixed), Some(true));
        assert_eq!(at(None, Band::Low, &never), Some(true));
        assert_eq!(at(None, Band::Medium, &never), None);
        assert_eq!(
            (at(Some(false), Band::Low, &never), at(Some(true), Band::High, &[])),
            (Some(false), Some(true))
        );
    }
}
