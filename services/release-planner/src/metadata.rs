//! What every resource carries beside its own fields.

use std::collections::HashMap;

use bellwether_proto::common::v1::Metadata;
use bellwether_resource::{Aggregate, Entry, etag, time};

/// The metadata of what `entry` holds. Every event of the planner's resources matters to a decision, so the etag is that of
/// the version.
pub(crate) fn metadata<A: Aggregate>(
    entry: &Entry<A>,
    team: &str,
    labels: HashMap<String, String>,
) -> Metadata {
    Metadata {
        team: team.to_owned(),
        labels,
        etag: etag_of(entry),
        version: i64::try_from(entry.version).unwrap_or(i64::MAX),
        create_time: Some(time::to_timestamp(entry.create_time)),
        update_time: Some(time::to_timestamp(entry.update_time)),
    }
}

/// The etag of what `entry` holds; empty: it does not exist.
pub(crate) fn etag_of<A: Aggregate>(entry: &Entry<A>) -> String {
    if !entry.exists() {
        return String::new();
    }
    etag::of([entry.stream.as_bytes(), &entry.version.to_be_bytes()])
}
