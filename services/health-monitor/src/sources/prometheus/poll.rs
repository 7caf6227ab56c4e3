//! Asks a server again and again, for one analysis.

use std::{sync::Arc, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Batch,
    readings::{Reading, Readings, Value},
};
use bellwether_policy::sources::{Measure, PrometheusSpec, Signals};
use futures::future::join_all;

use super::{
    Prometheus, Reader,
    answer::Current,
    client::AskError,
    queries,
    read::{Brought, Query, note},
};
use crate::{
    monitor::Monitor,
    running::Running,
    sources::ledger::{Ledger, Total},
};

/// What the first look reaches back over: as far as Prometheus itself takes a series for alive.
const FIRST_RANGE: Duration = Duration::from_secs(300);
/// The longest that a look reaches back.
const LONGEST_RANGE: Duration = Duration::from_secs(900);
/// Beyond what passed since the last look.
const OVERLAP: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Looks that fail before it is an error.
const FAILURES: u32 = 3;
/// An instance that was not scraped for this long is forgotten.
const FORGET: i64 = 3_600_000;
/// The server's clock and ours differ by no more than this.
const MOST_SKEW: i64 = 60_000;
/// Half of the requests taking longer than this is a wrong unit.
const MOST_MILLIS: f64 = 3_600_000.0;

/// One source of one analysis.
struct Poll {
    monitor: Monitor,
    running: Arc<Running>,
    id: String,
    spec: PrometheusSpec,
    signals: Signals,
    server: Option<Prometheus>,
    ledger: Ledger,
    /// How often the server scrapes.
    spacing: Duration,
    answered: Option<Timestamp>,
    failures: u32,
    /// The newest sample, in milliseconds since 1970.
    newest: Option<i64>,
    /// The latencies that it last told are none.
    wrong_unit: bool,
}

/// Asks until the analysis has ended.
pub async fn run(monitor: Monitor, running: Arc<Running>, id: String) {
    let Some((source, spec)) = running.sources.prometheus().find(|(source, _)| source.id == id) else {
        return;
    };
    let (spec, signals) = (spec.clone(), source.signals);
    let server = monitor.prometheus(&spec);
    let (ledger, spacing) = (Ledger::default(), Duration::ZERO);
    let mut poll = Poll {
        monitor,
        running,
        id,
        spec,
        signals,
        server,
        ledger,
        spacing,
        answered: None,
        failures: 0,
        newest: None,
        wrong_unit: false,
    };
    while poll.is_wanted() {
        poll.look().await;
        tokio::time::sleep(poll.pause()).await;
    }
}

// === impl Poll ===

impl Poll {
    fn is_wanted(&self) -> bool {
        self.monitor.registry.get(&self.running.name).is_some_and(|it| Arc::ptr_eq(&it, &self.running))
    }

    /// Asking more often than it scrapes brings nothing new.
    fn pause(&self) -> Duration {
        self.spec.interval.max(self.spacing).min(LONGEST_PAUSE)
    }

    async fn look(&mut self) {
        let asked = self.monitor.now();
        let measured = self.measure().await;
        let answers = match &self.server {
            Some(server) => {
                let range = self.range(asked);
                join_all(
                    queries(&self.spec)
                        .map(async |(query, selector)| (query, server.raw(selector, range).await)),
                )
                .await
            }
            None => Vec::new(),
        };
        if !self.is_wanted() {
            return;
        }
        let (mut brought, mut empty, mut failed) = (Brought::default(), Vec::new(), measured.err());
        let reader = Reader { spec: &self.spec };
        for (query, answer) in answers {
            match answer {
                Ok(series) => {
                    let of_query = note(&mut self.ledger, &reader, query, &series);
                    if of_query.ours == 0 && query != Query::Errors {
                        empty.push((query, of_query.others));
                    }
                    brought = brought.and(of_query);
                }
                Err(error) => failed = Some(error),
            }
        }
        self.spacing = brought.spacing.map_or(self.spacing, millis);
        self.tell();
        self.report(asked, failed, self.odd().or_else(|| remark(&self.spec, brought, &empty)));
    }

    /// Asks for gauges and counters of anything, and hands them on.
    async fn measure(&self) -> Result<(), AskError> {
        let Some(server) = self.server.as_ref().filter(|_| !self.spec.metrics.is_empty()) else {
            return Ok(());
        };
        let asked =
            self.spec.metrics.iter().map(async |measure| (measure, server.current(&measure.query).await));
        let (mut readings, mut failed) = (Vec::new(), Ok(()));
        for (measure, answer) in join_all(asked).await {
            match answer {
                Ok(values) => {
                    readings.extend(values.iter().filter_map(|value| reading(&self.spec, measure, value)))
                }
                Err(error) => failed = Err(error),
            }
        }
        let readings = Readings {
            source: format!("prometheus/{}", self.id),
            incarnation: "prometheus".to_owned(),
            time: self.monitor.now(),
            interval: self.pause(),
            readings,
        };
        self.monitor.read_into(&self.running, &readings);
        failed
    }

    fn range(&self, now: Timestamp) -> Duration {
        let Some(answered) = self.answered else { return FIRST_RANGE };
        let passed = now.duration_since(answered).unsigned_abs();
        (passed + 2 * self.spacing.max(OVERLAP)).min(LONGEST_RANGE)
    }

    /// Hands what is new to the analysis.
    fn tell(&mut self) {
        let now = self.monitor.now();
        let totals = self.ledger.fresh(&self.running.sources.journeys);
        let Some(newest) = totals.iter().map(|total| total.newest).max() else { return };
        self.newest = self.newest.max(Some(newest));
        self.ledger.forget(newest - FORGET);
        self.wrong_unit = self.signals.latency && totals.iter().any(is_wrong_unit);
        let signals = Signals { latency: self.signals.latency && !self.wrong_unit, ..self.signals };
        let take = |total: Total| {
            let candidate = total.sample.fleet == self.running.candidate;
            signals.of_sample(total.seen_as(candidate))
        };
        let batch = Batch {
            source: format!("prometheus/{}", self.id),
            incarnation: "prometheus".to_owned(),
            time: Timestamp::from_millisecond(newest).unwrap_or(now).min(now),
            interval: self.pause(),
            samples: totals.into_iter().map(take).collect(),
        };
        self.monitor.ingest_into(&self.running, &batch);
    }

    /// What is odd about what it tells.
    fn odd(&self) -> Option<Odd> {
        if self.wrong_unit {
            return Some(Odd::WrongUnit);
        }
        let skew = self.newest? - self.monitor.now().as_millisecond();
        let usual = 2 * i64::try_from(self.pause().as_millis()).unwrap_or(MOST_SKEW);
        (skew.abs() > MOST_SKEW.max(usual)).then_some(Odd::Skew(skew / 1_000))
    }

    fn report(&mut self, asked: Timestamp, failed: Option<AskError>, odd: Option<Odd>) {
        let now = self.monitor.now();
        let problem = match (failed, &self.server, odd) {
            (Some(error), _, _) => Some((chain(&error), error.is_lasting())),
            (None, None, _) => Some(("the monitor's sources have no server of this name".to_owned(), true)),
            (None, Some(_), Some(Odd::WrongUnit)) => Some((Odd::WrongUnit.text(), true)),
            (None, Some(_), odd) => {
                (self.answered, self.failures) = (Some(asked), 0);
                self.monitor.source_answered(&self.running, &self.id, odd.map(|odd| odd.text()));
                None
            }
        };
        if let Some((problem, lasting)) = problem {
            self.failures += 1;
            let lasting = lasting || self.failures >= FAILURES;
            self.monitor.source_failed(&self.running, &self.id, problem, lasting, now);
        }
    }
}

/// A value of one of the analysis' fleets; None: it is of another.
fn reading(spec: &PrometheusSpec, measure: &Measure, given: &Current) -> Option<Reading> {
    let fleet = spec.fleets.get(given.labels.get(&spec.fleet_label)?)?;
    Some(Reading {
        metric: measure.id.clone(),
        fleet: fleet.clone(),
        instance: given.labels.get(&spec.instance_label).cloned().unwrap_or_default(),
        revision: 0,
        value: if measure.counts { Value::Counter(given.value) } else { Value::Gauge(given.value) },
    })
}

/// What is odd about an answer.
enum Odd {
    /// The latencies are none.
    WrongUnit,
    /// The clocks differ by so many seconds, or nothing was scraped for so long.
    Skew(i64),
    /// Something else.
    Text(String),
}

// === impl Odd ===

impl Odd {
    fn text(&self) -> String {
        match self {
            Self::WrongUnit => {
                "half of its latencies are above an hour or below a microsecond: the unit is wrong".to_owned()
            }
            Self::Skew(seconds) if *seconds < 0 => {
                format!("its newest sample is {} s old: it does not scrape, or clocks differ", -seconds)
            }
            Self::Skew(seconds) => format!("its newest sample is {seconds} s ahead: clocks differ"),
            Self::Text(text) => text.clone(),
        }
    }
}

fn remark(spec: &PrometheusSpec, brought: Brought, empty: &[(Query, usize)]) -> Option<Odd> {
    let text = if let Some((query, others)) = empty.first() {
        let what = match query {
            Query::Requests => "requests",
            Query::Errors => "errors",
            Query::Latency => "latency",
        };
        match others {
            0 => format!("no series matches the selector of {what}"),
            others => format!(
                "{others} series match the selector of {what}; none has a label {} with {}",
                spec.fleet_label,
                spec.fleets.keys().cloned().collect::<Vec<_>>().join(" or ")
            ),
        }
    } else if brought.full > 0 {
        "more series or instances match than are kept; narrow the selector".to_owned()
    } else if brought.odd > 0 {
        "some buckets of the latency have no edges, or no +Inf: they are not counted".to_owned()
    } else {
        return None;
    };
    Some(Odd::Text(text))
}

fn is_wrong_unit(total: &Total) -> bool {
    let latency = &total.sample.latency;
    latency.total() > 20
        && latency.quantile_bucket(0.5).is_some_and(|bucket| {
            bucket == 0 || bellwether_judge::histogram::upper_edge(bucket) > MOST_MILLIS
        })
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// The error with what is behind it.
fn chain(error: &AskError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    super::answer::shortened(&text)
}
