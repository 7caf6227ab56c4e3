//! What sources deliver: cumulative counters.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Histogram;

/// What one source saw, up to `time`. Cumulative since the source's incarnation began.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Who counted.
    pub source: String,
    /// Changes whenever the counters begin anew.
    pub incarnation: String,
    /// Until when the counts hold.
    pub time: Timestamp,
    /// How often the source reports.
    pub interval: Duration,
    /// One entry per instance, route revision and kind of traffic.
    pub samples: Vec<Sample>,
}

/// The counters of one instance under one route revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The fleet's id.
    pub fleet: String,
    /// The instance's id.
    pub instance: String,
    /// The revision of the route under which the requests were sent; 0: the source knows none.
    pub revision: i64,
    /// How the requests came.
    pub traffic: Traffic,
    /// Attempts.
    pub requests: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Of the errors, those without a connection.
    pub connect_failures: u64,
    /// Answers by HTTP status.
    pub statuses: Vec<(u16, u64)>,
    /// Journey, attempts, errors.
    pub journeys: Vec<(String, u64, u64)>,
    /// Latencies of attempts that got an answer.
    pub latency: Histogram,
}

/// How requests came to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Traffic {
    /// By the split of the route.
    Live,
    /// Copies whose answers nobody saw.
    Mirrored,
    /// By the preview route.
    Preview,
    /// By a header match.
    Matched,
}
