//! What the data points of a metric count.

use super::attributes::Attributes;
use crate::sources::ledger::Meaning;

/// What a metric is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The duration of requests, as a histogram: requests, errors and latency in one.
    Duration,
    /// The number of requests.
    Requests,
    /// The number of failed requests.
    Errors,
}

/// The semantic conventions' metrics of servers, old and new, and ours. The second: its unit where it says none, in ms.
const DURATIONS: [(&str, f64); 5] = [
    ("http.server.request.duration", 1_000.0),
    ("http.server.duration", 1.0),
    ("rpc.server.call.duration", 1_000.0),
    ("rpc.server.duration", 1.0),
    ("bellwether.request.duration", 1_000.0),
];

/// gRPC: UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS.
const FAILED: [(&str, &str); 5] = [
    ("2", "UNKNOWN"),
    ("4", "DEADLINE_EXCEEDED"),
    ("13", "INTERNAL"),
    ("14", "UNAVAILABLE"),
    ("15", "DATA_LOSS"),
];

/// What a metric of this name is; None: nothing to us.
pub fn role(name: &str) -> Option<Role> {
    match name {
        "bellwether.requests" => Some(Role::Requests),
        "bellwether.errors" => Some(Role::Errors),
        name => DURATIONS.iter().any(|(known, _)| *known == name).then_some(Role::Duration),
    }
}

/// One unit of a metric in ms.
///
/// # Errors
/// It is no unit of time.
pub fn unit(name: &str, unit: &str) -> Result<f64, String> {
    match unit {
        "s" => Ok(1_000.0),
        "ms" => Ok(1.0),
        "us" => Ok(0.001),
        "ns" => Ok(0.000_001),
        "" => Ok(DURATIONS.iter().find(|(known, _)| *known == name).map_or(1_000.0, |(_, millis)| *millis)),
        other => {
            let other: String = other.chars().take(20).collect();
            Err(format!("{name} has the unit {other:?}: only s, ms, us and ns are times"))
        }
    }
}

// === impl Role ===

impl Role {
    /// What a data point with these attributes counts.
    pub fn meaning(self, attributes: Attributes<'_>) -> Meaning {
        let status = attributes
            .text(&["http.response.status_code", "http.status_code"])
            .and_then(|status| status.parse::<u16>().ok())
            .filter(|status| (100..=599).contains(status));
        let path = attributes.text(&["url.path", "http.target", "http.route", "rpc.method"]);
        let method = attributes.text(&["http.request.method", "http.method"]);
        let route = path.map(|path| (path.into_owned(), method.map(Into::into).unwrap_or_default()));
        match self {
            Self::Duration | Self::Requests => {
                Meaning { requests: true, errors: failed(status, attributes), status, route }
            }
            Self::Errors => Meaning { errors: true, route, ..Meaning::default() },
        }
    }
}

/// By the status; by the type of the error where it is no status: a timeout, a reset, an exception.
fn failed(status: Option<u16>, attributes: Attributes<'_>) -> bool {
    let grpc = attributes.text(&["rpc.grpc.status_code", "rpc.response.status_code"]);
    let by_grpc =
        grpc.is_some_and(|code| FAILED.iter().any(|(number, name)| code == *number || code == *name));
    let by_type = attributes.text(&["error.type"]).is_some_and(|kind| {
        let is_code =
            kind.parse::<u16>().is_ok() || kind.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        !is_code
    });
    status.is_some_and(|status| status >= 500) || by_grpc || by_type
}
