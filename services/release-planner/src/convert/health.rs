//! Health policies: what bakes depend on.

use bellwether_plan::{HealthBounds, Traffic, TrafficBasis};
use bellwether_proto::monitor::v1::{ErrorRateCheck, HealthPolicy, check::Kind};
use bellwether_resource::time;

/// What a policy says that bakes depend on, with the monitor's defaults.
pub(super) fn bounds(policy: &HealthPolicy) -> HealthBounds {
    let default = HealthBounds::default();
    let errors = policy.checks.iter().find_map(|check| match &check.kind {
        Some(Kind::ErrorRate(rate)) if rate.journey.is_empty() => Some(rate.clone()),
        _ => None,
    });
    let ErrorRateCheck { tolerate_percent, pass_below_percent, .. } = errors.unwrap_or_default();
    let slo = policy.slo_percent.map(|slo| 100.0 - slo);
    HealthBounds {
        tolerate_percent: tolerate_percent.unwrap_or(default.tolerate_percent),
        pass_below_percent: pass_below_percent.or(slo).unwrap_or(default.pass_below_percent),
        warm_up: policy.warm_up.as_ref().and_then(time::span).unwrap_or(default.warm_up),
    }
}

/// The traffic that a policy says is expected.
pub(crate) fn declared(policy: Option<&HealthPolicy>) -> Option<Traffic> {
    let requests_per_second = policy?.requests_per_second;
    let known = requests_per_second > 0.0;
    known.then_some(Traffic { requests_per_second, errors_percent: None, basis: TrafficBasis::Declared })
}
