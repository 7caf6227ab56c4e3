//! Sources as the contract has them, checked.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bellwether_proto::monitor::v1::{self as pb, source::Kind};
use bellwether_resource::Violations;

use super::{PrometheusSpec, PushSpec, Signals, SourceKind, SourceSet, SourceSpec, exported};
use crate::{derived, journeys::JourneyRules};

const MOST_SOURCES: usize = 8;
const MOST_METRICS: usize = 32;

/// Whose sources they are. Empty where a policy is only checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// `targets/<application>@<environment>`.
    pub target: &'a str,
    /// The fleet that is judged, and its version.
    pub candidate: (&'a str, &'a str),
    /// The fleet that it is compared with, and its version.
    pub baseline: (&'a str, &'a str),
}

// === impl Names ===

impl<'a> Names<'a> {
    /// Of an analysis.
    pub fn of(analysis: &'a pb::Analysis) -> Self {
        Self {
            target: &analysis.target,
            candidate: (&analysis.candidate_fleet, &analysis.candidate_version),
            baseline: (&analysis.baseline_fleet, &analysis.baseline_version),
        }
    }

    /// Fleets by what names them on a series. A version that both have names the candidate, which is what is judged.
    pub(super) fn fleets(&self, by_version: bool) -> BTreeMap<String, String> {
        let pair = |(fleet, version): (&str, &str)| {
            let key = if by_version { version } else { fleet };
            (!key.is_empty() && !fleet.is_empty()).then(|| (key.to_owned(), fleet.to_owned()))
        };
        [pair(self.baseline), pair(self.candidate)].into_iter().flatten().collect()
    }
}

/// The sources of a policy, with their violations noted. Of use only when there are none.
pub fn read(violations: &mut Violations, policy: &pb::HealthPolicy, names: &Names<'_>) -> SourceSet {
    let given = &policy.sources;
    violations.check(given.len() <= MOST_SOURCES, "sources", given.len(), "at most 8 sources");
    let mut seen = HashSet::new();
    let mut told = HashSet::new();
    let mut taken = Taken::default();
    let mut specs = Vec::new();
    for (index, source) in given.iter().enumerate().take(MOST_SOURCES) {
        violations.element("sources", index, |violations| {
            violations.id("id", &source.id);
            violations.check(seen.insert(source.id.as_str()), "id", &source.id, "distinct ids");
            if let Some(kind) = violations.required("kind", source.kind.as_ref()) {
                let kind = read_kind(violations, kind, names, &mut told);
                let signals = taken.claim(violations, source, kind.can_tell());
                specs.push((SourceSpec { id: source.id.clone(), kind, signals }, source.signals.is_empty()));
            }
        });
    }
    let specs = specs.into_iter().map(|(spec, all)| taken.leave(spec, all)).collect();
    let derived = derived::read(violations, policy);
    let exported = exported::of(policy);
    let (journeys, versions) = (JourneyRules::of(policy), names.fleets(true));
    SourceSet { specs, journeys, versions, derived, exported }
}

/// The ids of the metrics that the sources of a policy tell.
pub fn metrics<'p>(policy: &'p pb::HealthPolicy) -> BTreeSet<&'p str> {
    let ids = |source: &'p pb::Source| -> Vec<&'p str> {
        match &source.kind {
            Some(Kind::Prometheus(server)) => {
                server.metrics.iter().map(|metric| metric.id.as_str()).collect()
            }
            Some(Kind::Otlp(otlp)) => otlp.metrics.iter().map(|metric| metric.id.as_str()).collect(),
            Some(Kind::Push(_)) | None => Vec::new(),
        }
    };
    policy.sources.iter().flat_map(ids).collect()
}

fn read_kind<'g>(
    violations: &mut Violations,
    kind: &'g Kind,
    names: &Names<'_>,
    told: &mut HashSet<&'g str>,
) -> SourceKind {
    match kind {
        Kind::Push(push) => {
            violations.within("push", |violations| push_source(violations, push, told));
            let metrics = push.metrics.iter().map(|metric| metric.id.clone()).collect();
            SourceKind::Push(PushSpec { prefix: push.prefix.clone(), metrics })
        }
        Kind::Otlp(otlp) => {
            violations.within("otlp", |violations| exported::check(violations, &otlp.metrics, told));
            SourceKind::Otlp
        }
        Kind::Prometheus(server) => violations.within("prometheus", |violations| {
            SourceKind::Prometheus(Box::new(PrometheusSpec::read(violations, server, names, told)))
        }),
    }
}

fn push_source<'g>(violations: &mut Violations, push: &'g pb::PushSource, told: &mut HashSet<&'g str>) {
    violations.text("prefix", &push.prefix, 0..=128);
    violations.check(push.metrics.len() <= MOST_METRICS, "metrics", push.metrics.len(), "at most 32 metrics");
    for (index, metric) in push.metrics.iter().take(MOST_METRICS).enumerate() {
        violations.element("metrics", index, |violations| {
            violations.id("id", &metric.id);
            violations.check(told.insert(metric.id.as_str()), "id", &metric.id, "distinct ids");
            violations.enumeration::<pb::MetricKind>("kind", metric.kind);
        });
    }
}

/// Which source each signal comes from: never two.
#[derive(Default)]
struct Taken {
    requests: Option<String>,
    latency: Option<String>,
}

// === impl Taken ===

impl Taken {
    /// Takes the signals that a source names.
    fn claim(&mut self, violations: &mut Violations, source: &pb::Source, able: Signals) -> Signals {
        let mut signals = Signals::default();
        for (index, signal) in source.signals.iter().enumerate() {
            let field = format!("signals[{index}]");
            let (can, wanted, taken) = match violations.enumeration::<pb::Signal>(&field, *signal) {
                Some(pb::Signal::Requests) => (able.requests, &mut signals.requests, &mut self.requests),
                Some(pb::Signal::Latency) => (able.latency, &mut signals.latency, &mut self.latency),
                Some(pb::Signal::Unspecified) => {
                    violations.add(&field, "SIGNAL_UNSPECIFIED", "SIGNAL_REQUESTS or SIGNAL_LATENCY");
                    continue;
                }
                None => continue,
            };
            violations.check(can, &field, signal, "what the source can tell");
            let free = taken.as_ref().is_none_or(|by| *by == source.id);
            violations.check(free, &field, signal, "a signal that no other source of the policy tells");
            (*wanted, *taken) = (true, Some(source.id.clone()));
        }
        if source.signals.is_empty() { able } else { signals }
    }

    /// A source that names nothing takes what no other does, the first one first.
    fn leave(&mut self, spec: SourceSpec, all: bool) -> SourceSpec {
        if !all {
            return spec;
        }
        let mut signals = spec.signals;
        for (wanted, taken) in
            [(&mut signals.requests, &mut self.requests), (&mut signals.latency, &mut self.latency)]
        {
            if *wanted {
                let by = taken.get_or_insert_with(|| spec.id.clone());
                *wanted = *by == spec.id;
            }
        }
        SourceSpec { signals, ..spec }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_judge::settings::Coming;
    use tonic_types::StatusExt as _;

    use super::*;
    use crate::sources::ServerRef;

    fn source(id: &str, kind: Kind, signals: &[pb::Signal]) -> pb::Source {
        let signals = signals.iter().map(|signal| i32::from(*signal)).collect();
        pb::Source { id: id.into(), kind: Some(kind), signals }
    }

    fn prometheus(latency: &str) -> pb::PrometheusSource {
        pb::PrometheusSource {
            url: "http://p:9090".into(),
            requests: "http_requests_total{app=\"${application}\"}".into(),
            latency: latency.into(),
            ..Default::default()
        }
    }

    fn push() -> Kind {
        Kind::Push(pb::PushSource::default())
    }

    fn of(sources: Vec<pb::Source>) -> Result<SourceSet, Vec<String>> {
        let mut violations = Violations::new();
        let policy = pb::HealthPolicy { sources, ..Default::default() };
        let names = Names { target: "targets/shop@live", candidate: ("new", "2"), baseline: ("old", "1") };
        let set = read(&mut violations, &policy, &names);
        violations.finish().map(|()| set).map_err(|problem| {
            let details = tonic::Status::from(problem).get_error_details();
            details.bad_request().unwrap().field_violations.iter().map(|it| it.field.clone()).collect()
        })
    }

    #[test]
    fn each_signal_comes_from_one_source() {
        let latency = Kind::Prometheus(prometheus("latency_seconds_bucket"));
        let set =
            of(vec![source("gateway", push(), &[]), source("main", latency.clone(), &[pb::Signal::Latency])])
                .unwrap();
        let signals: Vec<_> = set.specs.iter().map(|spec| spec.signals).collect();
        let (only_requests, only_latency) =
            (Signals { requests: true, latency: false }, Signals { requests: false, latency: true });
        assert_eq!(signals, [only_requests, only_latency]);
        assert_eq!(set.coming(), Coming::Apart);
        assert_eq!(of(vec![]).unwrap().coming(), Coming::Together);
        let one = of(vec![source("rum", push(), &[pb::Signal::Latency])]).unwrap();
        assert_eq!(one.coming(), Coming::LatencyOnly);
        assert_eq!(set.of_push("gateway/a"), Some(only_requests));
        assert_eq!(set.of_otlp(), None);
        let twice = [
            source("a", latency.clone(), &[pb::Signal::Latency]),
            source("b", latency, &[pb::Signal::Latency]),
        ];
        assert_eq!(of(twice.to_vec()).unwrap_err(), ["sources[1].signals[0]"]);
    }

    #[test]
    fn the_longest_prefix_says_whose_a_batch_is() {
        let push = |prefix: &str| Kind::Push(pb::PushSource { prefix: prefix.into(), ..Default::default() });
        let set = of(vec![
            source("all", push(""), &[pb::Signal::Requests]),
            source("rum", push("rum/"), &[pb::Signal::Latency]),
        ])
        .unwrap();
        assert_eq!(set.of_push("gateway/a"), Some(Signals { requests: true, latency: false }));
        assert_eq!(set.of_push("rum/web"), Some(Signals { requests: false, latency: true }));
    }

    #[test]
    fn selectors_are_filled_and_units_follow_the_name() {
        let kind = |latency| Kind::Prometheus(prometheus(latency));
        for (name, millis) in [("x_seconds_bucket", 1_000.0), ("x_milliseconds", 1.0), ("x", 1_000.0)] {
            let set = of(vec![source("p", kind(name), &[])]).unwrap();
            let (_, spec) = set.prometheus().next().unwrap();
            assert_eq!(spec.unit_millis, millis, "{name}");
            assert_eq!(spec.requests.as_deref(), Some("http_requests_total{app=\"shop\"}"));
            assert_eq!(spec.fleets["old"], "old");
        }
        let by_version =
            pb::PrometheusSource { fleet_value: pb::FleetValue::Version.into(), ..prometheus("") };
        let set = of(vec![source("p", Kind::Prometheus(by_version), &[])]).unwrap();
        let (_, spec) = set.prometheus().next().unwrap();
        assert_eq!((spec.fleet_label.as_str(), &spec.fleets["2"]), ("version", &"new".to_owned()));
    }

    #[test]
    fn every_violation_is_named() {
        let bad = pb::PrometheusSource {
            url: "http://user:secret@p".into(),
            requests: "rate(x[5m])".into(),
            latency: "x_milliseconds".into(),
            latency_unit: pb::LatencyUnit::Seconds.into(),
            instance_label: "a-b".into(),
            interval: Some(bellwether_resource::time::to_duration(std::time::Duration::ZERO)),
            ..Default::default()
        };
        let fields = of(vec![
            source("p", Kind::Prometheus(bad), &[]),
            source("p", Kind::Otlp(pb::OtlpSource::default()), &[]),
        ]);
        let expected = [
            "sources[0].prometheus.requests",
            "sources[0].prometheus.url",
            "sources[0].prometheus.latency_unit",
            "sources[0].prometheus.instance_label",
            "sources[0].prometheus.interval",
            "sources[1].id",
        ];
        assert_eq!(fields.unwrap_err(), expected);
        let none = pb::Source { id: "x".into(), ..Default::default() };
        assert_eq!(of(vec![none]).unwrap_err(), ["sources[0].kind"]);
        let named = pb::PrometheusSource { server: "main".into(), url: String::new(), ..prometheus("") };
        let set = of(vec![source("p", Kind::Prometheus(named), &[])]).unwrap();
        assert_eq!(set.prometheus().next().unwrap().1.server, ServerRef::Named("main".into()));
    }
}
