//! Events about old fleets.

use jiff::Timestamp;

use super::Why;
use crate::{
    event::AftercareEvent,
    model::{Aftercare, HookRun, RolloutId, Stage, TargetState},
};

pub(super) fn apply(
    state: &mut TargetState,
    rollout: RolloutId,
    event: &AftercareEvent,
    at: Timestamp,
) -> Result<(), Why> {
    if let AftercareEvent::Kept { fleet, until } = event {
        let stage = Stage::Kept { until: *until };
        state.aftercare.push(Aftercare { rollout, fleet: *fleet, stage, since: at });
        return Ok(());
    }
    let index = state.aftercare.iter().position(|it| it.rollout == rollout);
    let index = index.ok_or_else(|| format!("rollout {rollout} has no aftercare"))?;
    if matches!(event, AftercareEvent::Ended | AftercareEvent::Reclaimed) {
        state.aftercare.remove(index);
        return Ok(());
    }
    let cut = super::rollout::cut_by_drain(state);
    if let (AftercareEvent::Removing, Some(rollout)) = (event, state.rollouts.get_mut(&rollout)) {
        rollout.cut_by_drain += cut;
    }
    let care = state.aftercare.get_mut(index).ok_or("no aftercare")?;
    care.since = at;
    match event {
        AftercareEvent::Draining { until } => care.stage = Stage::Draining { until: *until },
        AftercareEvent::Removing => care.stage = Stage::Removing,
        AftercareEvent::ContractStarted { index, attempt } => {
            let since = match &care.stage {
                Stage::Contract { index: same, run } if same == index && *attempt > 1 => run.since,
                _ => at,
            };
            let run = HookRun { attempt: *attempt, since, outcome: None };
            care.stage = Stage::Contract { index: *index, run };
        }
        AftercareEvent::ContractEnded { index, outcome } => match &mut care.stage {
            Stage::Contract { index: same, run } if same == index => run.outcome = Some(outcome.clone()),
            _ => return Err(format!("contract migration {index} is not called")),
        },
        AftercareEvent::Retried => {
            if let Stage::Contract { run, .. } = &mut care.stage {
                *run = HookRun { attempt: run.attempt + 1, since: at, outcome: None };
            }
        }
        AftercareEvent::Kept { .. } | AftercareEvent::Ended | AftercareEvent::Reclaimed => {}
    }
    Ok(())
}
