//! What the monitor is asked to watch.

use std::time::Duration;

use bellwether_proto::{common::v1 as common, monitor::v1 as pb};
use bellwether_rollout::{
    AnalysisSpec, Bake, FleetId, Percent, Rollout, Route, Step, analysis as wanted, recovery_analysis,
};

use super::{
    output::duration,
    verdict::{Which, analysis_name},
};
use crate::targets::{TargetEntry, Targets};

/// Evidence is kept over at most this long.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The analysis that a target wants now: that of its candidate, or of stable after a rollback.
pub(crate) fn analysis(entry: &TargetEntry) -> Option<pb::Analysis> {
    of_candidate(entry).or_else(|| of_recovery(entry))
}

/// Stable is judged alone, by the policy's absolute limits: there is nothing beside it to compare it with.
fn of_recovery(entry: &TargetEntry) -> Option<pb::Analysis> {
    let spec = recovery_analysis(&entry.state.core)?;
    let rollout = Targets::rollout(entry, spec.rollout)?;
    let record = entry.state.rollout(spec.rollout)?;
    let segment = pb::Segment {
        index: 1,
        kind: pb::SegmentKind::Full.into(),
        candidate_share_percent: 100.0,
        route_revision: i64::try_from(spec.route_revision).unwrap_or(i64::MAX),
        ..pb::Segment::default()
    };
    Some(pb::Analysis {
        name: analysis_name(spec.rollout, Which::Recovery(spec.recovery)),
        metadata: metadata(rollout),
        target: entry.stream.to_string(),
        candidate_fleet: spec.fleet.to_string(),
        policy: Some(record.asked.health.clone()),
        horizon: Some(duration(rollout.policies().recovery.max)),
        one_sided_planned: true,
        segment: Some(segment),
        candidate_version: version(entry, Some(spec.fleet)),
        ..pb::Analysis::default()
    })
}

fn metadata(rollout: &Rollout) -> Option<common::Metadata> {
    let (team, labels) = (rollout.request.team.clone(), rollout.request.labels.clone());
    Some(common::Metadata { team, labels: labels.into_iter().collect(), ..Default::default() })
}

fn of_candidate(entry: &TargetEntry) -> Option<pb::Analysis> {
    let spec = wanted(&entry.state.core)?;
    let rollout = Targets::rollout(entry, spec.rollout)?;
    let record = entry.state.rollout(spec.rollout)?;
    Some(pb::Analysis {
        name: analysis_name(spec.rollout, Which::Candidate(spec.analysis)),
        metadata: metadata(rollout),
        target: entry.stream.to_string(),
        candidate_fleet: spec.candidate.to_string(),
        baseline_fleet: baseline(rollout, &spec),
        policy: Some(record.asked.health.clone()),
        horizon: Some(duration(horizon(rollout))),
        one_sided_planned: one_sided_planned(rollout),
        only_one_sided_planned: !live_planned(rollout),
        segment: Some(segment(rollout, &spec)),
        state: pb::analysis::State::Unspecified.into(),
        verdict: None,
        candidate_version: version(entry, Some(spec.candidate)),
        baseline_version: version(entry, rollout.stable_before.filter(|_| spec.one_sided.is_empty())),
        probes: None,
    })
}

/// For sources that tell versions apart by their names.
fn version(entry: &TargetEntry, fleet: Option<FleetId>) -> String {
    let fleet = fleet.and_then(|fleet| entry.state.core.fleets.get(&fleet));
    fleet.map(|fleet| fleet.spec.artifact.version.clone()).unwrap_or_default()
}

/// The fleet that the candidate is compared with in some segment, whether or not it serves in this one.
fn baseline(rollout: &Rollout, spec: &AnalysisSpec) -> String {
    let compared = rollout.stable_before.filter(|_| spec.one_sided.is_empty());
    compared.map(|fleet| fleet.to_string()).unwrap_or_default()
}

fn bakes(rollout: &Rollout) -> impl Iterator<Item = &Bake> {
    rollout.steps.iter().filter_map(|step| match step {
        Step::Bake(bake) if bake.checks => Some(bake),
        _ => None,
    })
}

/// The sum of the longest bakes.
fn horizon(rollout: &Rollout) -> Duration {
    bakes(rollout).map(|bake| bake.max).fold(Duration::ZERO, Duration::saturating_add).min(LONGEST)
}

/// Whether some bake has no live baseline: all traffic on the candidate, a preview, or no stable at all.
fn one_sided_planned(rollout: &Rollout) -> bool {
    let alone = |step: &Step| match step {
        Step::Route(route) => {
            route.preview || route.percent.is_none_or(|it| it == Percent::FULL) || only_matched(route)
        }
        Step::Replace(_) => true,
        _ => false,
    };
    rollout.stable_before.is_none() || rollout.stable_floor.is_some() || rollout.steps.iter().any(alone)
}

/// Whether some segment has a live baseline: a part of the traffic, or a copy of it, on the candidate.
fn live_planned(rollout: &Rollout) -> bool {
    let live = |step: &Step| match step {
        Step::Route(route) => {
            let part = route.percent.is_some_and(|it| !it.is_zero() && it != Percent::FULL);
            !route.preview && (part || route.mirror.is_some())
        }
        Step::Replace(_) => true,
        _ => false,
    };
    rollout.stable_before.is_some() && rollout.steps.iter().any(live)
}

/// The candidate gets matched requests only: they are nobody's like.
fn only_matched(route: &Route) -> bool {
    route.percent.is_some_and(|it| it.is_zero()) && !route.matches.is_empty()
}

fn segment(rollout: &Rollout, spec: &AnalysisSpec) -> pb::Segment {
    let all = spec.candidate_percent == Percent::FULL;
    let kind = if spec.preview {
        pb::SegmentKind::Preview
    } else if all {
        pb::SegmentKind::Full
    } else if spec.mirrored || spec.selected && spec.candidate_percent.is_zero() {
        pb::SegmentKind::Shadow
    } else {
        pb::SegmentKind::Split
    };
    pb::Segment {
        index: i32::try_from(spec.segment).unwrap_or(i32::MAX),
        kind: kind.into(),
        candidate_share_percent: spec.candidate_percent.as_f64(),
        route_revision: i64::try_from(spec.route_revision).unwrap_or(i64::MAX),
        mirrored: spec.mirrored,
        selected: spec.selected,
        min: Some(duration(min(rollout))),
    }
}

/// The minimum of the bake that the rollout is in, or comes to next.
fn min(rollout: &Rollout) -> Duration {
    let ahead = rollout.steps.iter().skip(rollout.step.index);
    let next = ahead.into_iter().find_map(|step| match step {
        Step::Bake(bake) if bake.checks => Some(bake.min),
        _ => None,
    });
    next.unwrap_or_default()
}
