//! Environments.

use std::time::Duration;

use bellwether_plan::EnvironmentId;
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{Violations, name::is_id};

use super::environment_id;

const DAYS_90: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// The environment's id. `known` are those that exist.
pub(crate) fn environment(
    violations: &mut Violations,
    given: &pb::Environment,
    known: &[String],
) -> EnvironmentId {
    let id = environment_id(violations, "name", &given.name);
    if let Some(metadata) = &given.metadata {
        violations.within("metadata", |violations| {
            violations.team("team", &metadata.team);
            violations.labels("labels", &metadata.labels);
        });
    }
    violations.check(given.upstreams.len() <= 16, "upstreams", given.upstreams.len(), "at most 16");
    for (index, upstream) in given.upstreams.iter().enumerate() {
        let exists = known.contains(upstream) && *upstream != *id.as_str();
        let allowed = format!("another environment that exists: {}", known.join(", "));
        violations.check(exists, &format!("upstreams[{index}]"), format!("{upstream:?}"), allowed);
    }
    violations.enumeration::<pb::environment::UpstreamMode>("upstream_mode", given.upstream_mode);
    violations.enumeration::<pb::environment::PromotionMode>("promotion", given.promotion);
    violations.duration("soak", given.soak.as_ref(), Duration::ZERO..=DAYS_90);
    violations.check(given.approvals.len() <= 16, "approvals", given.approvals.len(), "at most 16 rules");
    for (index, rule) in given.approvals.iter().enumerate() {
        let distinct = given.approvals.iter().take(index).all(|other| other.id != rule.id);
        violations.element("approvals", index, |violations| {
            violations.check(distinct, "id", format!("{:?}", rule.id), "distinct within the environment");
            approval_rule(violations, rule);
        });
    }
    if let Some(share) = given.share_of_users_percent {
        violations.percent("share_of_users_percent", share);
    }
    id
}

fn approval_rule(violations: &mut Violations, given: &pb::ApprovalRule) {
    violations.check(is_id(&given.id), "id", format!("{:?}", given.id), "[a-z][a-z0-9-]{0,62}");
    violations.range("count", given.count, 0..=10);
    violations.check(given.principals.len() <= 64, "principals", given.principals.len(), "at most 64");
    violations.check(given.roles.len() <= 16, "roles", given.roles.len(), "at most 16");
    for (index, role) in given.roles.iter().enumerate() {
        let known = bellwether_server::Role::parse(role).is_some();
        let allowed = "viewer, requester, approver, operator, admin, service";
        violations.check(known, &format!("roles[{index}]"), format!("{role:?}"), allowed);
    }
    violations.duration("valid_for", given.valid_for.as_ref(), MINUTE..=DAYS_90);
}
