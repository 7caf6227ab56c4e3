//! What should be on the platform: that of the current step.

use jiff::Timestamp;

use crate::model::{Desired, DesiredDrain, DesiredFleet, Fleet, TargetState, since};

/// All that should be on the target; every value ever issued is safe to apply alone, and to repeat.
pub fn desired(state: &TargetState, now: Timestamp) -> Desired {
    Desired {
        generation: state.desired_since,
        target: state.spec.clone().unwrap_or_default(),
        fleets: state.fleets.values().map(|fleet| wanted(state, fleet)).collect(),
        split: state.split.clone(),
        route_revision: state.route_revision,
        drains: state
            .drains
            .iter()
            .map(|(fleet, until)| DesiredDrain { fleet: *fleet, until: *until, left: since(now, *until) })
            .collect(),
        stable: state.stable,
        journeys: Vec::new(),
        hands_off: state.hands_off(),
    }
}

fn wanted(state: &TargetState, fleet: &Fleet) -> DesiredFleet {
    DesiredFleet {
        id: fleet.id,
        spec_digest: fleet.spec.identity(),
        spec: fleet.spec.clone(),
        count: state.wanted(fleet.id),
    }
}
