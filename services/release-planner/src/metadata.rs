//! What every resource carries beside its own fields.

use std::collections::HashMap;

use bellwether_plan::{Release, StageState};
use bellwether_proto::common::v1::Metadata;
use bellwether_resource::{Aggregate, Entry, etag, time};

use crate::book::Applications;

/// The metadata of what `entry` holds.
pub(crate) fn metadata<A: Aggregate>(
    entry: &Entry<A>,
    etag: String,
    team: &str,
    labels: HashMap<String, String>,
) -> Metadata {
    Metadata {
        team: team.to_owned(),
        labels,
        etag,
        version: i64::try_from(entry.version).unwrap_or(i64::MAX),
        create_time: Some(time::to_timestamp(entry.create_time)),
        update_time: Some(time::to_timestamp(entry.update_time)),
    }
}

/// The etag of an application: what people have made of it, not what the executor has been told of it meanwhile. Empty: it does
/// not exist.
pub(crate) fn application_etag(entry: &Entry<Applications>) -> String {
    let Some(application) = &entry.state else { return String::new() };
    let (revision, vetoes) = (application.revision.to_be_bytes(), application.vetoes.len().to_be_bytes());
    etag::of([entry.stream.as_bytes(), &revision, &vetoes, &[u8::from(application.deleted)]])
}

/// The etag of an environment: each of its events matters to a decision. Empty: it does not exist.
pub(crate) fn etag_of<A: Aggregate>(entry: &Entry<A>) -> String {
    if !entry.exists() {
        return String::new();
    }
    etag::of([entry.stream.as_bytes(), &entry.version.to_be_bytes()])
}

/// The etag of a release: its plan, where it stands, and who has approved; not how its rollouts get on, nor which of several
/// things it waits for. An approval is given on what was seen of the others.
pub(crate) fn release_etag(release: &Release) -> String {
    let states = release.stages.iter().map(|(environment, stage)| {
        let state = if stage.state.is_waiting() { StageState::Waiting } else { stage.state };
        format!("{environment} {state:?} {}", stage.rollout.as_deref().unwrap_or_default())
    });
    let approvals = release
        .approvals
        .iter()
        .map(|approval| format!("{} {} {}", approval.environment, approval.by.id, approval.at));
    let parts: Vec<_> = [release.id.to_string(), release.plan_digest.to_string()]
        .into_iter()
        .chain(states)
        .chain(approvals)
        .collect();
    etag::of(parts.iter().map(String::as_bytes))
}
