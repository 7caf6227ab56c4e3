//! What is, as it is told.

use bellwether_clock::Timestamp;
use bellwether_proto::{
    agent::v1::{self as proto, value_match::Value},
    executor::v1 as executor,
};
use bellwether_resource::time;

use crate::{
    control::TargetStatus,
    gateway::{HeaderMatch, RequestMatch, Rule, Share, ValueMatch},
    supervisor::{InstanceView, LastExit, Observed, Problem},
};

/// What a target is.
pub(crate) fn observed(observed: Observed, now: Timestamp) -> proto::Observed {
    proto::Observed {
        target: observed.target,
        generation: observed.generation,
        route_generation: observed.route_generation,
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
    let share = |share: Share| executor::Share { fleet: share.fleet, percent: share.percent };
    let mirror = route.mirror.as_ref();
    let affinity = route.affinity.as_ref();
    proto::ObservedRoute {
        revision: i64::try_from(route.revision).unwrap_or(i64::MAX),
        split: route.split.into_iter().map(share).collect(),
        mirror_fleet: mirror.map(|mirror| mirror.fleet.clone()).unwrap_or_default(),
        mirror_percent: mirror.map(|mirror| mirror.percent).unwrap_or_default(),
        mirror_unsafe_methods: mirror.is_some_and(|mirror| mirror.unsafe_methods),
        match_fleet: route.rules.first().map(|rule| rule.fleet.clone()).unwrap_or_default(),
        preview_fleet: route.preview.into_iter().next().map(|preview| preview.fleet).unwrap_or_default(),
        sticky: affinity.is_some(),
        sticky_cookie: affinity.map(|affinity| affinity.cookie.clone()).unwrap_or_default(),
        sticky_ttl: affinity.map(|affinity| time::to_duration(affinity.ttl)),
        rules: route.rules.into_iter().map(rule).collect(),
    }
}

fn rule(rule: Rule) -> proto::MatchRule {
    let RequestMatch { methods, path_prefix, headers, cookies } = rule.requests;
    let headers = headers.into_iter().map(value_match).collect();
    let cookies = cookies.into_iter().map(value_match).collect();
    proto::MatchRule { fleet: rule.fleet, headers, cookies, methods, path_prefix }
}

fn value_match(condition: HeaderMatch) -> proto::ValueMatch {
    let value = match condition.value {
        ValueMatch::Present => None,
        ValueMatch::Exact(exact) => Some(Value::Exact(exact)),
        ValueMatch::Prefix(prefix) => Some(Value::Prefix(prefix)),
    };
    proto::ValueMatch { name: condition.name, value }
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
    proto::Problem {
        code: problem.code.name().to_owned(),
        fleet: problem.fleet,
        text: problem.text,
        instance: problem.instance.map(|id| id.to_string()).unwrap_or_default(),
        since: problem.since.map(time::to_timestamp),
        remedy: problem.code.remedy().to_owned(),
    }
}
