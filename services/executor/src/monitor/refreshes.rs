//! The numbers between changes of a decision: shown, told with what is decided, and kept nowhere.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bellwether_proto::monitor::v1 as pb;
use bellwether_rollout::{
    Decision, RolloutId, Step, TargetState, Verdict,
    verdict::{COMMON_MODE, PASS_BY_POLICY},
};

use crate::{convert, record::TargetRecord};

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
        let newest = self.newest(rollout)?;
        committed.is_none_or(|it| it.segment <= newest.segment).then_some(newest)
    }

    /// The target with the newest numbers of the bake at work, under the decision that was committed; none: there are no newer
    /// ones. What is decided is the same with them, and says what was seen last.
    pub(crate) fn with_numbers(&self, target: &TargetRecord) -> Option<TargetState> {
        let rollout = target.core.begun().filter(|it| matches!(it.current(), Some(Step::Bake(_))))?;
        let id = rollout.id();
        let newest = convert::verdict(&self.newest(id)?, &target.rollout(id)?.asked.health)?;
        let committed = rollout.verdict.as_ref().filter(|it| says_the_same(it, &newest))?;
        let verdict = Verdict { reason: newest.reason, checks: newest.checks, ..committed.clone() };
        if verdict == *committed {
            return None;
        }
        let mut core = target.core.clone();
        core.rollouts.get_mut(&id)?.verdict = Some(verdict);
        Some(core)
    }

    fn newest(&self, rollout: RolloutId) -> Option<pb::Verdict> {
        self.lock().get(&rollout).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RolloutId, pb::Verdict>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether both leave the same segment undecided, and for a reason that means the same.
fn says_the_same(committed: &Verdict, newest: &Verdict) -> bool {
    let of = |it: &Verdict| (it.analysis, it.segment, it.decision);
    let meaning =
        |it: &Verdict| [COMMON_MODE, PASS_BY_POLICY].into_iter().find(|code| *code == it.reason.code);
    committed.decision == Decision::Undecided
        && of(committed) == of(newest)
        && meaning(committed) == meaning(newest)
}
