//! Health policies, read and checked as a whole. Pure.
//!
//! The planner checks a policy when an application is applied, the executor when a rollout starts, and the monitor reads it when
//! an analysis does: all three with what is here, so that what was applied is never refused later.

pub mod derived;
pub mod expression;
pub mod journeys;
pub mod kayenta;
mod measures;
mod metrics;
pub mod settings;
pub mod sources;

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;

/// Notes every violation of a policy.
pub fn check(violations: &mut Violations, policy: &pb::HealthPolicy) {
    settings::settings(violations, policy);
    sources::read(violations, policy, &sources::Names::default());
    kayenta::read(violations, policy);
}
