//! Reading: names, filters, pages.

use std::borrow::Cow;

use bellwether_proto::{common::v1::Metadata, executor::v1 as pb};
use bellwether_resource::{Filter, FilterField, Paging, Violations, error::Problem, name::split_target};

use crate::{
    convert::{
        fields::read,
        names::{self, RolloutName},
    },
    targets::Targets,
};

/// What lists and Watches of targets may be filtered on.
pub(crate) const OF_TARGETS: &[FilterField] = &[
    FilterField("name"),
    FilterField("application"),
    FilterField("environment"),
    FilterField("team"),
    FilterField::LABELS,
];

/// What Watches of rollouts may be filtered on: what never changes.
pub(crate) const OF_ROLLOUTS: &[FilterField] = &[
    FilterField("name"),
    FilterField("target"),
    FilterField("application"),
    FilterField("environment"),
    FilterField("release"),
    FilterField("team"),
    FilterField::LABELS,
];

/// A list of targets.
pub(crate) struct ListTargets {
    /// Which ones.
    pub(crate) filter: Filter,
    /// Which page.
    pub(crate) paging: Paging,
}

/// A list of rollouts.
pub(crate) struct ListRollouts {
    /// Which ones.
    pub(crate) filter: Filter,
    /// Which page.
    pub(crate) paging: Paging,
}

/// The name of a target.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn target_name(name: &str) -> Result<String, Problem> {
    read(|fields| names::target(fields, "name", name))
}

/// The name of a rollout.
///
/// # Errors
/// `INVALID_FIELDS`.
pub(crate) fn rollout_name(name: &str) -> Result<RolloutName, Problem> {
    let found = read(|fields| names::rollout(fields, "name", name))?;
    Ok(found.unwrap_or(RolloutName::Display(String::new(), 0)))
}

// === impl ListTargets ===

impl ListTargets {
    /// Reads the request.
    ///
    /// # Errors
    /// `INVALID_FIELDS`.
    pub(crate) fn read(given: &pb::ListTargetsRequest) -> Result<Self, Problem> {
        let mut violations = Violations::new();
        let filter = Filter::read(&mut violations, &given.filter, OF_TARGETS);
        let query = ["ListTargets", &filter.canonical()];
        let paging = Paging::read(&mut violations, given.page_size, &given.page_token, &query);
        violations.finish()?;
        Ok(Self { filter, paging })
    }
}

// === impl ListRollouts ===

impl ListRollouts {
    /// Reads the request.
    ///
    /// # Errors
    /// `INVALID_FIELDS`.
    pub(crate) fn read(given: &pb::ListRolloutsRequest) -> Result<Self, Problem> {
        let mut violations = Violations::new();
        let filter =
            Filter::read(&mut violations, &given.filter, &[OF_ROLLOUTS, &[FilterField("state")]].concat());
        let query = ["ListRollouts", &filter.canonical()];
        let paging = Paging::read(&mut violations, given.page_size, &given.page_token, &query);
        violations.finish()?;
        Ok(Self { filter, paging })
    }
}

/// The value of a field that targets are filtered on.
pub(crate) fn target_value<'t>(target: &'t pb::Target, field: &str) -> Option<Cow<'t, str>> {
    if field == "name" {
        return Some(target.name.as_str().into());
    }
    common(&target.name, target.metadata.as_ref()?, field)
}

/// The value of a field that rollouts are filtered on.
pub(crate) fn rollout_value<'r>(rollout: &'r pb::Rollout, field: &str) -> Option<Cow<'r, str>> {
    match field {
        "name" => Some(rollout.name.as_str().into()),
        "target" => Some(rollout.target.as_str().into()),
        "release" => Some(rollout.release.as_str().into()),
        "state" => Some(rollout.state().as_str_name().trim_start_matches("STATE_").into()),
        other => common(&rollout.target, rollout.metadata.as_ref()?, other),
    }
}

/// Application and environment of a target, team and labels.
fn common<'r>(target: &'r str, metadata: &'r Metadata, field: &str) -> Option<Cow<'r, str>> {
    let (application, environment) = split_target(Targets::name(target))?;
    match field {
        "application" => Some(application.into()),
        "environment" => Some(environment.into()),
        "team" => Some(metadata.team.as_str().into()),
        label => metadata.labels.get(label.strip_prefix("labels.")?).map(|value| value.as_str().into()),
    }
}
