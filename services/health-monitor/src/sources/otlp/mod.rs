//! OpenTelemetry metrics that are exported to the monitor.
//!
//! Which metrics and attributes are read is said in docs/concepts/sources.md. Whatever else is exported is accepted and not looked
//! at: an exporter sends all that it has.

mod attributes;
mod meaning;
mod measured;
mod points;
mod resource;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_judge::Batch;
use bellwether_policy::{journeys::JourneyRules, sources::Signals};
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;

pub use self::{
    attributes::Attributes,
    measured::{Measured, readings},
    points::count,
    resource::{Origin, Versions},
};

use super::ledger::{Ledger, Place, Total};

/// Targets whose counters are kept; of more, those that are new are not.
const MOST_TARGETS: usize = 256;
/// An instance that exported nothing for this long is forgotten, in milliseconds.
const FORGET: i64 = 3_600_000;
/// How often exporters report until it is known.
const DEFAULT_SPACING: Duration = Duration::from_secs(10);
const LONGEST_SPACING: Duration = Duration::from_secs(300);
/// The name under which the judge knows it.
const SOURCE: &str = "otlp";

/// The counters of everything that was exported, by target.
#[derive(Debug, Default)]
pub struct Otlp(Mutex<BTreeMap<String, Exported>>);

#[derive(Debug, Default)]
struct Exported {
    ledger: Ledger,
    sums: measured::Sums,
    /// When what was new was last taken.
    taken: Option<Timestamp>,
}

/// What could not be used of an export, and why.
#[derive(Debug, Default)]
pub struct Rejected {
    /// Data points.
    pub points: i64,
    reasons: Vec<String>,
}

/// What is new of a target.
#[derive(Debug)]
pub struct News {
    /// The sums of each instance that has anything new, without journeys.
    places: Vec<Place>,
    interval: Duration,
}

// === impl Otlp ===

impl Otlp {
    /// Notes what one resource exported.
    pub fn note(&self, origin: &Origin, given: &ResourceMetrics, now: Timestamp, rejected: &mut Rejected) {
        let mut targets = self.lock();
        if !targets.contains_key(&origin.target) && targets.len() >= MOST_TARGETS {
            rejected.add(points::count(given), "metrics of more targets are exported than are kept");
            return;
        }
        let exported = targets.entry(origin.target.clone()).or_default();
        points::note(&mut exported.ledger, &origin.place, given, now, rejected);
    }

    /// The values of an application's own metrics that are wanted, and how often they come.
    pub fn measured(
        &self,
        origin: &Origin,
        given: &ResourceMetrics,
        is_wanted: impl Fn(&str) -> bool,
        now: Timestamp,
    ) -> (Measured, Duration) {
        let mut targets = self.lock();
        let Some(exported) = targets.get_mut(&origin.target) else { return Default::default() };
        let found = measured::measured(given, &origin.place, is_wanted, &mut exported.sums, now);
        (found, exported.interval())
    }

    /// Targets that have anything new. Instances report at their own moments: what is new is taken as seldom as the slowest of
    /// them reports, so that both sides are in it.
    pub fn due(&self, now: Timestamp) -> Vec<(String, News)> {
        let mut targets = self.lock();
        let mut due = Vec::new();
        for (target, exported) in targets.iter_mut() {
            let interval = exported.interval();
            let passed = exported.taken.map(|taken| now.duration_since(taken).unsigned_abs());
            if passed.is_some_and(|passed| passed + SLACK < interval) {
                continue;
            }
            exported.ledger.forget(now.as_millisecond() - FORGET);
            exported.sums.forget(now);
            let places = exported.ledger.take_fresh();
            if !places.is_empty() {
                exported.taken = Some(now);
                due.push((target.clone(), News { places, interval }));
            }
        }
        targets.retain(|_, exported| !exported.ledger.is_empty() || !exported.sums.is_empty());
        due
    }

    /// What is new, as one analysis is to see it; the candidate as [`Total::seen_as`] says.
    pub fn batch(
        &self,
        target: &str,
        news: &News,
        (candidate, signals): (&str, Signals),
        journeys: &JourneyRules,
        now: Timestamp,
    ) -> Batch {
        let targets = self.lock();
        let total = |place: &Place| targets.get(target)?.ledger.total(place, journeys);
        let totals: Vec<Total> = news.places.iter().filter_map(total).collect();
        let newest = totals.iter().map(|total| total.newest).max().unwrap_or_default();
        let take = |total: Total| {
            let of_candidate = total.sample.fleet == candidate;
            signals.of_sample(total.seen_as(of_candidate))
        };
        Batch {
            source: SOURCE.to_owned(),
            incarnation: SOURCE.to_owned(),
            time: Timestamp::from_millisecond(newest).unwrap_or(now).min(now),
            interval: news.interval,
            samples: totals.into_iter().map(take).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Exported>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Exporters are not punctual.
const SLACK: Duration = Duration::from_millis(300);

// === impl Exported ===

impl Exported {
    fn interval(&self) -> Duration {
        let spacing = self.ledger.spacing().and_then(|spacing| u64::try_from(spacing).ok());
        let spacing = spacing.map_or(DEFAULT_SPACING, Duration::from_millis);
        spacing.clamp(Duration::from_secs(1), LONGEST_SPACING)
    }
}

// === impl Rejected ===

impl Rejected {
    /// Notes points that cannot be used.
    pub fn add(&mut self, points: usize, reason: impl Into<String>) {
        self.points = self.points.saturating_add(i64::try_from(points).unwrap_or(i64::MAX));
        let reason = reason.into();
        if self.reasons.len() < MOST_REASONS && !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Why, in short.
    pub fn message(&self) -> String {
        self.reasons.join("; ")
    }
}

const MOST_REASONS: usize = 5;
