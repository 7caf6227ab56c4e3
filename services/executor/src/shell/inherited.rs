//! What the process before this one left under observation.
//!
//! Time that nobody watched counts for nothing. That is not committed at the start: a process that dies right after each of
//! its commits would come on by nothing else than saying so. It goes with the first thing that happens to the target.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use bellwether_clock::Timestamp;

use crate::targets::TargetEntry;

/// The targets as they were found. As long as one has the version that it was found with, nothing was committed since.
#[derive(Default)]
pub(crate) struct Inherited(OnceLock<HashMap<Arc<str>, Found>>);

#[derive(Clone, Copy, Debug)]
struct Found {
    version: u64,
    last_event: Timestamp,
}

// === impl Inherited ===

impl Inherited {
    /// Takes note of the targets that were replayed.
    pub(super) fn take(&self, entries: &[Arc<TargetEntry>]) {
        let watched = entries.iter().filter(|it| it.state.core.begun().is_some_and(|it| it.monitor.up));
        let found = |it: &Arc<TargetEntry>| {
            (it.stream.clone(), Found { version: it.version, last_event: it.update_time })
        };
        // taken once, at the start
        let _ = self.0.set(watched.map(found).collect());
    }

    /// Since when nobody has observed the target's rollout; none: that was said, or it is observed.
    pub(crate) fn unobserved(&self, entry: &TargetEntry) -> Option<Timestamp> {
        let found = self.0.get()?.get(&entry.stream)?;
        (found.version == entry.version).then_some(found.last_event)
    }
}
