//! What the demonstration found: a table for people, JSON for programs.

use std::{fs, path::Path};

use anyhow::Context as _;
use serde::Serialize;

use crate::render::{self, style};

/// All releases of a demonstration.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// In order.
    pub rollouts: Vec<Row>,
}

/// One release.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What it was.
    pub name: String,
    /// How it got its traffic.
    pub strategy: String,
    /// How it had to end.
    pub expected: String,
    /// How it ended.
    pub outcome: String,
    /// Requests sent while it went on.
    pub requests: u64,
    /// Requests that were not answered well, whatever the cause.
    pub failed_requests: u64,
    /// Of these, those that the version itself was not told to fail: lost, cut or refused by the rollout.
    pub failed_by_rollout: u64,
    /// From the version's first bad answer to the verdict, in milliseconds; for a slow version from its first answer.
    pub detection_ms: Option<f64>,
    /// The checks that took it back, with what they measured.
    pub caught_by: Vec<Caught>,
    /// From the verdict until the gateway had confirmed all traffic on the old version, in milliseconds.
    pub traffic_back_ms: Option<f64>,
    /// From the submission to the end, in seconds.
    pub duration_s: f64,
}

/// A check that took a release back.
#[derive(Debug, Clone, Serialize)]
pub struct Caught {
    /// Its id.
    pub check: String,
    /// What it measured, in one sentence.
    pub text: String,
}

// === impl Report ===

impl Report {
    /// Whether every release ended as it had to.
    pub fn all_as_expected(&self) -> bool {
        !self.rollouts.is_empty() && self.rollouts.iter().all(|row| row.outcome == row.expected)
    }

    /// Writes the JSON form.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        fs::write(file, serde_json::to_string_pretty(self)?)
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// The table.
    pub fn table(&self) -> String {
        render::table(
            [
                "ROLLOUT",
                "STRATEGY",
                "EXPECTED",
                "OUTCOME",
                "REQUESTS",
                "FAILED",
                "BY ROLLOUT",
                "DETECTED",
                "CAUGHT BY",
                "TRAFFIC BACK",
                "TOOK",
            ],
            self.rollouts.iter().map(|row| {
                let millis =
                    |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
                [
                    row.name.clone(),
                    row.strategy.clone(),
                    row.expected.clone(),
                    row.outcome.clone(),
                    row.requests.to_string(),
                    row.failed_requests.to_string(),
                    row.failed_by_rollout.to_string(),
                    millis(row.detection_ms),
                    names(&row.caught_by),
                    millis(row.traffic_back_ms),
                    style::duration(std::time::Duration::from_secs_f64(row.duration_s.max(0.0))),
                ]
            }),
        )
    }
}

fn names(caught: &[Caught]) -> String {
    let names: Vec<&str> = caught.iter().map(|caught| caught.check.as_str()).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}
