//! A rollout as it is shown.

use bellwether_proto::{common::v1 as common, executor::v1 as pb};
use bellwether_resource::Entry;
use bellwether_rollout::{ItemKind, ItemStatus, Kind, Pause, PauseOwner, Rollout, State, ValidationItem};

use super::{
    actions,
    basic::{principal, reason, shares, timestamp},
    evidence, forecast,
    instance::{instances, problems},
    safety::traffic_safe,
    spec::fleet_spec,
    steps, waiting,
};
use crate::{
    convert::names,
    record::{CommandRecord, RolloutRecord},
    targets::Targets,
};

/// The rollout, in full.
pub(crate) fn rollout(entry: &Entry<Targets>, it: &Rollout) -> pb::Rollout {
    let nothing = RolloutRecord::default();
    let record = entry.state.rollout(it.id()).unwrap_or(&nothing);
    let (state, name) = (&entry.state.core, Targets::name(&entry.stream));
    let active = state.active().is_some_and(|active| active.id() == it.id());
    let ours = |fleet| fleet == it.fleet || Some(fleet) == it.stable_before;
    pb::Rollout {
        name: names::full_rollout(it.id()),
        display_name: format!("{name}-{}", it.number),
        metadata: Some(metadata(it, record)),
        target: entry.stream.to_string(),
        spec: Some(fleet_spec(&it.request.fleet, it.request.irreversible)),
        strategy: Some(record.asked.strategy.clone()),
        policy: Some(record.asked.policy.clone()),
        health: Some(record.asked.health.clone()),
        release: it.request.release.clone(),
        plan_digest: it.request.plan_digest.clone(),
        rollback_of: rollback_of(it.kind),
        traffic_safe: traffic_safe(state),
        state: self::state(it.state).into(),
        reason: Some(reason(&it.reason)),
        steps: steps::steps(it, &record.asked),
        step_index: i32::try_from(steps::index(it)).unwrap_or(i32::MAX),
        progress_percent: steps::progress_percent(it),
        split_wanted: if active { shares(&state.split) } else { Vec::new() },
        split_observed: state.observed.split.as_ref().filter(|_| active).map(shares).unwrap_or_default(),
        instances: if active { instances(state, ours) } else { Vec::new() },
        waiting_on: waiting::waiting_on(state, it),
        pauses: it.pauses.iter().map(pause).collect(),
        verdict: record.verdict.as_deref().cloned(),
        validation: it.validation.iter().map(validation).collect(),
        expected_end: forecast::expected_end(state, it),
        allowed_actions: actions::of_rollout(state, it, name, entry.update_time),
        commands: record.commands.iter().map(command).collect(),
        previous_fleet: it.stable_before.map(|fleet| fleet.to_string()).unwrap_or_default(),
        permit_until: it.permit_until.map(timestamp),
        evidence: evidence::evidence(it, record),
        rollback_times: evidence::rollback_times(it),
        end_time: it.ended_at.map(timestamp),
        problems: if active { problems(state, ours) } else { Vec::new() },
    }
}

fn metadata(it: &Rollout, record: &RolloutRecord) -> common::Metadata {
    common::Metadata {
        team: it.request.team.clone(),
        labels: it.request.labels.clone().into_iter().collect(),
        etag: record.etag.to_string(),
        version: i64::try_from(record.version).unwrap_or(i64::MAX),
        create_time: Some(timestamp(it.accepted_at)),
        update_time: Some(timestamp(record.changed_at)),
    }
}

fn rollback_of(kind: Kind) -> String {
    match kind {
        Kind::Release => String::new(),
        Kind::Rollback { of } => names::full_rollout(of),
    }
}

/// The state as the contract names it.
pub(super) fn state(state: State) -> pb::rollout::State {
    use pb::rollout::State as Pb;
    match state {
        State::Pending => Pb::Pending,
        State::Running => Pb::Running,
        State::RollingBack => Pb::RollingBack,
        State::Recovering => Pb::Recovering,
        State::NeedsOperator { .. } => Pb::NeedsOperator,
        State::Succeeded => Pb::Succeeded,
        State::RolledBack => Pb::RolledBack,
        State::Superseded => Pb::Superseded,
        State::Cancelled => Pb::Cancelled,
    }
}

fn pause(pause: &Pause) -> pb::Pause {
    use pb::pause::Owner;
    let (owner, who) = match &pause.owner {
        PauseOwner::Person(who) => (Owner::Person, Some(principal(&who.0))),
        PauseOwner::Window(_) => (Owner::Window, None),
        PauseOwner::Policy => (Owner::Policy, None),
    };
    pb::Pause {
        owner: owner.into(),
        principal: who,
        reason: pause.reason.text.clone(),
        since: Some(timestamp(pause.since)),
        after_step: pause.after_step,
    }
}

fn validation(item: &ValidationItem) -> pb::ValidationItem {
    use pb::validation_item::Result as Pb;
    let result = match item.status {
        ItemStatus::Pass => Pb::Pass,
        ItemStatus::Fail => Pb::Fail,
        ItemStatus::Open | ItemStatus::Undecided => Pb::Undecided,
        ItemStatus::NotChecked => Pb::NotChecked,
    };
    let text = match (item.value.as_str(), item.baseline.as_str()) {
        ("", _) => String::new(),
        (value, "") => value.to_owned(),
        (value, baseline) => format!("{value}, baseline {baseline}"),
    };
    pb::ValidationItem {
        id: item_id(item.kind).into(),
        result: result.into(),
        text,
        time: Some(timestamp(item.at)),
        value: item.value.clone(),
        baseline: item.baseline.clone(),
    }
}

const fn item_id(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Health => "HEALTH",
        ItemKind::Performance => "PERFORMANCE",
        ItemKind::ErrorRates => "ERROR_RATES",
        ItemKind::Journeys => "USER_JOURNEYS",
        ItemKind::Business => "BUSINESS_METRICS",
        ItemKind::DataIntegrity => "DATA_INTEGRITY",
    }
}

fn command(record: &CommandRecord) -> common::CommandRecord {
    common::CommandRecord {
        method: record.given.method.clone(),
        principal: Some(principal(&record.given.by)),
        reason: record.given.reason.clone(),
        accept_time: Some(timestamp(record.at)),
        outcome: common::command_record::Outcome::from(record.outcome).into(),
    }
}
