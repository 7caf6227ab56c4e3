//! The numbers between changes of a decision: shown, and kept nowhere.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bellwether_proto::monitor::v1 as pb;
use bellwether_rollout::RolloutId;

/// The newest verdict of each watched rollout, refreshes included.
#[derive(Default)]
pub(crate) struct Refreshes(Mutex<HashMap<RolloutId, pb::Verdict>>);

// === impl Refreshes ===

impl Refreshes {
    /// A verdict came.
    pub(crate) fn take(&self, rollout: RolloutId, verdict: &pb::Verdict) {
        self.lock().insert(rollout, verdict.clone());
    }

    /// The rollout is not watched any more.
    pub(crate) fn forget(&self, rollout: RolloutId) {
        self.lock().remove(&rollout);
    }

    /// The newest verdict, where it is newer than the one that was committed: of the same or a later segment.
    pub(crate) fn newer(&self, rollout: RolloutId, committed: Option<&pb::Verdict>) -> Option<pb::Verdict> {
        let newest = self.lock().get(&rollout).cloned()?;
        committed.is_none_or(|it| it.segment <= newest.segment).then_some(newest)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RolloutId, pb::Verdict>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
