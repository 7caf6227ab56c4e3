//! The health policy: passed on to the monitor as it is, checked here so that a rollout does not start with one that
//! the monitor would refuse.

use std::time::Duration;

use bellwether_proto::monitor::v1 as pb;

use crate::convert::fields::Fields;

const HOUR: Duration = Duration::from_secs(3600);

/// Checks every value of the policy against the ranges that the contract gives.
pub(crate) fn health_policy(fields: &Fields<'_>, given: &pb::HealthPolicy) {
    fields.optional("alpha_percent", given.alpha_percent, 0.001..=20.0);
    fields.optional("beta_percent", given.beta_percent, 0.1..=50.0);
    fields.duration("warm_up", given.warm_up.as_ref(), Duration::ZERO..=HOUR, Duration::from_secs(30));
    fields.optional("slo_percent", given.slo_percent, 50.0..=99.9999);
    fields.at_most("checks", given.checks.len(), 32);
    fields.at_most("journeys", given.journeys.len(), 32);
    let journeys: Vec<&str> = given.journeys.iter().map(|journey| journey.id.as_str()).collect();
    distinct(fields, "checks", given.checks.iter().map(|check| check.id.as_str()));
    distinct(fields, "journeys", journeys.iter().copied());
    for (at, check) in given.checks.iter().enumerate() {
        self::check(&fields.nth("checks", at), check, &journeys);
    }
    for (at, journey) in given.journeys.iter().enumerate() {
        self::journey(&fields.nth("journeys", at), journey);
    }
}

fn check(fields: &Fields<'_>, given: &pb::Check, journeys: &[&str]) {
    use pb::check::Kind;
    fields.choice::<pb::CheckRole>("role", given.role);
    match &given.kind {
        None => fields.refuse("kind", "", "error_rate, latency, status_share or traffic_share"),
        Some(Kind::ErrorRate(it)) => error_rate(&fields.at("error_rate"), it, journeys),
        Some(Kind::Latency(it)) => latency(&fields.at("latency"), it),
        Some(Kind::StatusShare(it)) => status_share(&fields.at("status_share"), it),
        Some(Kind::TrafficShare(_)) => {}
    }
}

fn error_rate(fields: &Fields<'_>, given: &pb::ErrorRateCheck, journeys: &[&str]) {
    fields.optional("margin_ratio", given.margin_ratio, 1.0..=10.0);
    fields.optional("tolerate_percent", given.tolerate_percent, 0.0..=50.0);
    fields.optional("pass_ratio", given.pass_ratio, 1.1..=10.0);
    fields.optional("pass_below_percent", given.pass_below_percent, 0.0001..=50.0);
    if !given.journey.is_empty() && !journeys.contains(&given.journey.as_str()) {
        fields.refuse("journey", &given.journey, "the id of a journey of the policy");
    }
}

fn latency(fields: &Fields<'_>, given: &pb::LatencyCheck) {
    fields.optional("margin_percent", given.margin_percent, 1.0..=100.0);
    fields.optional("warn_percent", given.warn_percent, 1.0..=100.0);
    let day = 24 * HOUR;
    fields.duration("limit", given.limit.as_ref(), Duration::from_millis(1)..=day, Duration::from_secs(1));
    fields.optional("limit_share_percent", given.limit_share_percent, 0.01..=50.0);
}

fn status_share(fields: &Fields<'_>, given: &pb::StatusShareCheck) {
    fields.count("status", given.status, 400..=499);
    fields.optional("margin_ratio", given.margin_ratio, 1.0..=10.0);
    fields.optional("tolerate_percent", given.tolerate_percent, 0.0..=50.0);
}

fn journey(fields: &Fields<'_>, given: &pb::Journey) {
    if !given.path_prefix.starts_with('/') || given.path_prefix.len() > 256 {
        fields.refuse("path_prefix", &given.path_prefix, "a path that starts with /, at most 256 characters");
    }
    fields.text("method", &given.method, 32);
}

fn distinct<'a>(fields: &Fields<'_>, name: &'static str, ids: impl Iterator<Item = &'a str>) {
    let mut seen = std::collections::BTreeSet::new();
    for (at, id) in ids.enumerate() {
        let fields = fields.nth(name, at);
        fields.id("id", id);
        if !seen.insert(id) {
            fields.refuse("id", id, "an id that occurs once");
        }
    }
}
