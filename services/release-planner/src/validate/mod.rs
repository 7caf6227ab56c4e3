//! Requests, read with every violation at once.

mod application;
mod bundle;
mod deployment;
mod environment;

use bellwether_plan::{ApplicationId, EnvironmentId, ReleaseId};
use bellwether_resource::{
    Violations,
    name::{APPLICATION, ENVIRONMENT, Kind, RELEASE, is_id},
};

pub(crate) use application::application;
pub(crate) use bundle::bundle;
pub(crate) use environment::environment;

/// The longest reason and comment, in characters.
const REASON: usize = 1000;

/// `applications/<id>` or `<id>`.
pub(crate) fn application_id(violations: &mut Violations, field: &str, given: &str) -> ApplicationId {
    chosen(violations, field, given, APPLICATION).into()
}

/// `environments/<id>` or `<id>`.
pub(crate) fn environment_id(violations: &mut Violations, field: &str, given: &str) -> EnvironmentId {
    chosen(violations, field, given, ENVIRONMENT).into()
}

/// As [`environment_id`]; empty: none was named.
pub(crate) fn optional_environment(
    violations: &mut Violations,
    field: &str,
    given: &str,
) -> Option<EnvironmentId> {
    (!given.is_empty()).then(|| environment_id(violations, field, given))
}

/// `releases/<uuid>`.
pub(crate) fn release_id(violations: &mut Violations, field: &str, given: &str) -> ReleaseId {
    violations.name(field, given, RELEASE).unwrap_or_default().into()
}

/// Why somebody does something; required of people.
pub(crate) fn reason(violations: &mut Violations, given: &str) {
    violations.text("reason", given.trim(), 1..=REASON);
}

fn chosen<'g>(violations: &mut Violations, field: &str, given: &'g str, kind: Kind) -> &'g str {
    let id = given.strip_prefix(kind.collection).and_then(|rest| rest.strip_prefix('/')).unwrap_or(given);
    let allowed = || format!("{}, or <id> alone", kind.pattern());
    if !is_id(id) {
        violations.add(field, format!("{given:?}"), allowed());
    }
    id
}
