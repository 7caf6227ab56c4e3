//! Readings in: gauges and counters.

use jiff::Timestamp;

use super::Analysis;
use crate::{
    check::Body,
    count_check::CountCheck,
    ratio::Comparison,
    readings::{LastReadings, Reading, Readings, Value},
    segment::{Mode, Segment},
    settings::{Counter, Exposure},
    tick::{Side, Tick},
};

// === impl Analysis ===

impl Analysis {
    /// Takes what was read beside requests. `now` is its arrival. Repetitions and values that are no numbers are left
    /// out; metrics that no check names are ignored. Gauges of an instance count once it is warm.
    pub fn read(&mut self, readings: &Readings, now: Timestamp) {
        if self.failed.is_some() || !self.readings.is_new(readings) {
            return;
        }
        let segment = *self.segment();
        if segment.mode(self.settings.has_baseline) != Mode::Live || self.common {
            return;
        }
        let of_segment = |reading: &&Reading| reading.revision == 0 || reading.revision >= segment.revision;
        let temper = self.temper();
        // what came before belongs together; then what came with this batch, if it is of both sides
        self.settle(|count| count.settle(now, readings.interval, temper));
        for reading in readings.readings.iter().filter(of_segment) {
            self.take(&segment, readings, reading, now);
        }
        self.settle(|count| count.settle_together(now, temper));
    }

    fn settle(&mut self, settle: impl Fn(&mut CountCheck)) {
        for check in &mut self.checks {
            if let Body::Count(count) = &mut check.body {
                settle(count);
            }
        }
    }

    fn take(&mut self, segment: &Segment, readings: &Readings, reading: &Reading, now: Timestamp) {
        let Some(side) = self.names.side_of(&reading.fleet) else { return };
        let (started, warm_up) = (self.started, self.settings.warm_up);
        let warm = self.counters.is_warm((side, &reading.instance), started, warm_up, now);
        let last = &mut self.readings;
        for check in &mut self.checks {
            match (&mut check.body, reading.value) {
                (Body::Gauge(gauge), Value::Gauge(value))
                    if gauge.spec().metric == reading.metric && warm =>
                {
                    gauge.read(side, value, now, readings.interval, true);
                }
                (Body::Saturation(check), Value::Gauge(value))
                    if check.spec().metric == reading.metric && warm =>
                {
                    check.read(side, value, now, readings.interval);
                }
                (Body::Count(count), Value::Counter(value)) if reads(count, &reading.metric) => {
                    counted(count, last, (readings, reading), value, (side, segment.testable_share()), now);
                }
                _ => {}
            }
        }
    }
}

fn reads(count: &CountCheck, metric: &str) -> bool {
    matches!(&count.spec().counter, Counter::Metric(known) if known == metric)
}

fn counted(
    count: &mut CountCheck,
    last: &mut LastReadings,
    (readings, reading): (&Readings, &Reading),
    value: f64,
    (side, share): (Side, Option<f64>),
    now: Timestamp,
) {
    let Some(counted) = last.advance(readings, reading, value) else {
        // requests until now have no count that goes with them: it begins here, anew, or after a change of the route
        if count.spec().exposure == Exposure::Requests && value.is_finite() {
            count.begin(side);
        }
        return;
    };
    let exposure = match (count.spec().exposure, share) {
        (Exposure::Instances, _) => counted.seconds,
        (Exposure::Share, Some(share)) => {
            counted.seconds * if side == Side::Candidate { share } else { 1.0 - share }
        }
        (Exposure::Share, None) => return,
        // added with the requests
        (Exposure::Requests, _) => 0.0,
    };
    count.add(side, counted.events, exposure, now);
}

/// What a tick of requests is to a check of a rate: its counts, its exposure, or only time.
pub(super) fn count(
    check: &mut CountCheck,
    tick: &Tick,
    share: Option<f64>,
    (temper, second, for_pass): (f64, bool, bool),
) {
    let (c, b) = (&tick.candidate, &tick.baseline);
    let (nc, nb) = (c.requests as f64, b.requests as f64);
    match (&check.spec().counter, check.spec().exposure) {
        (Counter::Metric(_), Exposure::Requests) => {
            check.expose(nc, nb);
            if second {
                check.idle();
            }
        }
        (Counter::Metric(_), Exposure::Share | Exposure::Instances) => {
            if second {
                check.idle();
            }
        }
        (Counter::Answered, exposure) => {
            let exposures = match (exposure, share) {
                (Exposure::Requests, _) => Some((nc, nb)),
                (Exposure::Share, share) => share.map(|share| (share, 1.0 - share)),
                (Exposure::Instances, _) => None,
            };
            let Some((ec, eb)) = exposures else { return };
            let (kc, kb) = (nc - c.errors as f64, nb - b.errors as f64);
            check.compare(Comparison { kc, ec, kb, eb }, temper, second, for_pass);
        }
    }
}
