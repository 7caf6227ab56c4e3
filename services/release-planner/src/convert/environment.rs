//! Environments.

use bellwether_plan::{ApprovalRule, Environment, EnvironmentId, Promotion, Upstreams};
use bellwether_proto::planner::v1::{
    self as pb,
    environment::{PromotionMode, UpstreamMode},
};
use bellwether_resource::{Entry, time};

use crate::{
    actions,
    book::{self, Environments},
    metadata::{etag_of, metadata},
};

/// The share of all users that an environment of this name reaches unless it says otherwise, in percent.
fn default_share(id: &EnvironmentId) -> f64 {
    if id.as_str() == "production" { 100.0 } else { 0.0 }
}

/// The environment as a plan sees it.
pub(crate) fn environment(id: &EnvironmentId, state: &book::Environment) -> Environment {
    let spec = &state.spec;
    Environment {
        id: id.clone(),
        generation: state.generation,
        promotion: match spec.promotion() {
            PromotionMode::Unspecified | PromotionMode::Auto => Promotion::Auto,
            PromotionMode::Manual => Promotion::Manual,
        },
        upstreams: spec.upstreams.iter().map(|id| id.as_str().into()).collect(),
        upstream_mode: match spec.upstream_mode() {
            UpstreamMode::Unspecified | UpstreamMode::All => Upstreams::All,
            UpstreamMode::Any => Upstreams::Any,
        },
        soak: spec.soak.as_ref().and_then(time::span).unwrap_or_default(),
        approvals: spec.approvals.iter().map(rule).collect(),
        share_of_users_percent: spec.share_of_users_percent.unwrap_or_else(|| default_share(id)),
    }
}

fn rule(rule: &pb::ApprovalRule) -> ApprovalRule {
    ApprovalRule {
        id: rule.id.clone(),
        count: u32::try_from(rule.count.max(1)).unwrap_or(1),
        principals: rule.principals.clone(),
        roles: rule.roles.clone(),
        agents_count: rule.agents_count,
        requester_counts: rule.requester_counts,
        valid_for: rule.valid_for.as_ref().and_then(time::span),
    }
}

/// For the contract.
pub(super) fn rule_message(rule: &ApprovalRule) -> pb::ApprovalRule {
    pb::ApprovalRule {
        id: rule.id.clone(),
        count: i32::try_from(rule.count).unwrap_or(i32::MAX),
        principals: rule.principals.clone(),
        roles: rule.roles.clone(),
        agents_count: rule.agents_count,
        requester_counts: rule.requester_counts,
        valid_for: rule.valid_for.map(time::to_duration),
    }
}

/// For the contract.
pub(crate) fn environment_message(entry: &Entry<Environments>) -> Option<pb::Environment> {
    let state = entry.state.as_ref().filter(|state| !state.deleted)?;
    let mut message = state.spec.clone();
    let former = message.metadata.take().unwrap_or_default();
    message.metadata = Some(metadata(entry, etag_of(entry), &former.team, former.labels));
    message.generation = i64::try_from(state.generation).unwrap_or(i64::MAX);
    message.allowed_actions = actions::of_environment();
    Some(message)
}
