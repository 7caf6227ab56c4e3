//! Values of metrics that come from several sources, each at its own moments.
//!
//! Sources do not report together, so their metrics are put together by scrape: from the first metric of an instance on, the others
//! must come within one and a half of the longest interval among them; of one that comes more often the newest counts. Then the
//! value is computed, once, and each metric must come anew. What does not come is missing, and is said to be: it is no zero, and no
//! old value stands in for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_policy::derived::Derivation;

use super::numbers::{Place, Problem, Told, evaluate, window};

/// Instances and values that are followed; of more, those that are new are not.
const MOST: usize = 4_096;
/// Of a metric that was never told nobody knows how often it comes.
const UNKNOWN: Duration = Duration::from_secs(15);
/// What was not told for this long, or three windows, is gone.
const FORGET: Duration = Duration::from_secs(60);

/// What each instance told of each value since it was last computed.
#[derive(Debug, Default)]
pub struct Mixed {
    open: BTreeMap<Key, Open>,
    intervals: BTreeMap<String, Duration>,
}

/// Value, fleet and instance.
type Key = (String, String, String);
/// A value at an instance, or why there is none.
pub type Outcome = (Place, Result<f64, Problem>);

#[derive(Debug, Default)]
struct Open {
    /// When each was told, and what.
    numbers: BTreeMap<String, (Timestamp, Option<f64>)>,
    /// The first of what is not used yet.
    since: Option<Timestamp>,
    /// When the value was last computed.
    done: Option<Timestamp>,
    revision: i64,
}

// === impl Mixed ===

impl Mixed {
    /// Takes what one source told; what can be computed now, and what cannot any more. The interval is that of the slowest.
    pub fn take(
        &mut self,
        value: &Derivation,
        told: &Told,
        interval: Duration,
        now: Timestamp,
    ) -> (Vec<Outcome>, Duration) {
        let touched = self.note(value, told, interval, now);
        let of = |metric: &str| self.intervals.get(metric).copied().unwrap_or(UNKNOWN);
        let longest = value.metrics().map(of).max().unwrap_or(interval);
        let whole: BTreeSet<&String> =
            touched.iter().filter(|key| key.2.is_empty()).map(|key| &key.1).collect();
        let concerned = |key: &&Key| key.0 == value.id && (touched.contains(*key) || whole.contains(&key.1));
        let keys: Vec<Key> = self.open.keys().filter(concerned).cloned().collect();
        let look = |key: &Key| self.look(value, key, touched.contains(key), window(longest), now);
        (keys.iter().filter_map(look).collect(), longest)
    }

    /// Forgets instances that are gone.
    pub fn expire(&mut self, now: Timestamp) {
        let longest = self.intervals.values().max().copied().unwrap_or(UNKNOWN);
        let patience = FORGET.max(3 * window(longest));
        self.open.retain(|_, open| open.newest().is_some_and(|at| age(at, now) < patience));
    }

    fn note(&mut self, value: &Derivation, told: &Told, interval: Duration, now: Timestamp) -> BTreeSet<Key> {
        let mut touched = BTreeSet::new();
        for ((fleet, instance, revision), numbers) in told {
            let mut of_value =
                value.metrics().filter_map(|metric| Some((metric, *numbers.get(metric)?))).peekable();
            let key = (value.id.clone(), fleet.clone(), instance.clone());
            if of_value.peek().is_none() || (self.open.len() >= MOST && !self.open.contains_key(&key)) {
                continue;
            }
            let open = self.open.entry(key.clone()).or_default();
            open.since.get_or_insert(now);
            open.revision = open.revision.max(*revision);
            for (metric, number) in of_value {
                self.intervals.insert(metric.to_owned(), interval);
                open.numbers.insert(metric.to_owned(), (now, number));
            }
            touched.insert(key);
        }
        touched
    }

    fn look(
        &mut self,
        value: &Derivation,
        key: &Key,
        touched: bool,
        window: Duration,
        now: Timestamp,
    ) -> Option<Outcome> {
        let (_, fleet, instance) = key;
        let open = self.open.get(key)?;
        let whole = self.open.get(&(key.0.clone(), fleet.clone(), String::new()));
        let usable = |of: &Open, metric: &str| {
            let (at, number) = of.numbers.get(metric)?;
            (open.done.is_none_or(|done| *at > done) && age(*at, now) < window).then_some(*number)
        };
        let number = |metric: &str| usable(open, metric).or_else(|| usable(whole?, metric));
        let place = (fleet.clone(), instance.clone(), open.revision);
        if value.metrics().all(|metric| number(metric).is_some()) {
            let outcome = evaluate(value, &place, number);
            let open = self.open.get_mut(key)?;
            (open.since, open.done) = (None, Some(now));
            return Some((place, outcome?));
        }
        let waits = open.since.is_none_or(|since| age(since, now) < window);
        if !touched || waits || self.stands_in(key, window, now) {
            return None;
        }
        let missing = value.metrics().filter(|metric| number(metric).is_none()).map(str::to_owned).collect();
        let problem = Problem::missing(value, &place, missing);
        self.open.get_mut(key)?.since = Some(now);
        Some((place, Err(problem)))
    }

    /// Whether it is a fleet as a whole whose instances tell the rest.
    fn stands_in(&self, (value, fleet, instance): &Key, window: Duration, now: Timestamp) -> bool {
        let tells = |open: &Open| open.newest().is_some_and(|at| age(at, now) < window);
        instance.is_empty()
            && self.open.iter().any(|((of, in_fleet, instance), open)| {
                of == value && in_fleet == fleet && !instance.is_empty() && tells(open)
            })
    }
}

// === impl Open ===

impl Open {
    fn newest(&self) -> Option<Timestamp> {
        self.numbers.values().map(|(at, _)| *at).max()
    }
}

fn age(at: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(at).unsigned_abs()
}

#[cfg(test)]
mod tests;
