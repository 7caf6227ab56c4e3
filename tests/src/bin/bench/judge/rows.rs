//! What the streams say, as rows.

use serde_json::{Value, json};

use super::{proof::Outcomes, stream::Decided};

/// The rules, in the order of the table.
pub const RULES: [&str; 6] =
    ["bellwether-method", "bellwether", "kayenta-peek", "kayenta-30", "kayenta-60", "threshold"];

/// One rule on the streams of one case.
#[derive(Clone, Debug)]
pub struct Row {
    /// The case.
    pub case: String,
    /// Requests per second.
    pub rps: u32,
    /// The rule.
    pub rule: &'static str,
    /// When the fault began, in seconds; None: there was none.
    pub onset: Option<u32>,
    /// Streams that the shares are of.
    pub streams: usize,
    /// Delays from the onset on in seconds, ascending; without a fault, from the beginning.
    delays: Vec<u32>,
    /// Streams in which the rule decided before the fault began.
    early: usize,
    /// The product must never fail it.
    pub harmless: bool,
    /// Its requests depend on each other.
    pub dependent: bool,
}

fn decided(of: &Decided, rule: &str) -> Option<u32> {
    match rule {
        "bellwether-method" => of.method,
        "bellwether" => of.product,
        "kayenta-peek" => of.minutes.peek,
        "kayenta-30" => of.minutes.at_30,
        "kayenta-60" => of.minutes.at_60,
        _ => of.minutes.threshold,
    }
}

// === impl Row ===

impl Row {
    /// Every rule on one case.
    pub fn of(outcomes: &Outcomes) -> Vec<Self> {
        RULES.iter().map(|rule| Self::of_rule(outcomes, rule)).collect()
    }

    fn of_rule(outcomes: &Outcomes, rule: &'static str) -> Self {
        let onset = outcomes.onset.unwrap_or(0);
        let times = outcomes.decided.iter().filter_map(|of| decided(of, rule));
        let (late, early): (Vec<u32>, Vec<u32>) =
            times.partition(|time| outcomes.onset.is_none() || *time > onset);
        let mut delays: Vec<u32> = late.into_iter().map(|time| time - onset).collect();
        delays.sort_unstable();
        let (case, streams) = (outcomes.case.clone(), outcomes.decided.len());
        let Outcomes { rps, harmless, dependent, .. } = *outcomes;
        Self {
            case,
            rps,
            rule,
            onset: outcomes.onset,
            streams,
            delays,
            early: early.len(),
            harmless,
            dependent,
        }
    }

    /// The share of streams without a fault (or before it) that were failed, in percent.
    pub fn false_alarm_percent(&self) -> Option<f64> {
        let alarms = if self.onset.is_none() { self.delays.len() } else { self.early };
        (self.onset != Some(0)).then(|| percent(alarms, self.streams))
    }

    /// The share of faults that were seen, of those streams that had not been failed before, in percent.
    pub fn detected_percent(&self) -> Option<f64> {
        self.onset.map(|_| percent(self.delays.len(), self.streams - self.early))
    }

    /// The delay that this share of the streams did not exceed, in seconds; None: fewer were seen at all.
    pub fn delay(&self, share: f64) -> Option<u32> {
        let rank = (share * (self.streams - self.early) as f64).ceil() as usize;
        self.onset.and(self.delays.get(rank.saturating_sub(1)).copied())
    }

    /// The row for programs.
    pub fn json(&self) -> Value {
        let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
        json!({
            "case": self.case,
            "rps": self.rps,
            "rule": self.rule,
            "onset_s": self.onset,
            "streams": self.streams,
            "false_alarm_percent": self.false_alarm_percent().map(rounded),
            "detected_percent": self.detected_percent().map(rounded),
            "delay_s": {"p50": self.delay(0.5), "p95": self.delay(0.95)},
        })
    }
}

fn percent(count: usize, of: usize) -> f64 {
    100.0 * count as f64 / of.max(1) as f64
}
