//! The health policy: passed on to the monitor as it is, checked here so that a rollout does not start with one that
//! the monitor would refuse.

use bellwether_proto::monitor::v1 as pb;

use crate::convert::fields::Fields;

/// Notes every violation of the policy.
pub(crate) fn health_policy(fields: &Fields<'_>, given: &pb::HealthPolicy) {
    fields.read(|violations| bellwether_policy::check(violations, given));
}
