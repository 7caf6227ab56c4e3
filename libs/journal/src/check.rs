//! Whether a commit may go in: the same answer on every implementation.

use crate::{Commit, CommitError, RequestRecord, StreamInfo};

/// What a commit is checked against: the state it would be applied to.
pub(crate) trait Heads {
    /// The stream, when it exists.
    fn stream(&self, stream: &str) -> Option<StreamInfo>;

    /// The answer that a request already has.
    fn request(&self, scope: &str, id: &str) -> Option<RequestRecord>;
}

/// Refuses a commit that contradicts itself or what is there. A request that has been answered is reported
/// before a conflict: its repetition was decided on an old state and must still get the first answer.
pub(crate) fn check(commit: &Commit, heads: &impl Heads) -> Result<(), CommitError> {
    well_formed(commit)?;
    if let Some(request) = &commit.request
        && let Some(found) = heads.request(&request.scope, &request.id)
    {
        return Err(CommitError::RequestExists(Box::new(found)));
    }
    for part in &commit.parts {
        let found = heads.stream(&part.stream).unwrap_or_else(|| StreamInfo::new(part.stream.clone()));
        if found.version != part.expected_version {
            return Err(CommitError::conflict(&found, part.expected_version));
        }
    }
    for snapshot in &commit.snapshots {
        let committed = heads.stream(&snapshot.stream).map_or(0, |found| found.version);
        let appended = commit.parts.iter().find(|part| part.stream == snapshot.stream);
        let version = committed + appended.map_or(0, |part| part.events.len() as u64);
        if snapshot.version == 0 || snapshot.version > version {
            return Err(CommitError::Malformed("a snapshot of a version that does not exist"));
        }
    }
    Ok(())
}

fn well_formed(commit: &Commit) -> Result<(), CommitError> {
    let mut streams: Vec<&str> = commit.parts.iter().map(|part| &*part.stream).collect();
    streams.sort_unstable();
    if streams.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(CommitError::Malformed("a stream occurs twice"));
    }
    if streams.iter().any(|stream| stream.is_empty()) {
        return Err(CommitError::Malformed("a stream without a name"));
    }
    if commit.parts.iter().any(|part| part.events.is_empty()) {
        return Err(CommitError::Malformed("a part without events"));
    }
    if commit.puts.iter().any(|put| put.key.is_empty()) {
        return Err(CommitError::Malformed("a put without a key"));
    }
    let nothing = commit.parts.is_empty() && commit.puts.is_empty() && commit.snapshots.is_empty();
    if nothing && commit.request.is_none() {
        return Err(CommitError::Malformed("nothing to commit"));
    }
    Ok(())
}

// === impl StreamInfo ===

impl StreamInfo {
    /// A stream without events.
    pub(crate) fn new(stream: std::sync::Arc<str>) -> Self {
        Self { stream, version: 0, trimmed: 0, ended: false }
    }
}
