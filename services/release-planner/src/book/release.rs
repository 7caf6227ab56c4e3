//! Releases and holds as streams of the journal.

use bellwether_plan::{EvolveError, Hold, Release, ReleaseEvent};
use bellwether_resource::{Aggregate, Meta};

use super::{HoldEvent, NotThere};

/// The streams `releases/<uuid>`.
#[derive(Debug)]
pub(crate) struct Releases;

/// The streams `holds/<uuid>`. A hold that was released is `None` again.
#[derive(Debug)]
pub(crate) struct Holds;

// === impl Releases ===

impl Aggregate for Releases {
    type State = Option<Release>;
    type Event = ReleaseEvent;
    type Illegal = EvolveError;

    const PREFIX: &'static str = "releases/";

    fn evolve(state: Self::State, event: &Self::Event, meta: &Meta) -> Result<Self::State, EvolveError> {
        Release::evolve(state, event, meta.time).map(Some)
    }

    fn kind(event: &Self::Event) -> &'static str {
        match event {
            ReleaseEvent::Submitted { .. } => "RELEASE_SUBMITTED",
            ReleaseEvent::Replanned { .. } => "RELEASE_REPLANNED",
            ReleaseEvent::Approved { .. } => "RELEASE_APPROVED",
            ReleaseEvent::Promoted { .. } => "RELEASE_PROMOTED",
            ReleaseEvent::RolloutRequested { .. } => "RELEASE_ROLLOUT_REQUESTED",
            ReleaseEvent::RolloutStarted { .. } => "RELEASE_ROLLOUT_STARTED",
            ReleaseEvent::RolloutProgressed { .. } => "RELEASE_ROLLOUT_PROGRESSED",
            ReleaseEvent::SteeringChanged { .. } => "RELEASE_STEERING_CHANGED",
            ReleaseEvent::TargetClosed { .. } => "RELEASE_TARGET_CLOSED",
            ReleaseEvent::Moved { .. } => "RELEASE_MOVED",
            ReleaseEvent::HealthLost { .. } => "RELEASE_HEALTH_LOST",
            ReleaseEvent::HealthRegained { .. } => "RELEASE_HEALTH_REGAINED",
            ReleaseEvent::Restored { .. } => "RELEASE_RESTORED",
            ReleaseEvent::StepsRecorded { .. } => "RELEASE_STEPS_RECORDED",
            ReleaseEvent::Replaced { .. } => "RELEASE_REPLACED",
        }
    }

    fn ended(state: &Self::State) -> bool {
        state.as_ref().is_none_or(|release| release.ended_at.is_some())
    }
}

// === impl Holds ===

impl Aggregate for Holds {
    type State = Option<Hold>;
    type Event = HoldEvent;
    type Illegal = NotThere;

    const PREFIX: &'static str = "holds/";

    fn evolve(state: Self::State, event: &Self::Event, _: &Meta) -> Result<Self::State, NotThere> {
        match event {
            HoldEvent::Held { hold } => Ok(Some(hold.clone())),
            HoldEvent::Released { .. } => state.map(|_| None).ok_or(NotThere),
        }
    }

    fn kind(event: &Self::Event) -> &'static str {
        match event {
            HoldEvent::Held { .. } => "HELD",
            HoldEvent::Released { .. } => "HOLD_RELEASED",
        }
    }

    fn ended(state: &Self::State) -> bool {
        state.is_none()
    }
}
