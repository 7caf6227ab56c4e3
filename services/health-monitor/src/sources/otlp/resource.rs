//! Whose metrics they are.

use std::collections::BTreeMap;

use bellwether_resource::name;

use super::attributes::Attributes;
use crate::sources::ledger::Place;

/// The target, the fleet and the instance of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `targets/<application>@<environment>`.
    pub target: String,
    /// The fleet and the instance.
    pub place: Place,
}

/// Fleets of the analyses of a target by their versions.
pub type Versions = BTreeMap<String, String>;

// === impl Origin ===

impl Origin {
    /// Of a resource's attributes. `versions_of`: the fleets of a target by their versions, for those who tell a version and no
    /// fleet.
    ///
    /// # Errors
    /// What is missing, for people.
    pub fn of(attributes: Attributes<'_>, versions_of: impl Fn(&str) -> Versions) -> Result<Self, String> {
        let target = target(attributes)?;
        let instance = attributes
            .text(&["bellwether.instance", "service.instance.id"])
            .ok_or("a resource has neither bellwether.instance nor service.instance.id")?
            .into_owned();
        let fleet = match attributes.text(&["bellwether.fleet"]) {
            Some(fleet) => fleet.into_owned(),
            None => {
                let version = attributes
                    .text(&["service.version"])
                    .ok_or("a resource has neither bellwether.fleet nor service.version")?;
                let found = versions_of(&target).remove(version.as_ref());
                found.ok_or_else(|| format!("no analysis of {target} is about version {version:?}"))?
            }
        };
        let revision = attributes.text(&["bellwether.route_revision"]).and_then(|text| text.parse().ok());
        let revision = revision.filter(|revision: &i64| *revision >= 0).unwrap_or_default();
        Ok(Self { target, place: Place { fleet, instance, revision } })
    }
}

fn target(attributes: Attributes<'_>) -> Result<String, String> {
    let named = match attributes.text(&["bellwether.target"]) {
        Some(target) => target.strip_prefix("targets/").unwrap_or(&target).to_owned(),
        None => {
            let service = attributes.text(&["service.name"]);
            let environment = attributes.text(&["deployment.environment.name", "deployment.environment"]);
            match (service, environment) {
                (Some(service), Some(environment)) => format!("{service}@{environment}"),
                _ => {
                    return Err("a resource has neither bellwether.target nor service.name with \
                                deployment.environment.name"
                        .to_owned());
                }
            }
        }
    };
    let target = format!("targets/{named}");
    if name::TARGET.parse(&target).is_none() {
        return Err(format!("{target:?} is no target: {}", name::TARGET.pattern()));
    }
    Ok(target)
}
