//! What is, as the agent tells it.

use std::{collections::BTreeMap, time::Duration};

use bellwether_platform::{PlatformObserved, RouterObserved};
use bellwether_proto::{
    agent::v1::{self as proto, value_match::Value},
    executor::v1 as executor,
};
use bellwether_resource::time;
use bellwether_rollout::{
    Affinity, Drained, Exit, FleetId, Instance, InstanceId, MatchRoute, MatchRule, MirrorRoute, Percent,
    Problem, Split, StringMatch,
};

/// What stands in the way of the route; all other problems are those of what runs.
const OF_ROUTE: [&str; 3] = ["PORT_IN_USE", "GATEWAY_DOWN", "ROUTE_REFUSED"];

/// What runs.
pub(crate) fn platform_observed(observed: proto::Observed) -> PlatformObserved {
    let taken_over = observed.taken_over.then_some(observed.taken_over_reason);
    PlatformObserved {
        generation: u64::try_from(observed.generation).unwrap_or(0),
        instances: observed.instances.into_iter().filter_map(instance).collect(),
        taken_over,
        problems: problems(observed.problems, |code| !OF_ROUTE.contains(&code)),
    }
}

/// Who gets traffic.
pub(crate) fn router_observed(observed: proto::Observed) -> RouterObserved {
    let cut = observed.cut_by_drain;
    let drained = |fleet: &String| {
        let cut_by_drain = cut.get(fleet).copied().unwrap_or(0);
        Some((self::fleet(fleet)?, Drained { cut_by_drain }))
    };
    RouterObserved {
        generation: Some(u64::try_from(observed.route_generation).unwrap_or(0)),
        route_revision: observed.route.as_ref().and_then(|route| u64::try_from(route.revision).ok()),
        split: observed.route.and_then(split),
        drained: observed.drained_fleets.iter().filter_map(drained).collect(),
        problems: problems(observed.problems, |code| OF_ROUTE.contains(&code)),
    }
}

/// An instance; none where its ids are not ours, which then nobody here has asked for.
fn instance(instance: executor::Instance) -> Option<Instance> {
    let exit =
        |exit: executor::InstanceExit| Exit { code: exit.code, signal: exit.signal, log_tail: exit.log_tail };
    Some(Instance {
        fleet: fleet(&instance.fleet)?,
        ready: instance.ready,
        stopping: instance.draining,
        restarts: u32::try_from(instance.restarts).unwrap_or(0),
        last_exit: instance.last_exit.map(exit),
        log: format!("agent:{}", instance.id),
        address: instance.address,
        start_time: instance.start_time.and_then(|time| time::timestamp(&time)),
        id: InstanceId(instance.id.parse().ok()?),
    })
}

/// Those whose code belongs.
fn problems(told: Vec<proto::Problem>, belongs: impl Fn(&str) -> bool) -> Vec<Problem> {
    let problem = |told: proto::Problem| Problem {
        fleet: fleet(&told.fleet),
        instance: told.instance.parse().ok().map(InstanceId),
        code: told.code,
        message: told.text,
        since: told.since.and_then(|time| time::timestamp(&time)),
        remedy: told.remedy,
    };
    told.into_iter().filter(|it| belongs(&it.code)).map(problem).collect()
}

/// The split in force; none where it is not one of ours.
fn split(route: proto::ObservedRoute) -> Option<Split> {
    let share = |share: executor::Share| Some((fleet(&share.fleet)?, Percent::from_f64(share.percent)?));
    let shares: Option<BTreeMap<_, _>> = route.split.into_iter().map(share).collect();
    let mirror = optional(&route.mirror_fleet, |fleet| {
        let percent = Percent::from_f64(route.mirror_percent)?;
        Some(MirrorRoute { fleet, percent, unsafe_methods: route.mirror_unsafe_methods })
    });
    let ttl = route.sticky_ttl.as_ref().and_then(time::span).unwrap_or(Duration::ZERO);
    Some(Split {
        shares: shares?,
        matches: route.rules.into_iter().map(rule).collect::<Option<_>>()?,
        mirror: mirror?,
        affinity: route.sticky.then_some(Affinity { cookie: route.sticky_cookie, ttl }),
        preview: optional(&route.preview_fleet, Some)?,
    })
}

/// What a fleet's id stands for, where there is one.
fn optional<T>(id: &str, read: impl FnOnce(FleetId) -> Option<T>) -> Option<Option<T>> {
    if id.is_empty() { Some(None) } else { fleet(id).and_then(read).map(Some) }
}

fn rule(rule: proto::MatchRule) -> Option<MatchRoute> {
    let value = |value: proto::ValueMatch| {
        let matched = match value.value {
            None => StringMatch::Present,
            Some(Value::Exact(exact)) => StringMatch::Exact(exact),
            Some(Value::Prefix(prefix)) => StringMatch::Prefix(prefix),
        };
        (value.name, matched)
    };
    let fleet = fleet(&rule.fleet)?;
    let rule = MatchRule {
        headers: rule.headers.into_iter().map(value).collect(),
        cookies: rule.cookies.into_iter().map(value).collect(),
        methods: rule.methods,
        path_prefix: rule.path_prefix,
    };
    Some(MatchRoute { rule, fleet })
}

fn fleet(id: &str) -> Option<FleetId> {
    Some(FleetId(id.parse().ok()?))
}
