//! The last counters of one instance under one route revision.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Context;
use crate::{
    sample::{Sample, Traffic},
    tick::Counts,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Slot {
    revision: i64,
    traffic: Traffic,
    /// The newest `time` of its samples.
    time: Timestamp,
    last: Counts,
    /// The next difference spans a change of the route.
    #[serde(default)]
    spans_route: bool,
}

/// Whether a sample brought anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fresh {
    /// The difference was written; it may be all zero.
    Counts,
    /// Repeated, late, reset, or spanning a change of the route.
    Nothing,
}

// === impl Slot ===

impl Slot {
    pub(super) fn new(sample: &Sample, context: Context<'_>) -> Self {
        let last = Counts::sized(context.statuses.len(), context.journeys.len());
        Self {
            revision: sample.revision,
            traffic: sample.traffic,
            time: Timestamp::MIN,
            last,
            spans_route: false,
        }
    }

    pub(super) fn revision(&self) -> i64 {
        self.revision
    }

    pub(super) fn is_for(&self, sample: &Sample) -> bool {
        self.revision == sample.revision && self.traffic == sample.traffic
    }

    pub(super) fn route_changed(&mut self) {
        self.spans_route |= self.revision == 0;
    }

    /// Takes the sample's counters as the last ones and writes the difference to `delta`.
    pub(super) fn advance(
        &mut self,
        sample: &Sample,
        time: Timestamp,
        context: Context<'_>,
        delta: &mut Counts,
    ) -> Fresh {
        let grows = self.grows_to(sample, context);
        if !grows && time <= self.time {
            return Fresh::Nothing; // late or reordered: what it holds was counted
        }
        self.time = self.time.max(time);
        // smaller counters at a later time without a new incarnation: a reset whose gap nobody knows
        let usable = grows && !std::mem::take(&mut self.spans_route);
        self.take(sample, context, delta);
        if usable { Fresh::Counts } else { Fresh::Nothing }
    }

    fn grows_to(&self, sample: &Sample, context: Context<'_>) -> bool {
        let last = &self.last;
        let statuses = last.statuses.iter().zip(context.statuses);
        let journeys = last.journeys.iter().zip(context.journeys);
        sample.requests >= last.requests
            && sample.errors >= last.errors
            && sample.connect_failures >= last.connect_failures
            && statuses.into_iter().all(|(last, status)| status_count(sample, *status) >= *last)
            && journeys.into_iter().all(|(last, id)| {
                let (requests, errors) = journey_count(sample, id);
                requests >= last.0 && errors >= last.1
            })
            && sample.latency.covers(&last.latency)
    }

    fn take(&mut self, sample: &Sample, context: Context<'_>, delta: &mut Counts) {
        let last = &mut self.last;
        delta.requests = replace(&mut last.requests, sample.requests);
        delta.errors = replace(&mut last.errors, sample.errors);
        delta.connect_failures = replace(&mut last.connect_failures, sample.connect_failures);
        delta.statuses.resize(context.statuses.len(), 0);
        let statuses = delta.statuses.iter_mut().zip(&mut last.statuses).zip(context.statuses);
        for ((delta, last), status) in statuses {
            *delta = replace(last, status_count(sample, *status));
        }
        delta.journeys.resize(context.journeys.len(), (0, 0));
        let journeys = delta.journeys.iter_mut().zip(&mut last.journeys).zip(context.journeys);
        for ((delta, last), id) in journeys {
            let (requests, errors) = journey_count(sample, id);
            *delta = (replace(&mut last.0, requests), replace(&mut last.1, errors));
        }
        delta.latency.clear();
        for (bucket, count) in sample.latency.iter() {
            delta.latency.add(bucket, count.saturating_sub(last.latency.count(bucket)));
        }
        last.latency.clone_from(&sample.latency);
    }
}

/// Sets `last` and returns the growth (zero after a reset).
fn replace(last: &mut u64, now: u64) -> u64 {
    now.saturating_sub(std::mem::replace(last, now))
}

fn status_count(sample: &Sample, status: u16) -> u64 {
    sample.statuses.iter().find(|(s, _)| *s == status).map_or(0, |(_, count)| *count)
}

fn journey_count(sample: &Sample, id: &str) -> (u64, u64) {
    sample
        .journeys
        .iter()
        .find(|(j, _, _)| j == id)
        .map_or((0, 0), |(_, requests, errors)| (*requests, *errors))
}
