//! How fast an error budget burns.
//!
//! The budget is 1 − SLO; a burn rate of 1 uses it up exactly in the SLO's period. The rules are those of the SRE
//! Workbook (Google 2018, chapter 5): a long window shows that it matters, a short one that it goes on. Both must
//! be above the rate. Beside them stands a form that is right under continuous looking: an e-process for "the error
//! rate is at most rate × (1 − SLO)", begun anew with each long window.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Mixture, one_sided::AboveTest};

/// What a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Urgency {
    /// Somebody must look now.
    Page,
    /// Somebody must look in working hours.
    Ticket,
}

/// When a burn rate matters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// The burn rate.
    pub rate: f64,
    /// It must be above it over this window,
    pub long: Duration,
    /// and over this one.
    pub short: Duration,
    /// What for.
    pub urgency: Urgency,
}

/// How a rule stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burn {
    /// The rule.
    pub rule: Rule,
    /// The burn rate over the long window. None: no requests.
    pub long: Option<f64>,
    /// The burn rate over the short window. None: no requests.
    pub short: Option<f64>,
    /// Both are above the rule's.
    pub fires: bool,
    /// ln E against "at most the rule's rate", since this long window began.
    pub log_evidence: f64,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

const fn rule(rate: f64, long: u64, short: u64, urgency: Urgency) -> Rule {
    Rule { rate, long: Duration::from_secs(long), short: Duration::from_secs(short), urgency }
}

/// The rules, the most urgent first.
pub const RULES: [Rule; 4] = [
    rule(14.4, HOUR, 5 * MINUTE, Urgency::Page),
    rule(6.0, 6 * HOUR, 30 * MINUTE, Urgency::Page),
    rule(3.0, DAY, 2 * HOUR, Urgency::Ticket),
    rule(1.0, 3 * DAY, 6 * HOUR, Urgency::Ticket),
];
/// ln(1/α) at 1 %: from here on the anytime-valid form says that the rate is above the rule's.
pub const EVIDENT: f64 = 4.605_170_185_988_092;
/// A window is kept in so many parts; it reaches back between 11 and 12 of them.
const PARTS: i64 = 12;

/// The burn rates of one objective. Constant memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BurnRates {
    budget: f64,
    rules: Vec<Watch>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Watch {
    long: Window,
    short: Window,
    test: AboveTest,
    /// Which long window the test began with.
    round: i64,
}

/// Errors and requests over the last while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Window {
    /// Seconds of one part.
    part: i64,
    /// Number, errors and requests of each part, in order.
    parts: std::collections::VecDeque<(i64, u64, u64)>,
}

// === impl BurnRates ===

impl BurnRates {
    /// Of an SLO in (0, 1), e.g. 0.999.
    pub fn new(slo: f64) -> Self {
        let budget = (1.0 - slo).clamp(1e-6, 0.5);
        let watch = |rule: &Rule| Watch {
            long: Window::new(rule.long),
            short: Window::new(rule.short),
            test: test(rule, budget),
            round: i64::MIN,
        };
        Self { budget, rules: RULES.iter().map(watch).collect() }
    }

    /// Adds what was counted at `at`.
    pub fn add(&mut self, at: Timestamp, errors: u64, requests: u64) {
        let budget = self.budget;
        for (rule, watch) in RULES.iter().zip(&mut self.rules) {
            let round = at.as_second().div_euclid(seconds(rule.long));
            if watch.round != round {
                watch.round = round;
                watch.test = test(rule, budget);
            }
            watch.long.add(at, errors, requests);
            watch.short.add(at, errors, requests);
            watch.test.update(errors.min(requests) as f64, requests as f64, 1.0, false);
        }
    }

    /// How every rule stands.
    pub fn at(&self, now: Timestamp) -> Vec<Burn> {
        let burn = |(rule, watch): (&Rule, &Watch)| {
            let (long, short) = (watch.long.rate(now), watch.short.rate(now));
            let (long, short) = (long.map(|rate| rate / self.budget), short.map(|rate| rate / self.budget));
            let above = |burn: Option<f64>| burn.is_some_and(|burn| burn > rule.rate);
            let fires = above(long) && above(short);
            Burn { rule: *rule, long, short, fires, log_evidence: watch.test.log_e() }
        };
        RULES.iter().zip(&self.rules).map(burn).collect()
    }
}

fn test(rule: &Rule, budget: f64) -> AboveTest {
    AboveTest::new((rule.rate * budget).min(0.5), Mixture::plain())
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

// === impl Window ===

impl Window {
    fn new(span: Duration) -> Self {
        Self { part: (seconds(span) / PARTS).max(1), parts: std::collections::VecDeque::new() }
    }

    fn add(&mut self, at: Timestamp, errors: u64, requests: u64) {
        let number = at.as_second().div_euclid(self.part);
        match self.parts.back_mut() {
            Some((last, e, n)) if *last >= number => {
                *e += errors;
                *n += requests;
            }
            _ => self.parts.push_back((number, errors, requests)),
        }
        while self.parts.front().is_some_and(|(first, ..)| *first <= number - PARTS) {
            self.parts.pop_front();
        }
    }

    fn rate(&self, now: Timestamp) -> Option<f64> {
        let oldest = now.as_second().div_euclid(self.part) - PARTS;
        let within = self.parts.iter().filter(|(number, ..)| *number > oldest);
        let (errors, requests) =
            within.fold((0, 0), |(e, n), (_, errors, requests)| (e + errors, n + requests));
        (requests > 0).then(|| errors as f64 / requests as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(hours: i64, rate: impl Fn(i64) -> u64) -> Vec<Burn> {
        let mut rates = BurnRates::new(0.999);
        let mut at = Timestamp::UNIX_EPOCH;
        for minute in 0..hours * 60 {
            at += Duration::from_secs(MINUTE);
            rates.add(at, rate(minute), 10_000);
        }
        rates.at(at)
    }

    #[test]
    fn a_fast_burn_pages_and_a_slow_one_is_a_ticket() {
        // 2 %: 20 times the budget
        let fast = after(2, |_| 200);
        assert!(fast[0].fires && fast[0].log_evidence > EVIDENT, "{fast:?}");
        assert!((fast[0].long.unwrap() - 20.0).abs() < 1e-9);
        // 0.15 %: one and a half times
        let slow = after(80, |_| 15);
        assert_eq!(slow.iter().map(|burn| burn.fires).collect::<Vec<_>>(), [false, false, false, true]);
        let within = after(80, |_| 5);
        assert!(within.iter().all(|burn| !burn.fires && burn.log_evidence < EVIDENT), "{within:?}");
    }

    #[test]
    fn what_is_over_no_longer_fires() {
        let over = after(3, |minute| if minute < 150 { 500 } else { 0 });
        assert!(!over[0].fires, "the short window is clean: {over:?}");
        assert!(over[0].long.unwrap() > 14.4);
    }

    #[test]
    fn without_requests_nothing_is_known() {
        let rates = BurnRates::new(0.999);
        assert!(rates.at(Timestamp::UNIX_EPOCH).iter().all(|burn| burn.long.is_none() && !burn.fires));
    }
}
