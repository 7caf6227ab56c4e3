//! What the monitor is asked to watch.

use crate::model::{
    FleetId, ItemKind, ItemStatus, Origin, Percent, Rollout, RolloutId, State, TargetState, ValidationItem,
};

/// The analysis that is wanted now. The shell starts it, tells the monitor of each change, and stops it when
/// there is none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisSpec {
    /// The rollout; its analysis is named after it and `analysis`.
    pub rollout: RolloutId,
    /// Which analysis of the rollout; a retry after FAIL starts the next one.
    pub analysis: u32,
    /// The segment.
    pub segment: u32,
    /// Samples of this route revision belong to the segment.
    pub route_revision: u64,
    /// The fleet that is judged.
    pub candidate: FleetId,
    /// The fleet that it is compared with; none: one-sided checks.
    pub baseline: Option<FleetId>,
    /// The candidate's share as configured.
    pub candidate_percent: Percent,
    /// The baseline's share as configured.
    pub baseline_percent: Percent,
    /// The candidate gets copies: samples are flagged, and its share of traffic says nothing.
    pub mirrored: bool,
    /// Match rules or affinity choose the traffic: its share says nothing.
    pub selected: bool,
    /// The candidate is reached through the preview ingress only.
    pub preview: bool,
    /// Why checks are one-sided although a stable exists (`STABLE_UNHEALTHY`); empty: they are not.
    pub one_sided: &'static str,
}

/// The analysis of the rollout that runs: from its first segment until Promote, also between steps.
pub fn analysis(state: &TargetState) -> Option<AnalysisSpec> {
    let rollout = state.begun().filter(|it| watched(it))?;
    let split = &state.split;
    let one_sided = if rollout.stable_floor.is_some() { "STABLE_UNHEALTHY" } else { "" };
    let serves =
        |base: &FleetId| !split.share(*base).is_zero() && one_sided.is_empty() && !rollout.route.preview;
    let baseline = rollout.stable_before.filter(serves);
    Some(AnalysisSpec {
        rollout: rollout.id(),
        analysis: rollout.analysis,
        segment: rollout.segment,
        route_revision: state.route_revision,
        candidate: rollout.fleet,
        baseline,
        candidate_percent: split.share(rollout.fleet),
        baseline_percent: baseline.map(|base| split.share(base)).unwrap_or_default(),
        mirrored: split.mirror.is_some(),
        selected: !split.matches.is_empty() || split.affinity.is_some(),
        preview: rollout.route.preview,
        one_sided,
    })
}

fn watched(rollout: &Rollout) -> bool {
    let forward =
        matches!(rollout.state, State::Running | State::NeedsOperator { from: Origin::Running, .. });
    forward && rollout.watched() && !rollout.promoted
}

/// What the monitor is asked about stable after a rollback: a one-sided analysis of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoverySpec {
    /// The rollout that was taken back.
    pub rollout: RolloutId,
    /// Which of its recoveries; a retry after a bad one starts the next.
    pub recovery: u32,
    /// The fleet that serves again.
    pub fleet: FleetId,
    /// Samples of this route revision and later ones count.
    pub route_revision: u64,
}

/// The analysis of the rollout that recovers, as long as an item waits for it.
pub fn recovery_analysis(state: &TargetState) -> Option<RecoverySpec> {
    let rollout = state.begun().filter(|it| it.state == State::Recovering)?;
    let waits = |it: &ValidationItem| ItemKind::MONITORED.contains(&it.kind) && it.status == ItemStatus::Open;
    let fleet = rollout.stable_before.filter(|_| rollout.validation.iter().any(waits))?;
    Some(RecoverySpec {
        rollout: rollout.id(),
        recovery: rollout.recoveries,
        fleet,
        route_revision: state.route_revision,
    })
}
