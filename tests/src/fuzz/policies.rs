//! Health policies and what they compute.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_policy::expression::Expression;
use bellwether_proto::monitor::v1::HealthPolicy;
use bellwether_resource::Violations;
use prost::Message as _;

const NUMBERS: [(&str, f64); 4] =
    [("requests", 1e6), ("errors", 0.0), ("queue_depth", -3.5), ("workers", 1e308)];

/// A computed value: what is accepted gives a finite number or says why not.
pub(super) fn expressions(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let known: BTreeSet<String> = NUMBERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let Ok(expression) = Expression::compile(text, &known) else { return };
    assert!(expression.names().all(|name| known.contains(name)), "a name that is not known");
    let numbers: BTreeMap<&str, f64> = NUMBERS.into();
    if let Ok(number) = expression.evaluate(&numbers) {
        assert!(number.is_finite(), "{number}");
    }
}

/// A whole policy, encoded: everything that is wrong with it is noted.
pub(super) fn health_policy(data: &[u8]) {
    let Ok(policy) = HealthPolicy::decode(data) else { return };
    let mut violations = Violations::default();
    bellwether_policy::check(&mut violations, &policy);
}
