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
            // the timeout counts from the first attempt
            let since = running(care, *index).filter(|_| *attempt > 1).map_or(at, |run| run.since);
            let run = HookRun { attempt: *attempt, since, outcome: None };
            care.stage = Stage::Contract { index: *index, run };
        }
        AftercareEvent::ContractEnded { index, outcome } => {
            let run =
                running(care, *index).ok_or_else(|| format!("contract migration {index} is not called"))?;
            run.outcome = Some(outcome.clone());
        }
        AftercareEvent::Retried => {
            if let Stage::Contract { run, .. } = &mut care.stage {
                *run = HookRun { attempt: run.attempt + 1, since: at, outcome: None };
            }
        }
        AftercareEvent::Kept { .. } | AftercareEvent::Ended | AftercareEvent::Reclaimed => {}
    }
    Ok(())
}

/// The call of a contract migration, while it is that one's turn.
fn running(care: &mut Aftercare, index: usize) -> Option<&mut HookRun> {
    if let Stage::Contract { index: at, run } = &mut care.stage {
        Some(run).filter(|_| *at == index)
    } else {
        None
    }
}
