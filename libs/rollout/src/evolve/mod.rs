//! How events make the state. Total: an event that cannot happen in a state is an error at commit and at replay.

mod aftercare;
mod observe;
mod rollout;
mod step;
mod target;

use jiff::Timestamp;
use thiserror::Error;

use crate::{
    event::Event,
    model::{FleetId, RolloutId, Split, TargetSpec, TargetState},
};

/// An event that cannot happen in this state: the history is corrupt, or was written by another version.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("event {version} cannot happen: {why}")]
pub struct Illegal {
    /// The version that the event would have made.
    pub version: u64,
    /// What does not fit.
    pub why: String,
}

/// The state after an event that happened at `at`.
///
/// # Errors
/// [`Illegal`] when the event cannot happen in this state.
pub fn evolve(mut state: TargetState, event: &Event, at: Timestamp) -> Result<TargetState, Illegal> {
    let version = state.version + 1;
    let before = changes_desired(event).then(|| Wish::of(&state));
    apply(&mut state, event, at).map_err(|why| Illegal { version, why })?;
    state.version = version;
    if matches!(event, Event::DriftCorrected { .. })
        || before.is_some_and(|before| before != Wish::of(&state))
    {
        state.desired_since = version;
    }
    Ok(state)
}

/// Replays a stream from its beginning or from a snapshot.
///
/// # Errors
/// [`Illegal`] at the first event that cannot happen.
pub fn replay<'a>(
    start: TargetState,
    events: impl IntoIterator<Item = &'a (Event, Timestamp)>,
) -> Result<TargetState, Illegal> {
    events.into_iter().try_fold(start, |state, (event, at)| evolve(state, event, *at))
}

type Why = String;

fn apply(state: &mut TargetState, event: &Event, at: Timestamp) -> Result<(), Why> {
    match event {
        Event::Rollout { id, what } => rollout::apply(state, *id, what, at),
        Event::Observed(observation) => {
            observe::apply(state, observation, at);
            Ok(())
        }
        Event::Aftercare { rollout, what } => aftercare::apply(state, *rollout, what, at),
        Event::Applied { .. }
        | Event::Deleted { .. }
        | Event::FleetAdded { .. }
        | Event::FleetSized { .. }
        | Event::FleetDraining { .. }
        | Event::FleetRemoved { .. }
        | Event::Routed { .. }
        | Event::DriftCorrected { .. }
        | Event::DriftContested { .. }
        | Event::Troubled { .. }
        | Event::TroubleResolved { .. }
        | Event::TakenOver { .. }
        | Event::Incident(_)
        | Event::HandedBack { .. } => target::apply(state, event, at),
    }
}

/// Events about rollouts and observations never change what is wanted.
const fn changes_desired(event: &Event) -> bool {
    !matches!(
        event,
        Event::Rollout { .. } | Event::Observed(_) | Event::Aftercare { .. } | Event::Incident(_)
    )
}

/// What the desired state is made of.
#[derive(PartialEq)]
struct Wish {
    spec: Option<TargetSpec>,
    counts: Vec<(FleetId, u32)>,
    split: Split,
    drains: Vec<(FleetId, Timestamp)>,
    hands_off: bool,
}

// === impl Wish ===

impl Wish {
    fn of(state: &TargetState) -> Self {
        Self {
            spec: state.spec.clone(),
            counts: state.fleets.keys().map(|id| (*id, state.wanted(*id))).collect(),
            split: state.split.clone(),
            drains: state.drains.iter().map(|(id, until)| (*id, *until)).collect(),
            hands_off: state.hands_off(),
        }
    }
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Why> {
    if holds { Ok(()) } else { Err(why()) }
}

fn unknown(id: RolloutId) -> Why {
    format!("there is no rollout {id}")
}
