//! Releases and what they wait for.

use bellwether_plan::{
    Approval, Condition, ConditionKind, ConditionState, EnvironmentId, Release, ReleaseState, Stage,
    StageState,
};
use bellwether_proto::{
    common::v1 as common,
    planner::v1::{
        self as pb,
        condition::{Kind, State as ConditionPb},
        release::State,
        release_environment::State as StagePb,
    },
};
use bellwether_resource::time;

use super::{bundle_message, principal_message, reasons::reason};
use crate::actions;

/// For the contract. `vetoed`: its version must never start again. `conditions` answers for stages that wait.
pub(crate) fn release_message(
    release: &Release,
    metadata: common::Metadata,
    vetoed: bool,
    now: bellwether_clock::Timestamp,
    conditions: impl Fn(&EnvironmentId) -> Vec<Condition>,
) -> pb::Release {
    let state = release.state();
    let focus = release.focus().and_then(|id| release.stages.get(id));
    let (code, text) = focus.map_or(("", ""), |stage| (&stage.code, &stage.text));
    let stage = |(id, stage): (&EnvironmentId, &Stage)| {
        let conditions = if stage.state.is_waiting() { conditions(id) } else { Vec::new() };
        stage_message(release, id, stage, now, &conditions)
    };
    let road =
        release.plan.environments.iter().filter_map(|part| release.stages.get_key_value(&part.environment));
    pb::Release {
        name: format!("releases/{}", release.id),
        display_name: format!("{} {}", release.application, release.bundle.version),
        metadata: Some(metadata),
        application: format!("applications/{}", release.application),
        bundle: Some(bundle_message(&release.bundle)),
        requester: Some(principal_message(&release.requester)),
        state: state_message(state).into(),
        reason: reason(code, text),
        plan_digest: release.plan_digest.to_string(),
        environments: road.map(stage).collect(),
        expire_time: release.expires_at.map(time::to_timestamp),
        end_time: release.ended_at.map(time::to_timestamp),
        allowed_actions: actions::of_release(release, vetoed, now),
    }
}

fn stage_message(
    release: &Release,
    id: &EnvironmentId,
    stage: &Stage,
    now: bellwether_clock::Timestamp,
    conditions: &[Condition],
) -> pb::ReleaseEnvironment {
    pb::ReleaseEnvironment {
        environment: id.to_string(),
        state: stage_state(stage.state).into(),
        reason: reason(&stage.code, &stage.text),
        conditions: conditions.iter().map(condition_message).collect(),
        rollout: stage.rollout.clone().unwrap_or_default(),
        rollout_display_name: stage.rollout_display_name.clone(),
        approvals: release.valid_approvals(id).map(approval).collect(),
        start_time: stage.started_at.map(time::to_timestamp),
        live_since: stage.live_since.map(time::to_timestamp),
        soaked: stage.soak.longest(now).map(time::to_duration),
        promoted_by: stage.promoted_by.as_ref().map(principal_message),
    }
}

fn approval(approval: &Approval) -> pb::Approval {
    pb::Approval {
        principal: Some(principal_message(&approval.by)),
        roles: approval.by.roles.clone(),
        plan_digest: approval.plan_digest.to_string(),
        comment: approval.comment.clone(),
        time: Some(time::to_timestamp(approval.at)),
    }
}

/// For the contract.
pub(crate) fn condition_message(condition: &Condition) -> pb::Condition {
    let kind = match condition.kind {
        ConditionKind::State => Kind::State,
        ConditionKind::Hold => Kind::Hold,
        ConditionKind::Soak => Kind::Soak,
        ConditionKind::Approval => Kind::Approval,
    };
    let state = match condition.state {
        ConditionState::Met => ConditionPb::Met,
        ConditionState::Unmet => ConditionPb::Unmet,
        ConditionState::NotEnforced => ConditionPb::NotEnforced,
    };
    pb::Condition {
        kind: kind.into(),
        code: condition.code.to_owned(),
        state: state.into(),
        expected: condition.expected.clone(),
        actual: condition.actual.clone(),
        remedy: condition.remedy.clone(),
        next_change_time: condition.next_change_at.map(time::to_timestamp),
    }
}

fn state_message(state: ReleaseState) -> State {
    match state {
        ReleaseState::Waiting => State::Waiting,
        ReleaseState::RollingOut => State::RollingOut,
        ReleaseState::Soaking => State::Soaking,
        ReleaseState::Completed => State::Completed,
        ReleaseState::Failed => State::Failed,
        ReleaseState::RolledBack => State::RolledBack,
        ReleaseState::Rejected => State::Rejected,
        ReleaseState::Cancelled => State::Cancelled,
        ReleaseState::Expired => State::Expired,
        ReleaseState::Superseded => State::Superseded,
    }
}

fn stage_state(state: StageState) -> StagePb {
    match state {
        StageState::Submitted => StagePb::Submitted,
        StageState::Planned => StagePb::Planned,
        StageState::Waiting => StagePb::Waiting,
        StageState::RollingOut => StagePb::RollingOut,
        StageState::Soaking => StagePb::Soaking,
        StageState::Completed => StagePb::Completed,
        StageState::Failed => StagePb::Failed,
        StageState::RolledBack => StagePb::RolledBack,
        StageState::Rejected => StagePb::Rejected,
        StageState::Cancelled => StagePb::Cancelled,
        StageState::Expired => StagePb::Expired,
        StageState::Superseded => StagePb::Superseded,
    }
}
