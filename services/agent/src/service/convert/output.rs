//! What is, as it is told.

use bellwether_clock::Timestamp;
use bellwether_proto::{agent::v1 as proto, executor::v1 as executor};
use bellwether_resource::time;

use crate::{
    control::TargetStatus,
    supervisor::{InstanceView, LastExit, Observed, Problem},
};

/// What a target is.
pub(crate) fn observed(observed: Observed, now: Timestamp) -> proto::Observed {
    proto::Observed {
        target: observed.target,
        generation: observed.generation,
        epoch: observed.epoch,
        instances: observed.instances.into_iter().map(instance).collect(),
        route: observed.route.map(observed_route),
        drained_fleets: observed.drained.keys().cloned().collect(),
        cut_by_drain: observed.drained.into_iter().collect(),
        taken_over: observed.taken_over.is_some(),
        taken_over_reason: observed.taken_over.unwrap_or_default(),
        problems: observed.problems.into_iter().map(problem).collect(),
        time: Some(time::to_timestamp(now)),
    }
}

/// The route that is in force.
pub(crate) fn observed_route(route: TargetStatus) -> proto::ObservedRoute {
    let share = |share: crate::gateway::Share| executor::Share { fleet: share.fleet, percent: share.percent };
    proto::ObservedRoute {
        revision: i64::try_from(route.revision).unwrap_or(i64::MAX),
        split: route.split.into_iter().map(share).collect(),
        mirror_fleet: route.mirror.map(|mirror| mirror.fleet).unwrap_or_default(),
        match_fleet: route.rules.into_iter().next().map(|rule| rule.fleet).unwrap_or_default(),
        preview_fleet: route.preview.into_iter().next().map(|preview| preview.fleet).unwrap_or_default(),
        sticky: route.affinity.is_some(),
    }
}

fn instance(view: InstanceView) -> executor::Instance {
    executor::Instance {
        id: view.id.to_string(),
        fleet: view.fleet,
        ready: view.ready,
        restarts: i32::try_from(view.restarts).unwrap_or(i32::MAX),
        last_exit: view.last_exit.map(last_exit),
        address: view.address.map(|address| address.to_string()).unwrap_or_default(),
        start_time: view.started.map(time::to_timestamp),
        draining: view.draining,
    }
}

fn last_exit(exit: LastExit) -> executor::InstanceExit {
    let LastExit { code, signal, log_tail, time: at } = exit;
    executor::InstanceExit { code, signal, log_tail, time: at.map(time::to_timestamp) }
}

fn problem(problem: Problem) -> proto::Problem {
    proto::Problem { code: problem.code.name().to_owned(), fleet: problem.fleet, text: problem.text }
}
