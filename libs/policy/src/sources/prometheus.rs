//! What is asked of a Prometheus server.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;
use url::Url;

use super::{Names, Signals, selector};

/// What is asked of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct PrometheusSpec {
    /// Which server.
    pub server: ServerRef,
    /// The selector of requests.
    pub requests: Option<String>,
    /// The selector of failed requests, where they are counted by themselves.
    pub errors: Option<String>,
    /// The selector of latencies.
    pub latency: Option<String>,
    /// One unit of `latency` in ms.
    pub unit_millis: f64,
    /// The label that tells versions apart.
    pub fleet_label: String,
    /// The label that names the instance.
    pub instance_label: String,
    /// The label with the status.
    pub status_label: String,
    /// The label with the path.
    pub path_label: Option<String>,
    /// The label with the method.
    pub method_label: String,
    /// Fleets by the value of `fleet_label`.
    pub fleets: BTreeMap<String, String>,
    /// How often.
    pub interval: Duration,
    /// How long one answer may take.
    pub timeout: Duration,
    /// What else is asked.
    pub metrics: Vec<Measure>,
}

/// A gauge or a counter of anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its id.
    pub id: String,
    /// The expression.
    pub query: String,
    /// It only goes up.
    pub counts: bool,
}

/// Which server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerRef {
    /// At this address, without credentials.
    Url(Url),
    /// Of the monitor's own configuration.
    Named(String),
}

const MOST_TEXT: usize = 1_000;
const MOST_METRICS: usize = 32;
const INTERVAL: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_INTERVAL: Duration = Duration::from_secs(300);

// === impl PrometheusSpec ===

impl PrometheusSpec {
    /// With its violations noted.
    pub(super) fn read<'g>(
        violations: &mut Violations,
        given: &'g pb::PrometheusSource,
        names: &Names<'_>,
        told: &mut HashSet<&'g str>,
    ) -> Self {
        let requests = selector(violations, "requests", &given.requests, names);
        let errors = selector(violations, "errors", &given.errors, names);
        let latency = selector(violations, "latency", &given.latency, names);
        let metrics = measures(violations, &given.metrics, names, told);
        let any = !given.requests.is_empty() || !given.latency.is_empty() || !given.metrics.is_empty();
        violations.check(any, "requests", "nothing", "a selector, one of latency, or metrics");
        let alone = given.errors.is_empty() || !given.requests.is_empty();
        violations.check(alone, "errors", &given.errors, "together with requests");
        let by =
            violations.enumeration::<pb::FleetValue>("fleet_value", given.fleet_value).unwrap_or_default();
        let by_version = by == pb::FleetValue::Version;
        let fleet_default = if by_version { "version" } else { "bellwether_fleet" };
        let interval = Duration::from_secs(1)..=LONGEST_INTERVAL;
        let timeout = Duration::from_millis(100)..=Duration::from_secs(60);
        Self {
            server: server(violations, given),
            unit_millis: unit(violations, given),
            requests,
            errors,
            latency,
            fleet_label: label(violations, "fleet_label", &given.fleet_label, fleet_default),
            instance_label: label(violations, "instance_label", &given.instance_label, "instance"),
            status_label: label(violations, "status_label", &given.status_label, "code"),
            path_label: Some(label(violations, "path_label", &given.path_label, ""))
                .filter(|label| !label.is_empty()),
            method_label: label(violations, "method_label", &given.method_label, "method"),
            fleets: names.fleets(by_version),
            interval: violations.duration("interval", given.interval.as_ref(), interval).unwrap_or(INTERVAL),
            timeout: violations.duration("timeout", given.timeout.as_ref(), timeout).unwrap_or(TIMEOUT),
            metrics,
        }
    }

    /// What it can tell.
    pub(super) fn signals(&self) -> Signals {
        Signals { requests: self.requests.is_some(), latency: self.latency.is_some() }
    }
}

fn measures<'g>(
    violations: &mut Violations,
    given: &'g [pb::PrometheusMetric],
    names: &Names<'_>,
    told: &mut HashSet<&'g str>,
) -> Vec<Measure> {
    violations.check(given.len() <= MOST_METRICS, "metrics", given.len(), "at most 32 metrics");
    let mut read = |(index, metric): (usize, &'g pb::PrometheusMetric)| {
        violations.element("metrics", index, |violations| {
            violations.id("id", &metric.id);
            violations.check(told.insert(metric.id.as_str()), "id", &metric.id, "distinct ids");
            violations.text("query", &metric.query, 1..=MOST_TEXT);
            let kind = violations.enumeration::<pb::MetricKind>("kind", metric.kind).unwrap_or_default();
            Measure {
                id: metric.id.clone(),
                query: selector::filled(&metric.query, names.target),
                counts: kind == pb::MetricKind::Counter,
            }
        })
    };
    given.iter().take(MOST_METRICS).enumerate().map(&mut read).collect()
}

fn server(violations: &mut Violations, given: &pb::PrometheusSource) -> ServerRef {
    if given.url.is_empty() {
        violations.id("server", &given.server);
        return ServerRef::Named(given.server.clone());
    }
    violations.check(given.server.is_empty(), "server", &given.server, "nothing, or no url");
    violations.text("url", &given.url, 1..=MOST_TEXT);
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    match Url::parse(&given.url).ok().filter(plain) {
        Some(url) => ServerRef::Url(url),
        None => {
            // it may hold a secret
            violations.add(
                "url",
                "no such address",
                "http or https with a host, without user, query and fragment",
            );
            ServerRef::Named(String::new())
        }
    }
}

fn selector(violations: &mut Violations, field: &str, given: &str, names: &Names<'_>) -> Option<String> {
    if given.is_empty() {
        return None;
    }
    violations.text(field, given, 1..=MOST_TEXT);
    let filled = selector::filled(given, names.target);
    let allowed = r#"a plain selector like http_requests_total{job="shop"}, without range and functions"#;
    violations.check(selector::is_plain(&filled), field, given, allowed).then_some(filled)
}

fn label(violations: &mut Violations, field: &str, given: &str, default: &str) -> String {
    if given.is_empty() {
        return default.to_owned();
    }
    let first = given.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = given.len() <= 128 && given.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    violations.check(first && rest, field, given, "[a-zA-Z_][a-zA-Z0-9_]{0,127}");
    given.to_owned()
}

/// One unit of the latency in ms. A name that says another unit than the policy is a mistake.
fn unit(violations: &mut Violations, given: &pb::PrometheusSource) -> f64 {
    let said =
        violations.enumeration::<pb::LatencyUnit>("latency_unit", given.latency_unit).unwrap_or_default();
    let name = selector::name(&given.latency);
    let name = name.strip_suffix("_bucket").unwrap_or(name);
    let named = [
        ("_milliseconds", pb::LatencyUnit::Milliseconds),
        ("_ms", pb::LatencyUnit::Milliseconds),
        ("_microseconds", pb::LatencyUnit::Microseconds),
        ("_us", pb::LatencyUnit::Microseconds),
        ("_seconds", pb::LatencyUnit::Seconds),
    ];
    let named = named.into_iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, unit)| unit);
    let contradicts = said != pb::LatencyUnit::Unspecified && named.is_some_and(|named| named != said);
    violations.check(!contradicts, "latency_unit", said.as_str_name(), format!("what the name {name} says"));
    match if said == pb::LatencyUnit::Unspecified { named.unwrap_or(said) } else { said } {
        pb::LatencyUnit::Unspecified | pb::LatencyUnit::Seconds => 1_000.0,
        pb::LatencyUnit::Milliseconds => 1.0,
        pb::LatencyUnit::Microseconds => 0.001,
    }
}
