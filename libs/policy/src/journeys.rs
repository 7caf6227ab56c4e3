//! Which journey a request belongs to, where a source tells paths and methods.

use bellwether_proto::monitor::v1 as pb;

/// The policy's journeys, in order.
#[derive(Clone, Debug, Default)]
pub struct JourneyRules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    id: String,
    path_prefix: String,
    method: String,
}

// === impl JourneyRules ===

impl JourneyRules {
    /// Of a policy.
    pub fn of(policy: &pb::HealthPolicy) -> Self {
        let rule = |journey: &pb::Journey| Rule {
            id: journey.id.clone(),
            path_prefix: journey.path_prefix.clone(),
            method: journey.method.clone(),
        };
        Self(policy.journeys.iter().map(rule).collect())
    }

    /// The first journey that a request with this path and method belongs to.
    pub fn find(&self, path: &str, method: &str) -> Option<&str> {
        let matches = |rule: &&Rule| {
            path.starts_with(&rule.path_prefix) && (rule.method.is_empty() || rule.method == method)
        };
        self.0.iter().find(matches).map(|rule| rule.id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_matches_counts() {
        let journey = |id: &str, path: &str, method: &str| pb::Journey {
            id: id.into(),
            path_prefix: path.into(),
            method: method.into(),
            ..Default::default()
        };
        let journeys = vec![journey("pay", "/checkout", "POST"), journey("look", "/", "")];
        let rules = JourneyRules::of(&pb::HealthPolicy { journeys, ..Default::default() });
        assert_eq!(rules.find("/checkout/1", "POST"), Some("pay"));
        assert_eq!(rules.find("/checkout/1", "GET"), Some("look"));
        assert_eq!(rules.find("checkout", "GET"), None);
    }
}
