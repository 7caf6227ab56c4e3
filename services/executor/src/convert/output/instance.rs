//! Instances as they were last seen.

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{Exit, FleetId, Instance, Problem, TargetState};

use super::basic::timestamp;

/// Those of the given fleets.
pub(super) fn instances(state: &TargetState, belongs: impl Fn(FleetId) -> bool) -> Vec<pb::Instance> {
    let seen = state.observed.instances.values();
    seen.filter(|it| belongs(it.fleet)).map(|it| instance(state, it)).collect()
}

fn instance(state: &TargetState, it: &Instance) -> pb::Instance {
    pb::Instance {
        id: it.id.to_string(),
        fleet: it.fleet.to_string(),
        ready: it.ready,
        restarts: i32::try_from(it.restarts).unwrap_or(i32::MAX),
        last_exit: it.last_exit.as_ref().map(|end| exit(end, None)),
        address: it.address.clone(),
        start_time: it.start_time.map(timestamp),
        draining: it.stopping || state.drains.contains_key(&it.fleet),
    }
}

/// What stands in the way of these fleets, and of the target as a whole.
pub(super) fn problems(state: &TargetState, belongs: impl Fn(FleetId) -> bool) -> Vec<pb::Problem> {
    let of_fleet = |it: &&Problem| {
        let instance = it.instance.and_then(|id| state.observed.instances.get(&id));
        it.fleet.or(instance.map(|it| it.fleet)).is_none_or(&belongs)
    };
    state.observed.problems.iter().filter(of_fleet).map(problem).collect()
}

fn problem(it: &Problem) -> pb::Problem {
    pb::Problem {
        code: it.code.clone(),
        fleet: it.fleet.map(|fleet| fleet.to_string()).unwrap_or_default(),
        instance: it.instance.map(|instance| instance.to_string()).unwrap_or_default(),
        text: it.message.clone(),
        since: it.since.map(timestamp),
        remedy: it.remedy.clone(),
    }
}

/// How an instance ended.
pub(super) fn exit(exit: &Exit, at: Option<bellwether_clock::Timestamp>) -> pb::InstanceExit {
    pb::InstanceExit {
        code: exit.code,
        signal: exit.signal,
        log_tail: exit.log_tail.clone(),
        time: at.map(timestamp),
    }
}
