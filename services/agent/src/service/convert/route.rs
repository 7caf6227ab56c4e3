//! Traffic as it is wished for.

use std::time::Duration;

use bellwether_proto::agent::v1::{self as proto, value_match};
use bellwether_resource::Violations;

use crate::{
    gateway::{Affinity, HeaderMatch, Mirror, RequestMatch, Rule, Share, ValueMatch},
    supervisor::RouteWish,
};

const COOKIE: &str = "bellwether";
const DAY: Duration = Duration::from_secs(86_400);
const MAX_RULES: usize = 64;

/// The traffic.
pub(crate) fn route(violations: &mut Violations, route: proto::DesiredRoute) -> RouteWish {
    violations.within("route", |violations| read(violations, route))
}

fn read(violations: &mut Violations, route: proto::DesiredRoute) -> RouteWish {
    let sum: f64 = route.split.iter().map(|share| share.percent).sum();
    let whole = route.split.is_empty() || (sum - 100.0).abs() < 0.01;
    violations.check(whole, "split", format!("{sum} %"), "shares that are 100 together, or none");
    violations.percent("mirror_percent", route.mirror_percent);
    violations.text("sticky_cookie", &route.sticky_cookie, 0..=64);
    violations.check(route.rules.len() <= MAX_RULES, "rules", route.rules.len(), "at most 64");
    let revision = u64::try_from(route.revision).ok();
    violations.check(revision.is_some(), "revision", route.revision, "0 or more");
    let ttl =
        violations.duration("sticky_ttl", route.sticky_ttl.as_ref(), Duration::from_secs(1)..=400 * DAY);
    let ttl = ttl.unwrap_or(DAY);
    let matched = !route.r#match.is_empty();
    violations.check(
        !matched || !route.match_fleet.is_empty(),
        "match_fleet",
        "nothing",
        "required with match",
    );
    let cookie = if route.sticky_cookie.is_empty() { COOKIE.to_owned() } else { route.sticky_cookie };
    let mirror = Mirror {
        fleet: route.mirror_fleet,
        percent: route.mirror_percent,
        unsafe_methods: route.mirror_unsafe_methods,
    };
    let share =
        |share: bellwether_proto::executor::v1::Share| Share { fleet: share.fleet, percent: share.percent };
    let header = |header: bellwether_proto::executor::v1::HeaderMatch| Rule {
        fleet: route.match_fleet.clone(),
        requests: RequestMatch {
            headers: vec![exact(header.header, header.value)],
            ..RequestMatch::default()
        },
    };
    RouteWish {
        revision: revision.unwrap_or_default(),
        rules: route.r#match.into_iter().map(header).chain(route.rules.into_iter().map(rule)).collect(),
        split: route.split.into_iter().map(share).collect(),
        mirror: Some(mirror).filter(|mirror| !mirror.fleet.is_empty()),
        affinity: route.sticky.then_some(Affinity { cookie, ttl }),
        preview: Some(route.preview_fleet).filter(|fleet| !fleet.is_empty()),
    }
}

fn rule(rule: proto::MatchRule) -> Rule {
    let proto::MatchRule { fleet, headers, cookies, methods, path_prefix } = rule;
    let headers = headers.into_iter().map(value_match).collect();
    let cookies = cookies.into_iter().map(value_match).collect();
    Rule { fleet, requests: RequestMatch { methods, path_prefix, headers, cookies } }
}

/// A condition on a named value.
pub(super) fn value_match(condition: proto::ValueMatch) -> HeaderMatch {
    let value = match condition.value {
        None => ValueMatch::Present,
        Some(value_match::Value::Exact(exact)) => ValueMatch::Exact(exact),
        Some(value_match::Value::Prefix(prefix)) => ValueMatch::Prefix(prefix),
    };
    HeaderMatch { name: condition.name, value }
}

fn exact(name: String, value: String) -> HeaderMatch {
    HeaderMatch { name, value: ValueMatch::Exact(value) }
}
