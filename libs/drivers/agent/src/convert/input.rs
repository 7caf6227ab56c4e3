//! What is wanted, as the agent takes it.

use bellwether_platform::{Error, Result};
use bellwether_proto::{
    agent::v1::{self as proto, InstanceProtocol, value_match::Value},
    executor::v1 as executor,
};
use bellwether_resource::time;
use bellwether_rollout::{
    Desired, DesiredDrain, DesiredFleet, Ingress, Journey, MatchRoute, Protocol, StringMatch, TargetSpec,
};

use super::{name, spec};

/// Everything that a target should be.
///
/// # Errors
/// Something in it that the agent cannot do.
pub(crate) fn desired(target: &str, desired: &Desired) -> Result<proto::Desired> {
    let fleet = |fleet: &DesiredFleet| self::fleet(&desired.target, fleet);
    Ok(proto::Desired {
        target: name(target),
        fleets: desired.fleets.iter().map(fleet).collect::<Result<_>>()?,
        ingress: desired.target.ingress.iter().map(ingress).collect(),
        preview: desired.target.preview.as_ref().map(ingress),
        route: Some(route(desired)),
        drains: desired.drains.iter().map(drain).collect(),
        journeys: desired.journeys.iter().map(journey).collect(),
        stable_fleet: desired.stable.map(|fleet| fleet.to_string()).unwrap_or_default(),
        errors: None,
    })
}

/// The traffic.
pub(crate) fn route(desired: &Desired) -> proto::DesiredRoute {
    let split = &desired.split;
    let share = |(fleet, percent): (&bellwether_rollout::FleetId, &bellwether_rollout::Percent)| {
        executor::Share { fleet: fleet.to_string(), percent: percent.as_f64() }
    };
    proto::DesiredRoute {
        revision: i64::try_from(desired.route_revision).unwrap_or(i64::MAX),
        split: split.shares.iter().map(share).collect(),
        r#match: Vec::new(),
        match_fleet: String::new(),
        mirror_fleet: split.mirror.map(|mirror| mirror.fleet.to_string()).unwrap_or_default(),
        mirror_percent: split.mirror.map(|mirror| mirror.percent.as_f64()).unwrap_or_default(),
        mirror_unsafe_methods: split.mirror.is_some_and(|mirror| mirror.unsafe_methods),
        sticky: split.affinity.is_some(),
        sticky_cookie: split.affinity.as_ref().map(|affinity| affinity.cookie.clone()).unwrap_or_default(),
        sticky_ttl: split.affinity.as_ref().map(|affinity| time::to_duration(affinity.ttl)),
        preview_fleet: split.preview.map(|fleet| fleet.to_string()).unwrap_or_default(),
        rules: split.matches.iter().map(rule).collect(),
    }
}

fn journey(journey: &Journey) -> proto::JourneyRule {
    let Journey { id, path_prefix, method } = journey.clone();
    proto::JourneyRule { id, path_prefix, method }
}

fn fleet(target: &TargetSpec, fleet: &DesiredFleet) -> Result<proto::DesiredFleet> {
    let port = match target.ports.as_slice() {
        [] => None,
        [port] => Some(port),
        _ => return Err(unsupported("give an instance several ports")),
    };
    let protocol = match port.map(|port| port.protocol) {
        None | Some(Protocol::Http) => InstanceProtocol::Auto,
        Some(Protocol::Http2) => InstanceProtocol::Http2,
        Some(Protocol::Tcp) => return Err(unsupported("route plain TCP")),
    };
    let mut spec = spec::spec(&fleet.spec)?;
    if let Some(variable) = port.map(|port| &port.env).filter(|variable| !variable.is_empty()) {
        spec.env.insert(variable.clone(), "{port}".to_owned());
    }
    let count = i32::try_from(fleet.count).unwrap_or(i32::MAX);
    Ok(proto::DesiredFleet { id: fleet.id.to_string(), spec: Some(spec), count, protocol: protocol.into() })
}

fn ingress(ingress: &Ingress) -> executor::Ingress {
    let tls = ingress.tls.as_ref();
    executor::Ingress {
        listen: ingress.listen.clone(),
        host: ingress.host.clone(),
        path_prefix: ingress.path.clone(),
        header: ingress.header.clone(),
        tls_certificate_file: tls.map(|tls| tls.certificate_file.clone()).unwrap_or_default(),
        tls_key_file: tls.map(|tls| tls.key_file.clone()).unwrap_or_default(),
        session_cookie: ingress.session_cookie.clone(),
        session_header: ingress.session_header.clone(),
        version_header: ingress.version_header.clone(),
    }
}

fn drain(drain: &DesiredDrain) -> proto::Drain {
    proto::Drain { fleet: drain.fleet.to_string(), time_left: Some(time::to_duration(drain.left)) }
}

fn rule(route: &MatchRoute) -> proto::MatchRule {
    let value = |(name, value): (&String, &StringMatch)| proto::ValueMatch {
        name: name.clone(),
        value: match value {
            StringMatch::Exact(exact) => Some(Value::Exact(exact.clone())),
            StringMatch::Prefix(prefix) => Some(Value::Prefix(prefix.clone())),
            StringMatch::Present => None,
        },
    };
    proto::MatchRule {
        fleet: route.fleet.to_string(),
        headers: route.rule.headers.iter().map(value).collect(),
        cookies: route.rule.cookies.iter().map(value).collect(),
        methods: route.rule.methods.clone(),
        path_prefix: route.rule.path_prefix.clone(),
    }
}

pub(super) fn unsupported(what: &str) -> Error {
    Error::Unsupported { driver: "agent".to_owned(), what: what.to_owned() }
}
