//! Wishes as they come.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use bellwether_clock::{Env, Timestamp};
use bellwether_proto::{agent::v1 as proto, executor::v1 as executor};
use bellwether_resource::{Violations, error::Problem, time};

use super::{fleet, route};
use crate::{
    gateway::{ErrorRules, Ingress, Journey, MAX_JOURNEYS, PreviewBy, RequestMatch, SessionKey, Tls},
    supervisor::{Fence, Wish},
};

/// The longest drain.
const MAX_DRAIN: Duration = Duration::from_secs(24 * 3600);

/// A fence, and what else the request holds.
///
/// # Errors
/// Every violation of both.
pub(crate) fn fence_and<T>(
    given: Option<&proto::Fence>,
    read: impl FnOnce(&mut Violations) -> T,
) -> Result<(Fence, T), Problem> {
    let mut violations = Violations::new();
    let fence = fence(&mut violations, given);
    let value = read(&mut violations);
    violations.finish()?;
    Ok((fence, value))
}

/// Who asks.
fn fence(violations: &mut Violations, fence: Option<&proto::Fence>) -> Fence {
    let Some(fence) = violations.required("fence", fence) else {
        return Fence::default();
    };
    violations.within("fence", |violations| violations.text("journal_id", &fence.journal_id, 1..=64));
    Fence { journal_id: fence.journal_id.clone(), epoch: fence.epoch, generation: fence.generation }
}

/// Everything that a target should be.
pub(crate) fn desired(violations: &mut Violations, desired: Option<proto::Desired>, env: &Env) -> Wish {
    let Some(desired) = violations.required("desired", desired) else {
        return Wish::default();
    };
    violations.within("desired", |violations| wish(violations, desired, env))
}

fn wish(violations: &mut Violations, desired: proto::Desired, env: &Env) -> Wish {
    let proto::Desired { fleets, ingress, preview, route, drains, journeys, stable_fleet, errors, target: _ } =
        desired;
    violations.check(ingress.len() <= 16, "ingress", ingress.len(), "at most 16");
    violations.check(journeys.len() <= MAX_JOURNEYS, "journeys", journeys.len(), "at most 32");
    let each = |violations: &mut Violations, fleets: Vec<proto::DesiredFleet>| {
        let read = |(i, it)| violations.element("fleets", i, |violations| fleet::fleet(violations, it));
        fleets.into_iter().enumerate().map(read).collect()
    };
    let mut until = BTreeMap::new();
    for (i, it) in drains.iter().enumerate() {
        until.extend(violations.element("drains", i, |violations| drain(violations, it, env)));
    }
    let entries = ingress.iter().enumerate();
    let entries =
        entries.filter_map(|(i, it)| violations.element("ingress", i, |violations| entry(violations, it)));
    Wish {
        ingress: entries.collect(),
        fleets: each(violations, fleets),
        preview: preview
            .and_then(|it| violations.within("preview", |violations| preview_by(violations, &it))),
        route: route::route(violations, route.unwrap_or_default()),
        drains: until,
        journeys: journeys.into_iter().map(journey).collect(),
        errors: violations
            .within("errors", |violations| errors.map(|it| error_rules(violations, it)).unwrap_or_default()),
        stable: Some(stable_fleet).filter(|fleet| !fleet.is_empty()),
    }
}

/// A fleet on its way out, and when what is open on it is cut.
pub(crate) fn drain(
    violations: &mut Violations,
    drain: &proto::Drain,
    env: &Env,
) -> Option<(String, Timestamp)> {
    violations.text("fleet", &drain.fleet, 1..=64);
    let left = drain.time_left.as_ref().map_or(Some(Duration::ZERO), time::span);
    let left = left.filter(|left| *left <= MAX_DRAIN);
    let allowed = "0 to 24 h";
    violations.check(left.is_some(), "time_left", format!("{:?}", drain.time_left), allowed);
    Some((drain.fleet.clone(), env.now().checked_add(left?).unwrap_or(Timestamp::MAX)))
}

fn address(violations: &mut Violations, listen: &str) -> Option<SocketAddr> {
    let address = listen.parse().ok();
    violations.check(address.is_some(), "listen", listen, "an address and a port, 127.0.0.1:8080");
    address
}

fn entry(violations: &mut Violations, ingress: &executor::Ingress) -> Option<Ingress> {
    violations.check(ingress.header.is_empty(), "header", &ingress.header, "nothing: it is for previews");
    let prefix = ingress.path_prefix.as_str();
    violations.check(prefix.is_empty() || prefix.starts_with('/'), "path_prefix", prefix, "it starts with /");
    let (certificate, key) = (&ingress.tls_certificate_file, &ingress.tls_key_file);
    violations.check(certificate.is_empty() == key.is_empty(), "tls_key_file", key, "both files or none");
    let tls = || Tls { certificate: PathBuf::from(certificate), key: PathBuf::from(key) };
    violations.own_header("version_header", &ingress.version_header);
    Some(Ingress {
        session: session(violations, ingress),
        version_header: Some(ingress.version_header.clone()).filter(|name| !name.is_empty()),
        listen: address(violations, &ingress.listen)?,
        host: Some(ingress.host.clone()).filter(|host| !host.is_empty()),
        path_prefix: prefix.to_owned(),
        tls: (!certificate.is_empty()).then(tls),
    })
}

/// By what requests of one session are known.
fn session(violations: &mut Violations, ingress: &executor::Ingress) -> Option<SessionKey> {
    let (cookie, header) = (&ingress.session_cookie, &ingress.session_header);
    violations.token("session_cookie", cookie);
    violations.token("session_header", header);
    violations.check(
        cookie.is_empty() || header.is_empty(),
        "session_header",
        header,
        "a cookie or a header",
    );
    let by_cookie = (!cookie.is_empty()).then(|| SessionKey::Cookie(cookie.clone()));
    by_cookie.or_else(|| (!header.is_empty()).then(|| SessionKey::Header(header.clone())))
}

/// By a header where one is given, else by an address of its own.
fn preview_by(violations: &mut Violations, preview: &executor::Ingress) -> Option<PreviewBy> {
    let plain = "nothing: a preview has the TLS of the ingress at its address";
    violations.check(preview.tls_certificate_file.is_empty(), "tls_certificate_file", "a file", plain);
    for (field, value) in [
        ("session_cookie", &preview.session_cookie),
        ("session_header", &preview.session_header),
        ("version_header", &preview.version_header),
    ] {
        violations.check(value.is_empty(), field, value, "nothing: it belongs to an ingress");
    }
    if preview.header.is_empty() {
        return Some(PreviewBy::Listen(address(violations, &preview.listen)?));
    }
    let header = preview.header.split_once(':');
    violations.check(header.is_some(), "header", &preview.header, "name: value");
    let (name, value) = header?;
    Some(PreviewBy::Header { name: name.trim().to_owned(), value: value.trim().to_owned() })
}

fn journey(journey: proto::JourneyRule) -> Journey {
    let proto::JourneyRule { id, path_prefix, method } = journey;
    let methods = Some(method).filter(|method| !method.is_empty()).into_iter().collect();
    Journey { name: id, requests: RequestMatch { methods, path_prefix, ..RequestMatch::default() } }
}

fn error_rules(violations: &mut Violations, rules: proto::ErrorRules) -> ErrorRules {
    let statuses = |violations: &mut Violations, field: &str, statuses: Vec<u32>| {
        let known = |status: u32| u16::try_from(status).ok().filter(|status| (100..600).contains(status));
        let wrong = statuses.iter().find(|status| known(**status).is_none());
        violations.check(wrong.is_none(), field, wrong.copied().unwrap_or_default(), "100 to 599");
        statuses.into_iter().filter_map(known).collect()
    };
    ErrorRules {
        statuses: statuses(violations, "statuses", rules.statuses),
        not_statuses: statuses(violations, "not_statuses", rules.not_statuses),
        headers: rules.headers.into_iter().map(route::value_match).collect(),
        trailers: rules.trailers.into_iter().map(route::value_match).collect(),
    }
}
