//! Instances as they were last seen.

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{Exit, FleetId, Instance, TargetState};

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
        address: String::new(),
        start_time: None,
        draining: it.stopping || state.drains.contains_key(&it.fleet),
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
