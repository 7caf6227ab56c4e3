//! What a rule looks at: the target, the rollout, the time.

use jiff::Timestamp;

use crate::{
    event::{Event, RolloutEvent},
    model::{FleetId, Pause, PauseOwner, Percent, Policies, Rollout, StepEnd, TargetState, since},
};

#[derive(Clone, Copy)]
pub(crate) struct Ctx<'a> {
    pub(crate) state: &'a TargetState,
    pub(crate) rollout: &'a Rollout,
    pub(crate) now: Timestamp,
}

// === impl Ctx ===

impl Ctx<'_> {
    pub(crate) const fn event(&self, what: RolloutEvent) -> Event {
        Event::of(self.rollout.id(), what)
    }

    pub(crate) const fn ended(&self, end: StepEnd) -> Event {
        self.event(RolloutEvent::StepEnded { end })
    }

    pub(crate) const fn policies(&self) -> &Policies {
        self.rollout.policies()
    }

    pub(crate) const fn candidate(&self) -> FleetId {
        self.rollout.fleet
    }

    /// The fleet beside the candidate: stable as it was at the start.
    pub(crate) const fn base(&self) -> Option<FleetId> {
        self.rollout.stable_before
    }

    /// The candidate's share as it is wanted now.
    pub(crate) fn share(&self) -> Percent {
        self.state.split.share(self.candidate())
    }

    /// What stable can carry. A stable that was allowed to be unhealthy carries all as long as it is not worse.
    pub(crate) fn base_carries(&self, base: FleetId) -> Percent {
        match self.rollout.stable_floor {
            Some(floor) if self.state.ready(base) >= floor => Percent::FULL,
            _ => self.state.carries(base),
        }
    }

    /// Whether stable can carry this share.
    pub(crate) fn base_can_carry(&self, base: FleetId, share: Percent) -> bool {
        self.base_carries(base) == Percent::FULL || self.state.can_carry(base, share)
    }

    /// Whether somebody holds the running step itself.
    pub(crate) fn frozen(&self) -> bool {
        !self.rollout.undoing() && self.rollout.pauses.iter().any(|it| !it.after_step)
    }

    pub(crate) fn pause_of(&self, owner: &PauseOwner) -> Option<&Pause> {
        self.rollout.pauses.iter().find(|it| it.owner == *owner)
    }

    /// Whether the running step has made no progress for the progress deadline.
    pub(crate) fn late(&self) -> bool {
        self.rollout.step.progress.elapsed(self.now) >= self.policies().progress_deadline
    }

    /// Whether readiness has been below the share for the grace time.
    pub(crate) fn degraded(&self) -> bool {
        let grace = self.policies().readiness_grace;
        self.rollout.below_since.is_some_and(|start| since(start, self.now) >= grace)
    }
}
