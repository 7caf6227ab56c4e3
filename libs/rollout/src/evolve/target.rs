//! Events about the target itself.

use jiff::Timestamp;

use super::{Why, ensure};
use crate::{
    event::Event,
    input::Choice,
    model::{Fleet, FleetId, Seen, TargetSpec, TargetState, Trouble},
};

pub(super) fn apply(state: &mut TargetState, event: &Event, at: Timestamp) -> Result<(), Why> {
    match event {
        Event::Applied { spec, .. } => applied(state, spec),
        Event::Deleted { .. } => return deleted(state),
        Event::FleetAdded { fleet, spec, size } => {
            ensure(!state.fleets.contains_key(fleet), || format!("fleet {fleet} exists"))?;
            state.fleets.insert(*fleet, Fleet { id: *fleet, spec: spec.clone(), size: *size });
        }
        Event::FleetSized { fleet, size } => known(state, *fleet)?.size = *size,
        Event::FleetDraining { fleet, until } => {
            known(state, *fleet)?;
            ensure(!state.split.reaches(*fleet), || format!("fleet {fleet} gets traffic"))?;
            state.drains.insert(*fleet, *until);
        }
        Event::FleetRemoved { fleet } => {
            known(state, *fleet)?;
            ensure(!state.split.reaches(*fleet), || format!("fleet {fleet} gets traffic"))?;
            state.fleets.remove(fleet);
            state.drains.remove(fleet);
        }
        Event::Routed { split, revision, .. } => {
            ensure(*revision > state.route_revision, || format!("route revision {revision} is not newer"))?;
            for fleet in split.shares.keys() {
                known(state, *fleet)?;
            }
            state.split = split.clone();
            state.route_revision = *revision;
            state.drains.retain(|fleet, _| !split.reaches(*fleet));
            super::observe::readiness(state, at);
        }
        Event::DriftCorrected { .. } => {
            state.drift_at = Some(at);
            state.contested = None;
        }
        Event::DriftContested { reason } => state.contested = Some(reason.clone()),
        Event::Troubled { reason, aftercare } => {
            state.trouble = Some(Trouble { reason: reason.clone(), since: at, aftercare: *aftercare });
        }
        Event::TroubleResolved { choice, .. } => {
            let trouble = state.trouble.take().ok_or("nothing is to be resolved")?;
            if let (Some(rollout), Choice::Ignore) = (trouble.aftercare, choice) {
                state.aftercare.retain(|it| it.rollout != rollout);
            }
        }
        Event::TakenOver { reason } => {
            state.taken_over = Some(reason.clone());
            state.contested = None;
        }
        Event::Incident(incident) => state.incident = Some(incident.clone()),
        Event::HandedBack { .. } => {
            ensure(state.hands_off(), || "it was not taken over".into())?;
            state.taken_over = None;
            state.contested = None;
        }
        Event::Observed(_) | Event::Aftercare { .. } | Event::Rollout { .. } => {
            return Err("not an event about the target itself".into());
        }
    }
    Ok(())
}

fn known(state: &mut TargetState, fleet: FleetId) -> Result<&mut Fleet, Why> {
    state.fleets.get_mut(&fleet).ok_or_else(|| format!("there is no fleet {fleet}"))
}

fn applied(state: &mut TargetState, spec: &TargetSpec) {
    let first = state.stable.is_none() && state.fleets.is_empty();
    state.settled = if first { spec.instances } else { state.settled.min(spec.instances) };
    state.spec = Some(spec.clone());
    if state.settled == 0 {
        state.settled = spec.instances;
    }
}

fn deleted(state: &mut TargetState) -> Result<(), Why> {
    ensure(state.queue.is_empty(), || "a rollout has not ended".into())?;
    *state = TargetState {
        version: state.version,
        desired_since: state.desired_since,
        route_revision: state.route_revision,
        numbered: state.numbered,
        observed: Seen { ..state.observed.clone() },
        rollouts: std::mem::take(&mut state.rollouts),
        ..TargetState::default()
    };
    Ok(())
}
