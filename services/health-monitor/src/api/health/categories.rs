//! The five categories of metrics, and how each stands.

use std::{collections::HashMap, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_judge::burn::{Burn, Urgency};
use bellwether_proto::{
    common::v1::Reason,
    monitor::v1::{self as pb, Level, MetricCategory},
};
use bellwether_resource::time;

use crate::health::{Fullest, Minute, Signal, Vitals};

/// An anomaly or event is news for this long.
const NEWS: Duration = Duration::from_secs(900);
/// WARN above 2 % of failed requests.
const MOST_ERRORS: f64 = 2.0;
/// WARN from 20 % of connections that were not made.
const MOST_UNCONNECTED: f64 = 20.0;
/// WARN above a p95 of 200 ms.
const SLOWEST: f64 = 200.0;
/// WARN below half of what is usual.
const LEAST_TRAFFIC: f64 = 0.5;

/// What speaks for a level.
type Found = Vec<(Level, Reason)>;

/// All five.
pub fn of(
    vitals: &Vitals,
    burns: &[Burn],
    events: &[pb::HealthEvent],
    now: Timestamp,
) -> Vec<pb::HealthCategory> {
    let recent = vitals.now(now);
    let recent = recent.as_ref();
    vec![
        errors(vitals, recent, burns, now),
        latency(vitals, recent, now),
        throughput(vitals, recent, now),
        saturation(vitals, now),
        business(events, now),
    ]
}

fn errors(vitals: &Vitals, recent: Option<&Minute>, burns: &[Burn], now: Timestamp) -> pb::HealthCategory {
    let mut found = Found::new();
    let value = recent.and_then(Minute::error_percent);
    for burn in burns.iter().filter(|burn| burn.fires) {
        let level = if burn.rule.urgency == Urgency::Page { Level::Fail } else { Level::Warn };
        let text = format!("the error budget burns {:.1} times as fast as it may", burn.long.unwrap_or(0.0));
        found.push((level, reason("BUDGET_BURNS", text)));
    }
    if value.is_some_and(|percent| percent > MOST_ERRORS) {
        let text = format!("{:.2} % of the requests fail", value.unwrap_or(0.0));
        found.push((Level::Warn, reason("ERROR_RATE", text)));
    }
    let unconnected = recent.map_or(0.0, |m| 100.0 * m.connect_failures as f64 / (m.requests.max(1)) as f64);
    if value.is_some() && unconnected >= MOST_UNCONNECTED {
        let text = format!("{unconnected:.0} % of the connections are not made");
        found.push((Level::Warn, reason("CONNECTIONS", text)));
    }
    found.extend(anomalies(vitals, Signal::Errors, now));
    let usual = vitals.week().usual(now).map(|hour| 100.0 * hour.error_share());
    measured(MetricCategory::Errors, "percent", found, value, usual)
}

fn latency(vitals: &Vitals, recent: Option<&Minute>, now: Timestamp) -> pb::HealthCategory {
    let mut found = Found::new();
    let value = recent.and_then(Minute::p95);
    if value.is_some_and(|millis| millis > SLOWEST) {
        let text = format!("p95 is {:.0} ms", value.unwrap_or(0.0));
        found.push((Level::Warn, reason("SLOW", text)));
    }
    found.extend(anomalies(vitals, Signal::Latency, now));
    let usual = vitals.week().usual(now).and_then(|hour| hour.quantile(0.95));
    measured(MetricCategory::Latency, "ms", found, value, usual)
}

fn throughput(vitals: &Vitals, recent: Option<&Minute>, now: Timestamp) -> pb::HealthCategory {
    let mut found = Found::new();
    let value = recent.map(Minute::rate);
    let usual = vitals.week().usual(now).map(crate::health::Hour::rate);
    if let (Some(value), Some(usual)) = (value, usual)
        && value < LEAST_TRAFFIC * usual
    {
        let text = format!("{value:.1} requests/s, where {usual:.1} are usual at this hour");
        found.push((Level::Warn, reason("TRAFFIC_LOW", text)));
    }
    found.extend(anomalies(vitals, Signal::Rate, now));
    measured(MetricCategory::Throughput, "requests/s", found, value, usual)
}

/// By the policy's checks of saturation, from what is pushed or exported of their metrics.
fn saturation(vitals: &Vitals, now: Timestamp) -> pb::HealthCategory {
    let all: Vec<Fullest<'_>> = vitals.fullness().at(now).collect();
    let told: Vec<(&Fullest<'_>, &str, f64)> =
        all.iter().filter_map(|of| of.instance.map(|(instance, used)| (of, instance, used))).collect();
    let full = told.iter().filter(|(of, _, used)| *used > of.above).map(|(of, instance, used)| {
        let (used, above) = (100.0 * used, 100.0 * of.above);
        let text =
            format!("{}: {used:.1} % are used on instance {instance:?}, at most {above:.0} %", of.check);
        (Level::Warn, reason("SATURATED", text))
    });
    let mut found: Found = full.collect();
    if all.is_empty() {
        found = no_source("processors, memory and disks");
    } else if told.is_empty() {
        let text = "nothing was read of the policy's capacities in the last five minutes".to_owned();
        found.push((Level::Ok, reason("NO_READINGS", text)));
    }
    let value = told.iter().map(|(_, _, used)| 100.0 * used).max_by(f64::total_cmp);
    pb::HealthCategory { value, ..category(MetricCategory::Saturation, "percent", found) }
}

fn business(events: &[pb::HealthEvent], now: Timestamp) -> pb::HealthCategory {
    use pb::health_event::Severity;
    let is_news = |event: &&pb::HealthEvent| {
        let at = event.time.as_ref().and_then(time::timestamp);
        at.is_some_and(|at| now.duration_since(at).unsigned_abs() <= 4 * NEWS)
    };
    let told = events.iter().filter(is_news).map(|event| {
        let level = match event.severity() {
            Severity::Critical => Level::Fail,
            Severity::Warning => Level::Warn,
            Severity::Info | Severity::Unspecified => Level::Ok,
        };
        (level, reason("EVENT", event.message.clone()))
    });
    let found: Found = told.collect();
    let found = if events.is_empty() { no_source("the business") } else { found };
    category(MetricCategory::Business, "", found)
}

/// Advice: never more than WARN.
fn anomalies(vitals: &Vitals, signal: Signal, now: Timestamp) -> Found {
    let is_news = |at: Timestamp| now.duration_since(at).unsigned_abs() <= NEWS;
    let new = vitals.anomalies().find(|anomaly| anomaly.signal == signal && is_news(anomaly.at));
    let told = new.map(|anomaly| {
        let usual = anomaly.usual.map_or(String::new(), |usual| format!(", {usual:.2} before"));
        let text = format!(
            "{} {:.2}{usual}: as surprising as 1 in 10^{:.0}",
            signal.name(),
            anomaly.value,
            anomaly.surprise
        );
        (Level::Warn, reason("ANOMALY", text))
    });
    told.into_iter().collect()
}

fn no_source(of: &str) -> Found {
    vec![(Level::Ok, reason("NO_SOURCE", format!("no source tells of {of}")))]
}

fn reason(code: &str, text: String) -> Reason {
    Reason { code: code.to_owned(), text, values: HashMap::new() }
}

fn measured(
    of: MetricCategory,
    unit: &str,
    mut found: Found,
    value: Option<f64>,
    usual: Option<f64>,
) -> pb::HealthCategory {
    if value.is_none() {
        found.push((
            Level::Ok,
            reason("NO_TRAFFIC", "too little was counted in the last five minutes".to_owned()),
        ));
    }
    pb::HealthCategory { value, usual, ..category(of, unit, found) }
}

fn category(of: MetricCategory, unit: &str, mut found: Found) -> pb::HealthCategory {
    found.sort_by_key(|(level, _)| std::cmp::Reverse(*level as i32));
    let level = found.first().map_or(Level::Ok, |(level, _)| *level);
    pb::HealthCategory {
        category: of.into(),
        level: level.into(),
        reasons: found.into_iter().map(|(_, reason)| reason).collect(),
        value: None,
        usual: None,
        unit: unit.to_owned(),
    }
}
