//! Applications.

use std::time::Duration;

use bellwether_plan::ApplicationId;
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::Violations;

use super::{application_id, deployment::deployment};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

/// The application's id. `environments` are those that exist.
pub(crate) fn application(
    violations: &mut Violations,
    given: &pb::Application,
    environments: &[String],
) -> ApplicationId {
    let id = application_id(violations, "name", &given.name);
    if let Some(metadata) = &given.metadata {
        violations.within("metadata", |violations| {
            violations.team("team", &metadata.team);
            violations.labels("labels", &metadata.labels);
        });
    }
    violations.enumeration::<pb::ApplicationType>("type", given.r#type);
    violations.duration("downtime_tolerance", given.downtime_tolerance.as_ref(), Duration::ZERO..=DAY);
    violations.duration("rollback_slo", given.rollback_slo.as_ref(), SECOND..=DAY);
    if let Some(defaults) = &given.defaults {
        violations.within("defaults", |violations| deployment(violations, defaults));
    }
    environments_of(violations, given, environments);
    violations.check(given.stakeholders.len() <= 64, "stakeholders", given.stakeholders.len(), "at most 64");
    for (index, stakeholder) in given.stakeholders.iter().enumerate() {
        violations.element("stakeholders", index, |violations| stakeholder_of(violations, stakeholder));
    }
    id
}

fn environments_of(violations: &mut Violations, given: &pb::Application, known: &[String]) {
    let count = given.environments.len();
    violations.check((1..=32).contains(&count), "environments", count, "1 to 32 environments");
    let mut sorted: Vec<_> = given.environments.iter().collect();
    sorted.sort_unstable_by_key(|(id, _)| id.as_str());
    for (id, own) in sorted {
        violations.within("environments", |violations| {
            violations.check(known.contains(id), id, "an environment that does not exist", known.join(", "));
            violations.within(id, |violations| deployment(violations, own));
        });
    }
}

fn stakeholder_of(violations: &mut Violations, given: &pb::Stakeholder) {
    let audience = violations.enumeration::<pb::Audience>("audience", given.audience);
    if audience == Some(pb::Audience::Unspecified) {
        violations.add("audience", "nothing", "required");
    }
    violations.text("address", &given.address, 1..=255);
    let channel = given
        .address
        .split_once(':')
        .is_some_and(|(channel, address)| !channel.is_empty() && !address.is_empty());
    violations.check(channel, "address", format!("{:?}", given.address), "<channel>:<address>");
}
