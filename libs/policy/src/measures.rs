//! Checks of what is measured beside requests.

use bellwether_judge::settings::{
    CheckKind, Connections, Count, Counter, Exposure, Gauge, Probes, Saturation, Worse,
};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;

use crate::{
    metrics::{Kind, Metrics},
    settings::{percent, ratio},
};

/// The metric that a check needs; None: it needs none.
pub(crate) fn metric(kind: &CheckKind) -> Option<&str> {
    match kind {
        CheckKind::Count(Count { counter: Counter::Metric(metric), .. })
        | CheckKind::Gauge(Gauge { metric, .. })
        | CheckKind::Saturation(Saturation { metric, .. }) => Some(metric),
        CheckKind::Count(Count { counter: Counter::Answered, .. })
        | CheckKind::ErrorRate(_)
        | CheckKind::Latency(_)
        | CheckKind::StatusShare(_)
        | CheckKind::TrafficShare
        | CheckKind::Connections(_)
        | CheckKind::Probes(_) => None,
    }
}

pub(crate) fn connections(violations: &mut Violations, given: &pb::ConnectionsCheck) -> CheckKind {
    let defaults = Connections::default();
    CheckKind::Connections(Connections {
        margin: ratio(violations, "margin_ratio", given.margin_ratio, 1.0..=10.0),
        tolerate: percent(violations, "tolerate_percent", given.tolerate_percent, 0.0..=50.0)
            .unwrap_or(defaults.tolerate),
    })
}

pub(crate) fn probes(violations: &mut Violations, given: &pb::ProbesCheck) -> CheckKind {
    let defaults = Probes::default();
    CheckKind::Probes(Probes {
        margin: ratio(violations, "margin_ratio", given.margin_ratio, 1.0..=10.0),
        tolerate: percent(violations, "tolerate_percent", given.tolerate_percent, 0.0..=50.0)
            .unwrap_or(defaults.tolerate),
        pass_below: percent(violations, "pass_below_percent", given.pass_below_percent, 0.0001..=50.0),
    })
}

pub(crate) fn count(violations: &mut Violations, given: &pb::CountCheck, metrics: &Metrics<'_>) -> CheckKind {
    let (counter, default) = if given.metric.is_empty() {
        (Counter::Answered, Exposure::Share)
    } else {
        known(violations, &given.metric, Kind::Counter, metrics);
        (Counter::Metric(given.metric.clone()), Exposure::Requests)
    };
    let exposure =
        match violations.enumeration::<pb::Exposure>("exposure", given.exposure).unwrap_or_default() {
            pb::Exposure::Unspecified => default,
            pb::Exposure::Requests => Exposure::Requests,
            pb::Exposure::Share => Exposure::Share,
            pb::Exposure::Instances => Exposure::Instances,
        };
    let worse = direction(violations, given.worse, Worse::Fewer);
    let fail = ratio(violations, "fail_ratio", given.fail_ratio, 0.01..=100.0);
    let fail = fail.unwrap_or(match (worse, &counter) {
        (Worse::More, _) => 2.0,
        (Worse::Fewer, Counter::Answered) => 0.5,
        (Worse::Fewer, Counter::Metric(_)) => 0.75,
    });
    let (side, allowed) = match worse {
        Worse::Fewer => (fail < 1.0, "below 1, where fewer is worse"),
        Worse::More => (fail > 1.0, "above 1, where more is worse"),
    };
    violations.check(side, "fail_ratio", fail, allowed);
    let warn = given.warn_ratio.unwrap_or(f64::midpoint(fail, 1.0));
    let between = if fail < 1.0 { fail < warn && warn < 1.0 } else { 1.0 < warn && warn < fail };
    violations.check(between, "warn_ratio", warn, "between 1 and fail_ratio");
    CheckKind::Count(Count { counter, exposure, worse, fail, warn: Some(warn) })
}

pub(crate) fn gauge(violations: &mut Violations, given: &pb::GaugeCheck, metrics: &Metrics<'_>) -> CheckKind {
    known(violations, &given.metric, Kind::Gauge, metrics);
    let margin = percent(violations, "margin_percent", given.margin_percent, 0.0..=1_000.0);
    let defaults = Gauge::of(&given.metric);
    CheckKind::Gauge(Gauge {
        worse: direction(violations, given.worse, defaults.worse),
        margin: margin.unwrap_or(defaults.margin),
        ..defaults
    })
}

pub(crate) fn saturation(
    violations: &mut Violations,
    given: &pb::SaturationCheck,
    metrics: &Metrics<'_>,
) -> CheckKind {
    known(violations, &given.metric, Kind::Gauge, metrics);
    let above = percent(violations, "above_percent", given.above_percent, 1.0..=100.0);
    let defaults = Saturation::of(&given.metric);
    CheckKind::Saturation(Saturation { above: above.unwrap_or(defaults.above), ..defaults })
}

/// A check of what nobody measures would say nothing for ever.
fn known(violations: &mut Violations, metric: &str, kind: Kind, metrics: &Metrics<'_>) {
    let of = match kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
    };
    let allowed = format!("a {of} that a source of the policy tells: {}", metrics.listed(kind));
    violations.check(metrics.has(metric, kind), "metric", format!("{metric:?}"), allowed);
}

fn direction(violations: &mut Violations, given: i32, default: Worse) -> Worse {
    match violations.enumeration::<pb::Direction>("worse", given).unwrap_or_default() {
        pb::Direction::Unspecified => default,
        pb::Direction::More => Worse::More,
        pb::Direction::Fewer => Worse::Fewer,
    }
}
