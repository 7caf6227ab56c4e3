//! What is known of one target.

use std::{collections::VecDeque, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Histogram,
    anomaly::{Cause, Detector, Settings, TELL},
    burn::{Burn, BurnRates},
};
use bellwether_proto::monitor::v1 as pb;
use serde::{Deserialize, Serialize};

use super::{fullness::Fullness, week::Week};
use crate::recording::histogram;

/// The default objective.
const SLO: f64 = 0.999;
/// Minutes that make "now".
const RECENT: usize = 5;
/// Anomalies that are remembered.
const ANOMALIES: usize = 20;
const REMEMBERED: Duration = Duration::from_secs(86_400);
/// Hours that are remembered for forecasts: 90 days.
const HOURS: usize = 90 * 24;
/// Fewer requests than this have no error share or latency worth looking at.
const LEAST_REQUESTS: u64 = 20;
const HOUR: i64 = 3_600;

/// What users did and got within a minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// When it began.
    pub at: Timestamp,
    /// How many of its seconds were observed.
    pub seconds: u32,
    /// Requests.
    pub requests: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Of the errors, those without a connection.
    pub connect_failures: u64,
    /// Latencies.
    pub latency: Histogram,
}

/// What is watched for anomalies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// Requests per second.
    Rate,
    /// Failed requests in percent.
    Errors,
    /// p95 in ms.
    Latency,
}

/// A surprising minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// When.
    pub at: Timestamp,
    /// Of what.
    pub signal: Signal,
    /// What was measured.
    pub value: f64,
    /// The level before.
    pub usual: Option<f64>,
    /// LEVEL, SEASON or DRIFT.
    pub cause: String,
    /// In decades.
    pub surprise: f64,
}

/// Everything that is known of a target. About 200 KiB at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vitals {
    slo: f64,
    burn: BurnRates,
    week: Week,
    /// The newest minutes.
    recent: VecDeque<Minute>,
    /// Hour since 1970, requests, seconds.
    hours: VecDeque<(i64, u64, u32)>,
    detectors: [Detector; 3],
    anomalies: VecDeque<Anomaly>,
    /// As the next readings tell; not kept.
    #[serde(skip)]
    fullness: Fullness,
}

// === impl Minute ===

impl Minute {
    /// Of the seconds of one minute. None where no source reported on live traffic.
    pub fn of(seconds: &[pb::RecordedSecond]) -> Option<Self> {
        let first = seconds.first()?.unix_seconds;
        let mut minute = Self {
            at: Timestamp::from_second(first - first.rem_euclid(60)).ok()?,
            seconds: 0,
            requests: 0,
            errors: 0,
            connect_failures: 0,
            latency: Histogram::default(),
        };
        for second in seconds {
            let live = |counts: &&pb::RecordedCounts| counts.traffic() == pb::TrafficKind::Live;
            let mut any = false;
            for counts in second.counts.iter().filter(live) {
                any = true;
                minute.requests += counts.requests;
                minute.errors += counts.errors;
                minute.connect_failures += counts.connect_failures;
                minute.latency.merge(&histogram(counts.latency.as_ref()));
            }
            minute.seconds += if any { u32::try_from(second.seconds).unwrap_or(1) } else { 0 };
        }
        (minute.seconds > 0).then_some(minute)
    }

    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / f64::from(self.seconds.max(1))
    }

    /// Failed requests in percent. None where there are too few.
    pub fn error_percent(&self) -> Option<f64> {
        (self.requests >= LEAST_REQUESTS).then(|| 100.0 * self.errors as f64 / self.requests as f64)
    }

    /// p95 in ms. None where there are too few.
    pub fn p95(&self) -> Option<f64> {
        (self.latency.total() >= LEAST_REQUESTS).then(|| self.latency.quantile(0.95)).flatten()
    }
}

// === impl Signal ===

impl Signal {
    /// As the contract names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "requests_per_second",
            Self::Errors => "error_percent",
            Self::Latency => "p95_ms",
        }
    }
}

// === impl Vitals ===

impl Default for Vitals {
    fn default() -> Self {
        Self {
            slo: SLO,
            burn: BurnRates::new(SLO),
            week: Week::default(),
            recent: VecDeque::new(),
            hours: VecDeque::new(),
            detectors: std::array::from_fn(|_| Detector::new(Settings::default())),
            anomalies: VecDeque::new(),
            fullness: Fullness::default(),
        }
    }
}

impl Vitals {
    /// Adds a minute; one that is not newer than the last is passed over.
    pub fn add(&mut self, minute: &Minute) {
        if self.through().is_some_and(|at| minute.at <= at) {
            return;
        }
        self.burn.add(minute.at, minute.errors, minute.requests);
        self.week.add(minute);
        self.remember(minute);
        let values = [
            (Signal::Rate, Some(minute.rate())),
            (Signal::Errors, minute.error_percent()),
            (Signal::Latency, minute.p95()),
        ];
        for (detector, (signal, value)) in self.detectors.iter_mut().zip(values) {
            let Some(value) = value else { continue };
            let usual = detector.level();
            let finding = detector.observe(minute.at, value);
            if finding.surprise >= TELL {
                let cause = match finding.cause {
                    Cause::Level => "LEVEL",
                    Cause::Season => "SEASON",
                    Cause::Drift => "DRIFT",
                };
                let (at, surprise, cause) = (minute.at, finding.surprise, cause.to_owned());
                self.anomalies.push_front(Anomaly { at, signal, value, usual, cause, surprise });
            }
        }
        self.anomalies.truncate(ANOMALIES);
        self.anomalies.retain(|a| minute.at.duration_since(a.at).unsigned_abs() < REMEMBERED);
        self.recent.push_back(minute.clone());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    fn remember(&mut self, minute: &Minute) {
        let hour = minute.at.as_second().div_euclid(HOUR);
        match self.hours.back_mut() {
            Some((last, requests, seconds)) if *last == hour => {
                *requests += minute.requests;
                *seconds += minute.seconds;
            }
            _ => self.hours.push_back((hour, minute.requests, minute.seconds)),
        }
        if self.hours.len() > HOURS {
            self.hours.pop_front();
        }
    }

    /// Another objective begins the budget anew.
    pub fn objective(&mut self, slo: f64) {
        if (self.slo - slo).abs() > 1e-9 {
            self.slo = slo;
            self.burn = BurnRates::new(slo);
        }
    }

    /// The objective, a fraction.
    pub fn slo(&self) -> f64 {
        self.slo
    }

    /// When the newest minute began.
    pub fn through(&self) -> Option<Timestamp> {
        self.recent.back().map(|minute| minute.at)
    }

    /// The last five minutes together, of those that are not older than that.
    pub fn now(&self, now: Timestamp) -> Option<Minute> {
        let fresh = |minute: &&Minute| {
            let most = Duration::from_secs(60 * (RECENT as u64 + 1));
            now.duration_since(minute.at).unsigned_abs() <= most
        };
        self.recent.iter().filter(fresh).cloned().reduce(|mut sum, minute| {
            sum.seconds += minute.seconds;
            sum.requests += minute.requests;
            sum.errors += minute.errors;
            sum.connect_failures += minute.connect_failures;
            sum.latency.merge(&minute.latency);
            sum
        })
    }

    /// How full its capacities are.
    pub fn fullness(&self) -> &Fullness {
        &self.fullness
    }

    /// The same, to be told of it.
    pub fn fullness_mut(&mut self) -> &mut Fullness {
        &mut self.fullness
    }

    /// What is usual.
    pub fn week(&self) -> &Week {
        &self.week
    }

    /// How the error budget burns.
    pub fn burn(&self, now: Timestamp) -> Vec<Burn> {
        self.burn.at(now)
    }

    /// What was surprising, the newest first.
    pub fn anomalies(&self) -> impl Iterator<Item = &Anomaly> {
        self.anomalies.iter()
    }

    /// Days and requests per second, and what they are: the peak hour of each day where there are enough days, else
    /// every hour.
    pub fn trend(&self) -> (Vec<(f64, f64)>, &'static str) {
        let rate = |(hour, requests, seconds): &(i64, u64, u32)| {
            (*hour, *requests as f64 / f64::from((*seconds).max(1)))
        };
        let hours: Vec<(i64, f64)> = self.hours.iter().map(rate).collect();
        let mut peaks: Vec<(f64, f64)> = Vec::new();
        for (hour, rate) in &hours {
            let day = hour.div_euclid(24) as f64;
            match peaks.last_mut() {
                Some((last, peak)) if *last == day => *peak = peak.max(*rate),
                _ => peaks.push((day, *rate)),
            }
        }
        // today's peak may be still to come
        if peaks.len() > ENOUGH_DAYS {
            peaks.pop();
            return (peaks, "PEAKS");
        }
        (hours.into_iter().map(|(hour, rate)| (hour as f64 / 24.0, rate)).collect(), "HOURS")
    }
}

/// Days that make a trend of peaks.
const ENOUGH_DAYS: usize = 12;

#[cfg(test)]
mod tests;
