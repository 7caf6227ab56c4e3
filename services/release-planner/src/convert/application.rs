//! Applications.

use std::collections::BTreeMap;

use bellwether_plan::{
    Application, ApplicationId, ApplicationType, Audience, Bundle, Capabilities, Deployment, EnvironmentId,
};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{Entry, time};

use super::{deployment::merged, health, principal_message, spec::PinnedSpec, strategy};
use crate::{
    actions,
    book::{self, Applications},
    metadata::{application_etag, metadata},
};

/// The application as a plan sees it, for `bundle`. `able`: what platform and router can do; what nobody has said yet is
/// taken to be possible, until it is known better.
pub(crate) fn application(
    id: &ApplicationId,
    state: &book::Application,
    bundle: &Bundle,
    able: impl Fn(&pb::Deployment) -> Option<Capabilities>,
) -> serde_json::Result<Application> {
    let kind = kind(state.spec.r#type());
    let deployment = |(environment, own): (&String, &pb::Deployment)| {
        let deployment = merged(state.spec.defaults.as_ref(), own);
        let pinned = PinnedSpec::new(&format!("{id}@{environment}"), kind, &deployment, bundle);
        let deployment = Deployment {
            capabilities: able(&deployment).unwrap_or_else(Capabilities::all),
            instances: u32::try_from(deployment.instances.max(1)).unwrap_or(1),
            tuning: strategy::tuning(pinned.strategy.as_ref(), &deployment),
            health: health::bounds(&pinned.health),
            spec: pinned.pin()?,
            platform: deployment.platform,
        };
        Ok((EnvironmentId::from(environment.as_str()), deployment))
    };
    Ok(Application {
        id: id.clone(),
        generation: state.generation,
        kind,
        downtime_tolerance: state.spec.downtime_tolerance.as_ref().and_then(time::span),
        rollback_slo: state.spec.rollback_slo.as_ref().and_then(time::span),
        stakeholders: stakeholders(&state.spec.stakeholders),
        deployments: state.spec.environments.iter().map(deployment).collect::<serde_json::Result<_>>()?,
    })
}

/// For the contract.
pub(crate) fn application_message(entry: &Entry<Applications>) -> Option<pb::Application> {
    let state = entry.state.as_ref().filter(|state| !state.deleted)?;
    let mut message = state.spec.clone();
    let former = message.metadata.take().unwrap_or_default();
    message.metadata = Some(metadata(entry, application_etag(entry), &former.team, former.labels));
    message.generation = i64::try_from(state.generation).unwrap_or(i64::MAX);
    message.vetoes = state.vetoes.iter().map(veto).collect();
    message.allowed_actions = actions::of_application(&message.name);
    Some(message)
}

fn veto(veto: &bellwether_plan::Veto) -> pb::Veto {
    pb::Veto {
        version: veto.version.clone(),
        principal: Some(principal_message(&veto.by)),
        reason: veto.reason.clone(),
    }
}

fn kind(kind: pb::ApplicationType) -> ApplicationType {
    match kind {
        pb::ApplicationType::Unspecified | pb::ApplicationType::Custom => ApplicationType::Custom,
        pb::ApplicationType::ECommerce => ApplicationType::ECommerce,
        pb::ApplicationType::BankingApi => ApplicationType::BankingApi,
        pb::ApplicationType::InternalTool => ApplicationType::InternalTool,
        pb::ApplicationType::Batch => ApplicationType::Batch,
        pb::ApplicationType::StaticSite => ApplicationType::StaticSite,
    }
}

fn stakeholders(given: &[pb::Stakeholder]) -> BTreeMap<Audience, Vec<String>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for stakeholder in given {
        if let Some(audience) = audience(stakeholder.audience()) {
            all.entry(audience).or_default().push(stakeholder.address.clone());
        }
    }
    all
}

fn audience(audience: pb::Audience) -> Option<Audience> {
    match audience {
        pb::Audience::Unspecified => None,
        pb::Audience::Development => Some(Audience::Development),
        pb::Audience::Operations => Some(Audience::Operations),
        pb::Audience::Support => Some(Audience::Support),
        pb::Audience::Product => Some(Audience::Product),
        pb::Audience::Executive => Some(Audience::Executive),
    }
}
