//! Prometheus servers that are asked.
//!
//! Raw samples are read with range selectors, so that counters are differenced from what was scraped, never extrapolated; the
//! range reaches back over what was seen before, so that a counter that began anew between two looks is seen to have done so.

mod answer;
mod client;
mod poll;
mod read;

use std::collections::BTreeMap;

use bellwether_policy::sources::PrometheusSpec;

use self::read::Query;
use super::ledger::{Meaning, Place};

pub use client::Prometheus;
pub use poll::run;

/// How the series of a server are read.
struct Reader<'a> {
    spec: &'a PrometheusSpec,
}

// === impl Reader ===

impl Reader<'_> {
    /// Whose a series is; None: nobody's that is judged.
    fn place(&self, labels: &BTreeMap<String, String>) -> Option<Place> {
        let fleet = self.spec.fleets.get(labels.get(&self.spec.fleet_label)?)?;
        let instance = labels.get(&self.spec.instance_label).map_or("-", String::as_str);
        Some(Place { fleet: fleet.clone(), instance: instance.chars().take(128).collect(), revision: 0 })
    }

    /// What a series counts.
    fn meaning(&self, query: Query, labels: &BTreeMap<String, String>) -> Meaning {
        let label = |name: &str| labels.get(name).map_or("", String::as_str);
        let path = self.spec.path_label.as_deref().map(label);
        let route = path.map(|path| (path.to_owned(), label(&self.spec.method_label).to_owned()));
        let status = label(&self.spec.status_label).parse::<u16>().ok().filter(|it| (100..=599).contains(it));
        match query {
            Query::Requests => Meaning {
                requests: true,
                errors: self.spec.errors.is_none() && status.is_some_and(|status| status >= 500),
                status,
                route,
            },
            Query::Errors => Meaning { errors: true, route, ..Meaning::default() },
            Query::Latency => Meaning::default(),
        }
    }
}

/// What is asked, each with its selector.
fn queries(spec: &PrometheusSpec) -> impl Iterator<Item = (Query, &str)> {
    [(Query::Requests, &spec.requests), (Query::Errors, &spec.errors), (Query::Latency, &spec.latency)]
        .into_iter()
        .filter_map(|(query, selector)| Some((query, selector.as_deref()?)))
}
