//! Values that a policy computes from what its sources tell.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;

use crate::{
    expression::{EvaluateError, Expression},
    metrics::Metrics,
};

const MOST_DERIVED: usize = 16;

/// A value that is computed.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// Its id.
    pub id: String,
    expression: Expression,
    /// Metrics by the names that stand for them.
    metrics: BTreeMap<String, String>,
    /// They come from several sources.
    mixed: bool,
}

// === impl Derivation ===

impl Derivation {
    /// The metrics that it needs.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.metrics.values().map(String::as_str)
    }

    /// Whether they come from several sources, which report at their own moments.
    pub fn is_mixed(&self) -> bool {
        self.mixed
    }

    /// Its value; `value_of` gives those of the metrics.
    ///
    /// # Errors
    /// It is no number, or a metric is missing.
    pub fn evaluate(&self, value_of: impl Fn(&str) -> Option<f64>) -> Result<f64, EvaluateError> {
        let named = |(name, metric): (&'_ String, &String)| Some((name.clone(), value_of(metric)?));
        let numbers: BTreeMap<String, f64> = self.metrics.iter().filter_map(named).collect();
        self.expression.evaluate(&numbers.iter().map(|(name, number)| (name.as_str(), *number)).collect())
    }
}

/// The computed values of a policy, with their violations noted. Of use only when there are none.
pub fn read<'p>(violations: &mut Violations, policy: &'p pb::HealthPolicy) -> Vec<Derivation> {
    let given = &policy.derived;
    violations.check(given.len() <= MOST_DERIVED, "derived", given.len(), "at most 16 derived values");
    if given.is_empty() {
        return Vec::new();
    }
    let metrics = Metrics::of(policy);
    let told = |id: &&str| metrics.get(id).is_some_and(|told| told.source.is_some());
    let names: BTreeMap<String, String> =
        metrics.ids().into_iter().filter(told).map(|id| (id.replace('-', "_"), id.to_owned())).collect();
    let known = names.keys().cloned().collect();
    let mut seen = BTreeSet::new();
    let mut one = |(index, derived): (usize, &'p pb::DerivedValue)| {
        violations.element("derived", index, |violations| {
            violations.id("id", &derived.id);
            let free = seen.insert(derived.id.as_str())
                && metrics.get(&derived.id).is_none_or(|told| told.source.is_none());
            violations.check(free, "id", &derived.id, "distinct ids, of metrics as well");
            let compiled = Expression::compile(&derived.expression, &known);
            let shown: String = derived.expression.chars().take(100).collect();
            let expression =
                compiled.map_err(|refused| violations.add("expression", &shown, refused.to_string())).ok()?;
            let used = |name: &str| Some((name.to_owned(), names.get(name)?.clone()));
            let used: BTreeMap<String, String> = expression.names().filter_map(used).collect();
            let sources: BTreeSet<_> =
                used.values().filter_map(|id| metrics.get(id)).map(|told| told.source).collect();
            violations.check(!sources.is_empty(), "expression", &shown, "at least one metric of a source");
            let mixed = sources.len() > 1;
            Some(Derivation { id: derived.id.clone(), expression, metrics: used, mixed })
        })
    };
    given.iter().take(MOST_DERIVED).enumerate().filter_map(&mut one).collect()
}

#[cfg(test)]
mod tests {
    use pb::source::Kind;
    use tonic_types::StatusExt as _;

    use super::*;

    fn policy(derived: &[(&str, &str)]) -> pb::HealthPolicy {
        let metric =
            |(id, kind): &(&str, pb::MetricKind)| pb::PushMetric { id: (*id).into(), kind: (*kind).into() };
        let push = |id: &str, metrics: &[(&str, pb::MetricKind)]| pb::Source {
            id: id.into(),
            kind: Some(Kind::Push(pb::PushSource {
                prefix: id.into(),
                metrics: metrics.iter().map(metric).collect(),
            })),
            ..Default::default()
        };
        let (gauge, counter) = (pb::MetricKind::Gauge, pb::MetricKind::Counter);
        let value = |(id, expression): &(&str, &str)| pb::DerivedValue {
            id: (*id).into(),
            expression: (*expression).into(),
        };
        pb::HealthPolicy {
            sources: vec![
                push("a", &[("queue-depth", gauge), ("jobs", counter)]),
                push("b", &[("workers", gauge)]),
            ],
            derived: derived.iter().map(value).collect(),
            ..Default::default()
        }
    }

    fn refused(policy: &pb::HealthPolicy) -> Vec<(String, String)> {
        let mut violations = Violations::new();
        crate::check(&mut violations, policy);
        let Err(problem) = violations.finish() else { return vec![] };
        let details = tonic::Status::from(problem).get_error_details();
        let of = |it: &tonic_types::FieldViolation| (it.field.clone(), it.description.clone());
        details.bad_request().unwrap().field_violations.iter().map(of).collect()
    }

    #[test]
    fn metrics_are_named_with_underscores() {
        let read = read(&mut Violations::new(), &policy(&[("backlog", "queue_depth / max(jobs, 1)")]));
        assert_eq!(read[0].metrics().collect::<Vec<_>>(), ["jobs", "queue-depth"]);
        let value = read[0].evaluate(|metric| Some(if metric == "jobs" { 4.0 } else { 10.0 }));
        assert_eq!(value, Ok(2.5));
    }

    #[test]
    fn metrics_may_come_from_several_sources() {
        let given = policy(&[("backlog", "queue_depth / workers"), ("depth", "queue_depth * jobs")]);
        let read = read(&mut Violations::new(), &given);
        assert_eq!(read.iter().map(Derivation::is_mixed).collect::<Vec<_>>(), [true, false]);
        assert_eq!(refused(&given), []);
    }

    #[test]
    fn every_violation_says_what_is_allowed() {
        for (id, expression, field, words) in [
            ("x", "queue_depth / total", "derived[0].expression", "(jobs, queue_depth, workers), not total"),
            ("x", "queue_depth > 1", "derived[0].expression", "a number, where the whole has a comparison"),
            ("x", "1 + 1", "derived[0].expression", "at least one metric of a source"),
            ("jobs", "queue_depth + 1", "derived[0].id", "distinct ids"),
            ("X", "queue_depth + 1", "derived[0].id", ""),
        ] {
            let found = refused(&policy(&[(id, expression)]));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].0 == field && found[0].1.contains(words), "{found:?}");
        }
        assert_eq!(refused(&policy(&[("x", "jobs * 2"), ("x", "jobs * 3")]))[0].0, "derived[1].id");
        assert_eq!(refused(&policy(&[("x", "jobs * 2"), ("y", "x + 1")]))[0].0, "derived[1].expression");
        assert_eq!(refused(&policy(&[("a", "jobs"); 17])).first().unwrap().0, "derived");
    }

    #[test]
    fn checks_name_what_suits_them() {
        let kind = |kind| pb::Check { id: "c".into(), kind: Some(kind), ..Default::default() };
        let gauge = |metric: &str| {
            kind(pb::check::Kind::Gauge(pb::GaugeCheck { metric: metric.into(), ..Default::default() }))
        };
        let count = |metric: &str| {
            kind(pb::check::Kind::Count(pb::CountCheck { metric: metric.into(), ..Default::default() }))
        };
        let with = |check| pb::HealthPolicy { checks: vec![check], ..policy(&[("load", "queue_depth * 2")]) };
        for fits in [gauge("load"), gauge("queue-depth"), count("jobs")] {
            assert_eq!(refused(&with(fits)), []);
        }
        for (check, words) in
            [(count("load"), ": jobs"), (count("workers"), ": jobs"), (gauge("jobs"), "queue-depth, workers")]
        {
            let found = refused(&with(check));
            assert!(found.len() == 1 && found[0].1.contains(words), "{found:?}");
        }
    }
}
