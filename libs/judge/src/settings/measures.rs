//! Settings of what is compared beside requests, and the checks of the named presets.

use serde::{Deserialize, Serialize};

use super::{CheckKind, CheckSpec, ErrorRate, Latency, Role, StatusShare};

/// Settings of the comparison of attempts without a connection. WARN: at least 20 % of the last 10 s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connections {
    /// As in [`ErrorRate`].
    pub margin: Option<f64>,
    /// As in [`ErrorRate`].
    pub tolerate: f64,
}

/// Settings of the comparison of how often something happens per exposure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// What happens.
    pub counter: Counter,
    /// Per what.
    pub exposure: Exposure,
    /// Which way is worse.
    pub worse: Worse,
    /// FAIL: the ratio of the rates is beyond this, e.g. below 0.75 where fewer is worse. In (0, 100).
    pub fail: f64,
    /// WARN: the same, nearer to 1. None: it does not warn before it fails.
    pub warn: Option<f64>,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Counter {
    /// Requests that were answered without an error.
    Answered,
    /// A counter of the readings, by its metric.
    Metric(String),
}

/// What a count is divided by. Whatever multiplies both sides cancels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exposure {
    /// Each side's requests in the same time: orders per request.
    Requests,
    /// The configured shares of the traffic: orders per visitor. Only where the split is by chance.
    Share,
    /// Seconds of each counter that is read: jobs per instance and second.
    Instances,
}

/// Which way is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Worse {
    /// More.
    More,
    /// Fewer, less.
    Fewer,
}

/// Settings of the comparison of a gauge's mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    /// Its metric.
    pub metric: String,
    /// Which way is worse.
    pub worse: Worse,
    /// A difference of this part of the baseline's value does not matter. In [0, 10].
    pub margin: f64,
}

/// Settings of a threshold for a share of a capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saturation {
    /// Its metric, a fraction.
    pub metric: String,
    /// WARN above this, a fraction.
    pub above: f64,
}

/// Checks that suit a kind of application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// HTTP: errors, latency, statuses, connections, traffic.
    Web,
    /// gRPC: as HTTP, without its statuses.
    Grpc,
    /// Work without requests: errors, jobs per instance (`jobs`), processor and memory.
    Batch,
    /// As HTTP, with `orders` per request.
    Business,
}

// === impl Connections, Count, Gauge, Saturation ===

impl Default for Connections {
    fn default() -> Self {
        Self { margin: None, tolerate: 0.001 }
    }
}

impl Count {
    /// Work done per instance: FAIL below half of the baseline's.
    pub fn throughput(counter: Counter, exposure: Exposure) -> Self {
        Self { counter, exposure, worse: Worse::Fewer, fail: 0.5, warn: Some(0.75) }
    }

    /// What the business lives on: WARN at −10 %, FAIL at −25 %.
    pub fn business(metric: &str, exposure: Exposure) -> Self {
        let counter = Counter::Metric(metric.to_owned());
        Self { counter, exposure, worse: Worse::Fewer, fail: 0.75, warn: Some(0.9) }
    }
}

impl Gauge {
    /// More is worse, from a quarter more on.
    pub fn of(metric: &str) -> Self {
        Self { metric: metric.to_owned(), worse: Worse::More, margin: 0.25 }
    }
}

impl Saturation {
    /// Above 80 %.
    pub fn of(metric: &str) -> Self {
        Self { metric: metric.to_owned(), above: 0.8 }
    }
}

// === impl Preset ===

impl Preset {
    /// Its checks; the metrics that they name are `jobs`, `orders`, `cpu`, `memory` and `disk`.
    pub fn checks(self) -> Vec<CheckSpec> {
        let web = CheckSpec::defaults;
        match self {
            Self::Web => web(),
            Self::Grpc => {
                web().into_iter().filter(|check| !matches!(check.kind, CheckKind::StatusShare(_))).collect()
            }
            Self::Batch => {
                let jobs = Count::throughput(Counter::Metric("jobs".to_owned()), Exposure::Instances);
                let saturation = ["cpu", "memory", "disk"]
                    .map(|of| CheckSpec::new(of, Role::Advisory, CheckKind::Saturation(Saturation::of(of))));
                let mut checks = vec![
                    CheckSpec::new("errors", Role::Blocking, CheckKind::ErrorRate(ErrorRate::default())),
                    CheckSpec::new("throughput", Role::Blocking, CheckKind::Count(jobs)),
                ];
                checks.extend(saturation);
                checks
            }
            Self::Business => {
                let orders = Count::business("orders", Exposure::Requests);
                let mut checks = web();
                checks.push(CheckSpec::new("business", Role::Guard, CheckKind::Count(orders)));
                checks
            }
        }
    }
}

// === impl CheckSpec ===

impl CheckSpec {
    /// A check.
    pub fn new(id: &str, role: Role, kind: CheckKind) -> Self {
        Self { id: id.to_owned(), role, kind }
    }

    /// The checks of an empty policy.
    pub fn defaults() -> Vec<Self> {
        let mut checks = vec![
            Self::new("errors", Role::Blocking, CheckKind::ErrorRate(ErrorRate::default())),
            Self::new("latency", Role::Blocking, CheckKind::Latency(Latency::default())),
        ];
        checks.extend([401, 403, 404, 429].map(|status| {
            let share = StatusShare { status, margin: None, tolerate: 0.005 };
            Self::new(&format!("status-{status}"), Role::Guard, CheckKind::StatusShare(share))
        }));
        checks.push(Self::new("connections", Role::Guard, CheckKind::Connections(Connections::default())));
        checks.push(Self::new("traffic-share", Role::Guard, CheckKind::TrafficShare));
        checks
    }
}
