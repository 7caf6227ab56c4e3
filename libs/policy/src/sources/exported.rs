//! Metrics of applications' own that are exported over OpenTelemetry.

use std::collections::HashSet;

use bellwether_proto::monitor::v1::{self as pb, source::Kind};
use bellwether_resource::Violations;

const MOST_METRICS: usize = 32;
const MOST_NAME: usize = 255;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Its id in the policy.
    pub id: String,
    /// Its name as it is exported.
    pub name: String,
}

/// Notes the violations of one source's metrics.
pub(super) fn check<'g>(
    violations: &mut Violations,
    given: &'g [pb::OtlpMetric],
    told: &mut HashSet<&'g str>,
) {
    violations.check(given.len() <= MOST_METRICS, "metrics", given.len(), "at most 32 metrics");
    for (index, metric) in given.iter().take(MOST_METRICS).enumerate() {
        violations.element("metrics", index, |violations| {
            violations.id("id", &metric.id);
            violations.check(told.insert(metric.id.as_str()), "id", &metric.id, "distinct ids");
            violations.text("name", &metric.name, 1..=MOST_NAME);
        });
    }
}

/// Those of all sources of a policy.
pub(super) fn of(policy: &pb::HealthPolicy) -> Vec<Exported> {
    let metrics = policy.sources.iter().flat_map(|source| match &source.kind {
        Some(Kind::Otlp(otlp)) => otlp.metrics.as_slice(),
        Some(Kind::Push(_) | Kind::Prometheus(_)) | None => &[],
    });
    metrics.map(|metric| Exported { id: metric.id.clone(), name: metric.name.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    #[test]
    fn names_are_needed_and_ids_are_distinct() {
        let metric = |id: &str, name: &str| pb::OtlpMetric { id: id.into(), name: name.into() };
        let given = [metric("orders", "shop.orders"), metric("orders", "shop.carts"), metric("queue", "")];
        let mut violations = Violations::new();
        check(&mut violations, &given, &mut HashSet::new());
        let details = tonic::Status::from(violations.finish().unwrap_err()).get_error_details();
        let fields = &details.bad_request().unwrap().field_violations;
        let fields: Vec<&str> = fields.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["metrics[1].id", "metrics[2].name"]);
        let otlp = Kind::Otlp(pb::OtlpSource { metrics: given[..1].to_vec() });
        let source = pb::Source { id: "app".into(), kind: Some(otlp), ..Default::default() };
        let policy = pb::HealthPolicy { sources: vec![source], ..Default::default() };
        assert_eq!(of(&policy), [Exported { id: "orders".into(), name: "shop.orders".into() }]);
    }
}
