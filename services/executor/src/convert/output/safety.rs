//! The first thing that a person asks: is traffic safe?

use bellwether_rollout::{Decision, FleetId, Rollout, State, TargetState};

/// Whether users are served by a version that is trusted, or by one that is being watched and has not failed. What
/// the router has confirmed counts, not what was wished; nothing read back yet counts as the wish.
pub(super) fn traffic_safe(state: &TargetState) -> bool {
    let split = state.observed.split.as_ref().unwrap_or(&state.split);
    if split.shares.is_empty() {
        // nobody is served: wrong only where somebody should be
        return state.split.shares.is_empty();
    }
    split.shares.iter().filter(|(_, share)| !share.is_zero()).all(|(fleet, _)| trusted(state, *fleet))
}

fn trusted(state: &TargetState, fleet: FleetId) -> bool {
    let doubted = state.begun().filter(|rollout| rollout.fleet == fleet);
    match doubted {
        Some(rollout) => !failed(rollout),
        None => state.fleets.contains_key(&fleet) && state.ready(fleet) > 0,
    }
}

fn failed(rollout: &Rollout) -> bool {
    let judged = rollout.verdict.as_ref().is_some_and(|verdict| verdict.decision == Decision::Fail);
    let stuck = matches!(rollout.state, State::NeedsOperator { .. });
    rollout.undoing() || (judged && rollout.ignoring.is_none()) || (stuck && rollout.ignoring.is_none())
}
