//! How probes do, as a category of health.

use std::collections::HashMap;

use bellwether_clock::Timestamp;
use bellwether_proto::{
    common::v1::Reason,
    monitor::v1::{self as pb, Level, MetricCategory},
};

use super::{outcome::Outcome, spec::Spec};
use crate::monitor::Monitor;

/// A probe as it is told of.
pub struct Seen {
    id: String,
    level: Level,
    in_a_row: u32,
    /// What was not as expected in the last run.
    text: String,
    /// Runs lately, and those of them that failed.
    recent: (u32, u32),
}

// === impl Seen ===

impl Seen {
    /// As it stands now.
    pub fn new(spec: &Spec, outcome: &Outcome, now: Timestamp) -> Self {
        let failure = outcome.last.as_ref().and_then(|last| last.failure.as_ref());
        Self {
            id: spec.id.clone(),
            level: outcome.level(spec.failures),
            in_a_row: outcome.in_a_row,
            text: failure.map(super::attempt::Failure::told).unwrap_or_default(),
            recent: outcome.recent(now),
        }
    }

    fn reason(&self) -> Option<(Level, Reason)> {
        let (code, text) = match self.level {
            Level::Ok => return None,
            Level::Unspecified => ("PROBE_PENDING", format!("probe {} was not tried yet", self.id)),
            Level::Warn | Level::Fail => {
                ("PROBE_FAILED", format!("probe {}: {} ({} in a row)", self.id, self.text, self.in_a_row))
            }
        };
        let values = HashMap::from([
            ("probe".to_owned(), self.id.clone()),
            ("failures_in_a_row".to_owned(), self.in_a_row.to_string()),
        ]);
        // what is not known yet is no warning
        Some((self.level.max(Level::Ok), Reason { code: code.to_owned(), text, values }))
    }
}

// === impl Monitor ===

impl Monitor {
    /// A target's probes, and how each last failed.
    pub fn probes_of(&self, target: &str) -> Vec<pb::ProbeHealth> {
        let failed: Vec<_> =
            self.registry.of_target(target).iter().flat_map(|running| running.failed_probes()).collect();
        self.probes.of_target(target, |spec, outcome| {
            let status = outcome.shown(spec.failures);
            let at_versions =
                failed.iter().filter(|(id, _)| *id == spec.id).map(|(_, failure)| failure.clone());
            pb::ProbeHealth {
                name: format!("probes/{}", spec.id),
                level: status.level,
                since_time: status.since_time,
                failures_in_a_row: status.failures_in_a_row,
                last_failure: status.last_failure,
                at_versions: at_versions.collect(),
            }
        })
    }
}

/// All of a target's.
pub fn category(all: &[Seen]) -> pb::HealthCategory {
    let mut found: Vec<_> = all.iter().filter_map(Seen::reason).collect();
    found.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
    let level = found.first().map_or(Level::Ok, |(level, _)| *level);
    let (runs, failed) =
        all.iter().fold((0, 0), |sum: (u32, u32), it| (sum.0 + it.recent.0, sum.1 + it.recent.1));
    pb::HealthCategory {
        category: MetricCategory::Journeys.into(),
        level: level.into(),
        reasons: found.into_iter().map(|(_, reason)| reason).collect(),
        value: (runs > 0).then(|| 100.0 * f64::from(failed) / f64::from(runs)),
        usual: None,
        unit: "percent".to_owned(),
    }
}
