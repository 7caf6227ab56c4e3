//! Journals: one event a line, as an older or a newer version may have written them.

use bellwether_clock::Timestamp;
use bellwether_plan::{Release, ReleaseEvent};
use bellwether_rollout::{Event, TargetState, desired, effects, evolve, invariants, wake_at};

/// The executor's facts of a target, and everything that is computed of the state after each.
pub(super) fn facts(data: &[u8]) {
    let (mut state, mut at) = (TargetState::default(), Timestamp::UNIX_EPOCH);
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(event) = serde_json::from_slice::<Event>(line) else { continue };
        at = at.checked_add(std::time::Duration::from_secs(1)).unwrap_or(at);
        // an event that cannot happen is an error, and changes nothing
        let Ok(after) = evolve(state.clone(), &event, at) else { continue };
        let _ = invariants::event(&state, &event, &after, at);
        let _ = invariants::state(&after);
        let _ = (desired(&after, at), effects(&after), wake_at(&after, at));
        state = after;
    }
}

/// The planner's events of a release.
pub(super) fn release_events(data: &[u8]) {
    let mut release = None;
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(event) = serde_json::from_slice::<ReleaseEvent>(line) else { continue };
        if let Ok(after) = Release::evolve(release.clone(), &event, Timestamp::UNIX_EPOCH) {
            let _ = after.state();
            release = Some(after);
        }
    }
}
