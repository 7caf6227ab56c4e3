//! The end of a story: what must stay the same, without ids and times.

use std::collections::BTreeMap;

use bellwether_executor::Replayed;
use bellwether_proto::executor::v1 as pb;
use serde_json::{Value, json};

use crate::house::House;

/// Of what a journal says.
pub fn summary(replayed: &Replayed) -> Value {
    let versions: BTreeMap<&str, &str> = replayed.rollouts.iter().map(version).collect();
    json!({
        "targets": replayed.targets.iter().map(|it| target(it, &versions)).collect::<Vec<_>>(),
        "rollouts": replayed.rollouts.iter().map(|it| rollout(it, &versions)).collect::<Vec<_>>(),
    })
}

/// Of what callers are shown.
pub async fn shown(house: &mut House) -> Value {
    let targets =
        house.client.list_targets(pb::ListTargetsRequest::default()).await.unwrap().into_inner().targets;
    let list = house.client.list_rollouts(pb::ListRolloutsRequest::default()).await.unwrap().into_inner();
    let mut rollouts = list.rollouts;
    rollouts.sort_by(|a, b| a.display_name.cmp(&b.display_name));
    summary(&Replayed { targets, rollouts })
}

/// A fleet's id and the version that people know.
fn version(rollout: &pb::Rollout) -> (&str, &str) {
    let id = rollout.name.trim_start_matches("rollouts/");
    (id, rollout.spec.as_ref().map_or("", |spec| spec.version.as_str()))
}

fn target(it: &pb::Target, versions: &BTreeMap<&str, &str>) -> Value {
    let of = |fleet: Option<&pb::Fleet>| fleet.map(|fleet| versions.get(fleet.id.as_str()).copied());
    json!({
        "name": it.name,
        "stable": of(it.stable.as_ref()),
        "candidate": of(it.candidate.as_ref()),
        "rollouts": it.last_rollout_number,
        "traffic_safe": it.traffic_safe,
        "split": split(&it.split, versions),
        "taken_over": it.taken_over,
    })
}

fn split(shares: &[pb::Share], versions: &BTreeMap<&str, &str>) -> BTreeMap<String, f64> {
    let named =
        |share: &pb::Share| versions.get(share.fleet.as_str()).copied().unwrap_or_default().to_owned();
    shares.iter().map(|share| (named(share), share.percent)).collect()
}

fn rollout(it: &pb::Rollout, versions: &BTreeMap<&str, &str>) -> Value {
    let step = |it: &pb::StepStatus| format!("{} {}", it.name, it.state().as_str_name());
    let item = |it: &pb::ValidationItem| (it.id.clone(), it.result().as_str_name());
    let command = |it: &bellwether_proto::common::v1::CommandRecord| {
        format!("{} {}", it.method, it.outcome().as_str_name())
    };
    json!({
        "name": it.display_name,
        "version": version(it).1,
        "before": versions.get(it.previous_fleet.as_str()),
        "state": it.state().as_str_name(),
        "reason": it.reason.as_ref().map(|reason| &reason.code),
        "steps": it.steps.iter().map(step).collect::<Vec<_>>(),
        "validation": it.validation.iter().map(item).collect::<BTreeMap<_, _>>(),
        "commands": it.commands.iter().map(command).collect::<Vec<_>>(),
        "pauses": it.pauses.len(),
    })
}
