//! The judge's settings, as a policy says.

use std::{collections::HashSet, time::Duration};

use bellwether_judge::settings::{
    CheckKind, CheckSpec, ErrorRate, Journey, Latency, LatencyLimit, Preset, Role, Settings, StatusShare,
};
use bellwether_proto::monitor::v1::{self as pb, check::Kind};
use bellwether_resource::{Violations, time};

use crate::{measures, metrics::Metrics};

const HOUR: Duration = Duration::from_secs(3600);
const MOST_CHECKS: usize = 32;
const MOST_JOURNEYS: usize = 32;

/// The judge's settings for a policy, with its violations noted. Of use only when there are none.
pub fn settings(violations: &mut Violations, policy: &pb::HealthPolicy) -> Settings {
    let defaults = Settings::default();
    let alpha = percent(violations, "alpha_percent", policy.alpha_percent, 0.001..=20.0);
    let beta = percent(violations, "beta_percent", policy.beta_percent, 0.1..=50.0);
    let slo = percent(violations, "slo_percent", policy.slo_percent, 50.0..=99.9999);
    let warm_up = violations.duration("warm_up", policy.warm_up.as_ref(), Duration::ZERO..=HOUR);
    violations.range("requests_per_second", policy.requests_per_second, 0.0..=1e7);
    let journeys = journeys(violations, &policy.journeys);
    let metrics = Metrics::of(policy);
    let own = checks(violations, &policy.checks, &journeys, &metrics);
    let checks = with_preset(violations, policy, own, &metrics);
    Settings {
        alpha: alpha.unwrap_or(defaults.alpha),
        beta: beta.unwrap_or(defaults.beta),
        slo,
        warm_up: warm_up.unwrap_or(defaults.warm_up),
        checks,
        journeys,
        pass_by_policy: policy.pass_by_policy.unwrap_or(defaults.pass_by_policy),
        ..defaults
    }
}

pub(crate) type Range = std::ops::RangeInclusive<f64>;

/// A percentage within bounds as a fraction.
pub(crate) fn percent(
    violations: &mut Violations,
    field: &str,
    given: Option<f64>,
    bounds: Range,
) -> Option<f64> {
    let given = given?;
    violations.range(field, given, bounds).then_some(given / 100.0)
}

pub(crate) fn ratio(
    violations: &mut Violations,
    field: &str,
    given: Option<f64>,
    bounds: Range,
) -> Option<f64> {
    let given = given?;
    violations.range(field, given, bounds).then_some(given)
}

fn journeys(violations: &mut Violations, given: &[pb::Journey]) -> Vec<Journey> {
    violations.check(given.len() <= MOST_JOURNEYS, "journeys", given.len(), "at most 32 journeys");
    let mut seen = HashSet::new();
    let mut read = |(index, journey): (usize, &pb::Journey)| {
        violations.element("journeys", index, |violations| {
            violations.id("id", &journey.id);
            violations.check(seen.insert(journey.id.clone()), "id", &journey.id, "distinct ids");
            violations.text("path_prefix", &journey.path_prefix, 1..=256);
            let rooted = journey.path_prefix.is_empty() || journey.path_prefix.starts_with('/');
            violations.check(rooted, "path_prefix", &journey.path_prefix, "a path that begins with /");
            let token = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
            let method = journey.method.len() <= 32 && journey.method.bytes().all(token);
            violations.check(method, "method", &journey.method, "an HTTP method in capitals, or nothing");
        });
        Journey { id: journey.id.clone(), critical: journey.critical }
    };
    given.iter().enumerate().map(&mut read).collect()
}

/// Those of the preset, with the policy's own in place of those of the same id.
fn with_preset(
    violations: &mut Violations,
    policy: &pb::HealthPolicy,
    own: Vec<CheckSpec>,
    metrics: &Metrics<'_>,
) -> Vec<CheckSpec> {
    let preset = violations.enumeration::<pb::Preset>("preset", policy.preset).unwrap_or_default();
    let preset = match preset {
        pb::Preset::Unspecified if !policy.checks.is_empty() => return own,
        pb::Preset::Unspecified | pb::Preset::Web => Preset::Web,
        pb::Preset::Grpc => Preset::Grpc,
        pb::Preset::Batch => Preset::Batch,
        pb::Preset::Business => Preset::Business,
    };
    let replaced = |check: &CheckSpec| own.iter().any(|it| it.id == check.id);
    let mut checks: Vec<CheckSpec> = preset.checks().into_iter().filter(|check| !replaced(check)).collect();
    checks.retain(|check| {
        match measures::metric(&check.kind).filter(|metric| metrics.get(metric).is_none()) {
            None => true,
            // what nobody measures cannot be full
            Some(_) if check.role == Role::Advisory => false,
            Some(metric) => {
                let allowed = format!("a policy whose sources tell the metric {metric}");
                violations.add("preset", policy.preset().as_str_name(), allowed);
                true
            }
        }
    });
    checks.extend(own);
    checks
}

fn checks(
    violations: &mut Violations,
    given: &[pb::Check],
    journeys: &[Journey],
    metrics: &Metrics<'_>,
) -> Vec<CheckSpec> {
    violations.check(given.len() <= MOST_CHECKS, "checks", given.len(), "at most 32 checks");
    let of_probes = given.iter().filter(|check| matches!(check.kind, Some(Kind::Probes(_)))).count();
    violations.check(of_probes <= 1, "checks", of_probes, "at most one check of probes");
    let mut seen = HashSet::new();
    let mut read = |(index, check): (usize, &pb::Check)| {
        violations.element("checks", index, |violations| {
            violations.id("id", &check.id);
            violations.check(seen.insert(check.id.clone()), "id", &check.id, "distinct ids");
            let role = violations.enumeration::<pb::CheckRole>("role", check.role).unwrap_or_default();
            let kind = violations.required("kind", check.kind.as_ref())?;
            let kind = read_kind(violations, kind, journeys, metrics);
            let role = role_of(role, &kind);
            let says_nothing = matches!(kind, CheckKind::Saturation(_)) && role != Role::Advisory;
            violations.check(
                !says_nothing,
                "role",
                check.role().as_str_name(),
                "CHECK_ROLE_ADVISORY for saturation",
            );
            Some(CheckSpec { id: check.id.clone(), role, kind })
        })
    };
    given.iter().enumerate().filter_map(&mut read).collect()
}

fn role_of(role: pb::CheckRole, kind: &CheckKind) -> Role {
    match role {
        pb::CheckRole::Blocking => Role::Blocking,
        pb::CheckRole::Guard => Role::Guard,
        pb::CheckRole::Advisory => Role::Advisory,
        pb::CheckRole::Unspecified => kind.default_role(),
    }
}

fn read_kind(
    violations: &mut Violations,
    kind: &Kind,
    journeys: &[Journey],
    metrics: &Metrics<'_>,
) -> CheckKind {
    match kind {
        Kind::ErrorRate(check) => violations
            .within("error_rate", |violations| CheckKind::ErrorRate(error_rate(violations, check, journeys))),
        Kind::Latency(check) => {
            violations.within("latency", |violations| CheckKind::Latency(latency(violations, check)))
        }
        Kind::StatusShare(check) => {
            violations.within("status_share", |violations| CheckKind::StatusShare(status(violations, check)))
        }
        Kind::TrafficShare(_) => CheckKind::TrafficShare,
        Kind::Connections(check) => {
            violations.within("connections", |violations| measures::connections(violations, check))
        }
        Kind::Count(check) => {
            violations.within("count", |violations| measures::count(violations, check, metrics))
        }
        Kind::Gauge(check) => {
            violations.within("gauge", |violations| measures::gauge(violations, check, metrics))
        }
        Kind::Saturation(check) => {
            violations.within("saturation", |violations| measures::saturation(violations, check, metrics))
        }
        Kind::Probes(check) => violations.within("probes", |violations| measures::probes(violations, check)),
    }
}

fn error_rate(violations: &mut Violations, check: &pb::ErrorRateCheck, journeys: &[Journey]) -> ErrorRate {
    let defaults = ErrorRate::default();
    let journey = (!check.journey.is_empty()).then(|| check.journey.clone());
    let known = journey.as_ref().is_none_or(|id| journeys.iter().any(|journey| journey.id == *id));
    violations.check(known, "journey", &check.journey, "the id of a journey of the policy");
    ErrorRate {
        margin: ratio(violations, "margin_ratio", check.margin_ratio, 1.0..=10.0),
        tolerate: percent(violations, "tolerate_percent", check.tolerate_percent, 0.0..=50.0)
            .unwrap_or(defaults.tolerate),
        pass_ratio: ratio(violations, "pass_ratio", check.pass_ratio, 1.1..=10.0)
            .unwrap_or(defaults.pass_ratio),
        pass_below: percent(violations, "pass_below_percent", check.pass_below_percent, 0.0001..=50.0),
        journey,
    }
}

/// The bucket shift of a margin in percent: 9 % is one bucket, 41 % four, 100 % eight.
fn shift(violations: &mut Violations, field: &str, given: Option<f64>, default: usize) -> usize {
    let Some(percent) = ratio(violations, field, given, 1.0..=100.0) else { return default };
    // the contract names the shifts in whole percent
    let named = |buckets: usize| (100.0 * ((buckets as f64 / 8.0).exp2() - 1.0)).round();
    (1..=8).find(|buckets| named(*buckets) >= percent).unwrap_or(8)
}

fn latency(violations: &mut Violations, check: &pb::LatencyCheck) -> Latency {
    let defaults = Latency::default();
    let limit = violations.duration("limit", check.limit.as_ref(), Duration::from_millis(1)..=HOUR);
    let share = percent(violations, "limit_share_percent", check.limit_share_percent, 0.01..=50.0);
    Latency {
        shift: shift(violations, "margin_percent", check.margin_percent, defaults.shift),
        warn_shift: shift(violations, "warn_percent", check.warn_percent, defaults.warn_shift),
        limit: limit.map(|limit| LatencyLimit {
            millis: limit.as_secs_f64() * 1_000.0,
            share: share.unwrap_or(0.01),
        }),
    }
}

fn status(violations: &mut Violations, check: &pb::StatusShareCheck) -> StatusShare {
    violations.range("status", check.status, 400..=499);
    StatusShare {
        status: u16::try_from(check.status).unwrap_or_default(),
        margin: ratio(violations, "margin_ratio", check.margin_ratio, 1.0..=10.0),
        tolerate: percent(violations, "tolerate_percent", check.tolerate_percent, 0.0..=50.0)
            .unwrap_or(0.005),
    }
}

/// The horizon of an analysis: at most 24 h, an hour unless given.
pub fn horizon(violations: &mut Violations, analysis: &pb::Analysis) -> Duration {
    if let Some(given) = &analysis.horizon
        && time::span(given).is_none()
    {
        violations.add("horizon", format!("{} s", given.seconds), "a duration that is not negative");
    }
    analysis.horizon.as_ref().and_then(time::span).map_or(HOUR, |given| given.min(24 * HOUR))
}

#[cfg(test)]
mod tests;
