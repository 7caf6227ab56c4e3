//! The road through the environments, for one application.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::{Environment, EnvironmentId};

/// The environments that an application is deployed to, in the order in which a release passes them. An upstream where the
/// application is not deployed is skipped: its own upstreams take its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Road {
    /// Each environment with its upstreams on this road, upstream first, equals by name.
    pub stops: Vec<(EnvironmentId, Vec<EnvironmentId>)>,
}

/// Why there is no road.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RoadError {
    /// An upstream does not exist.
    #[error("environment {environment} has the upstream {upstream}, which does not exist")]
    UnknownUpstream {
        /// Where it is named.
        environment: EnvironmentId,
        /// What does not exist.
        upstream: EnvironmentId,
    },
    /// The upstreams form a cycle.
    #[error("environments wait for each other: {}", .0.iter().map(EnvironmentId::as_str).collect::<Vec<_>>().join(", "))]
    Cycle(Vec<EnvironmentId>),
}

type Environments = BTreeMap<EnvironmentId, Environment>;

// === impl Road ===

impl Road {
    /// The road over `deployed`, which must exist in `environments`.
    pub fn new<'a>(
        environments: &Environments,
        deployed: impl IntoIterator<Item = &'a EnvironmentId>,
    ) -> Result<Self, RoadError> {
        check_upstreams(environments)?;
        let deployed: BTreeSet<_> = deployed.into_iter().cloned().collect();
        let order = topological(environments)?;
        let stops = order
            .into_iter()
            .filter(|id| deployed.contains(id))
            .map(|id| (id.clone(), upstreams(environments, &deployed, &id)))
            .collect();
        Ok(Self { stops })
    }

    /// The environments that `environment` leads to.
    pub fn downstreams<'a>(
        &'a self,
        environment: &'a EnvironmentId,
    ) -> impl Iterator<Item = &'a EnvironmentId> {
        self.stops.iter().filter(move |(_, upstreams)| upstreams.contains(environment)).map(|(id, _)| id)
    }
}

fn check_upstreams(environments: &Environments) -> Result<(), RoadError> {
    for environment in environments.values() {
        for upstream in &environment.upstreams {
            if !environments.contains_key(upstream) {
                return Err(RoadError::UnknownUpstream {
                    environment: environment.id.clone(),
                    upstream: upstream.clone(),
                });
            }
        }
    }
    Ok(())
}

/// Kahn's algorithm; among the free ones the first by name.
fn topological(environments: &Environments) -> Result<Vec<EnvironmentId>, RoadError> {
    let mut left: BTreeMap<_, BTreeSet<_>> =
        environments.iter().map(|(id, e)| (id.clone(), e.upstreams.iter().cloned().collect())).collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = left.iter().find(|(_, upstreams)| upstreams.is_empty()).map(|(id, _)| id.clone());
        let Some(free) = free else {
            return Err(RoadError::Cycle(left.into_keys().collect()));
        };
        left.remove(&free);
        left.values_mut().for_each(|upstreams| {
            upstreams.remove(&free);
        });
        order.push(free);
    }
    Ok(order)
}

/// Terminates because `topological` found no cycle.
fn upstreams(
    environments: &Environments,
    deployed: &BTreeSet<EnvironmentId>,
    id: &EnvironmentId,
) -> Vec<EnvironmentId> {
    let mut found = BTreeSet::new();
    let mut open: Vec<_> = environments.get(id).into_iter().flat_map(|e| e.upstreams.iter()).collect();
    while let Some(next) = open.pop() {
        if deployed.contains(next) {
            found.insert(next.clone());
        } else {
            open.extend(environments.get(next).into_iter().flat_map(|e| e.upstreams.iter()));
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environments(edges: &[(&str, &[&str])]) -> Environments {
        edges
            .iter()
            .map(|(id, upstreams)| {
                let mut environment = crate::environment::tests::plain(id);
                environment.upstreams = upstreams.iter().map(|&u| u.into()).collect();
                (environment.id.clone(), environment)
            })
            .collect()
    }

    fn stops(road: &Road) -> Vec<String> {
        road.stops
            .iter()
            .map(|(id, up)| {
                format!("{id}<{}", up.iter().map(EnvironmentId::as_str).collect::<Vec<_>>().join("+"))
            })
            .collect()
    }

    const LINE: &[(&str, &[&str])] =
        &[("production", &["staging"]), ("staging", &["development"]), ("development", &[])];

    #[test]
    fn upstream_comes_first() {
        let all = environments(LINE);
        let road = Road::new(&all, all.keys()).unwrap();
        assert_eq!(stops(&road), ["development<", "staging<development", "production<staging"]);
    }

    #[test]
    fn an_environment_without_the_application_is_skipped() {
        let road = Road::new(&environments(LINE), [&"development".into(), &"production".into()]).unwrap();
        assert_eq!(stops(&road), ["development<", "production<development"]);
        assert_eq!(road.downstreams(&"development".into()).count(), 1);
    }

    #[test]
    fn cycles_and_unknown_upstreams_are_refused() {
        let cycle = environments(&[("a", &["b"]), ("b", &["a"]), ("c", &[])]);
        assert_eq!(Road::new(&cycle, []), Err(RoadError::Cycle(vec!["a".into(), "b".into()])));
        let unknown = environments(&[("a", &["nowhere"])]);
        assert!(matches!(Road::new(&unknown, []), Err(RoadError::UnknownUpstream { .. })));
    }
}
