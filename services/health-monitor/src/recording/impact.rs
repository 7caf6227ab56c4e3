//! What a rollout did to users.

use std::collections::BTreeMap;

use bellwether_clock::Timestamp;
use bellwether_judge::{Histogram, LatencyEdges};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;

use super::{Counted, Story, chunk::histogram};

/// A minute's rate on the baseline is pulled towards the whole's as by so many requests.
const PRIOR_REQUESTS: f64 = 100.0;
/// Φ⁻¹(0.975).
const Z95: f64 = 1.959_963_984_540_054;
const MINUTE: i64 = 60;

/// Events among requests.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    requests: f64,
    events: f64,
}

/// Both sides of one minute.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    candidate: Share,
    baseline: Share,
}

/// Pairs by minute.
type Minutes = BTreeMap<i64, Pair>;

/// What was counted from the rollout's begin on.
#[derive(Debug, Default)]
struct Tally {
    requests: u64,
    failures: Minutes,
    slow: Minutes,
    journeys: BTreeMap<String, Minutes>,
    first: Option<i64>,
    last: Option<i64>,
}

/// The impact of a rollout: `seconds` are those around it, `sessions` its own.
pub fn impact(
    story: &Story,
    seconds: &[pb::RecordedSecond],
    sessions: Option<&Counted>,
    now: Timestamp,
) -> pb::GetImpactResponse {
    let edge = slow_edge(story, seconds);
    let until = story.ended.unwrap_or(now);
    let mut tally = Tally::default();
    let within = |second: &&pb::RecordedSecond| {
        (story.began.as_second()..=until.as_second()).contains(&second.unix_seconds)
    };
    for second in seconds.iter().filter(within) {
        second.counts.iter().for_each(|counts| tally.count(story, second.unix_seconds, counts, edge));
    }
    let (failures_before, slow_before) = before(story, edge);
    let (failures, baseline) = excess(&tally.failures, failures_before);
    let mut journeys: Vec<pb::JourneyImpact> = tally
        .journeys
        .iter()
        .map(|(journey, minutes)| pb::JourneyImpact {
            journey: journey.clone(),
            requests: minutes.values().map(|pair| pair.candidate.requests).sum::<f64>() as u64,
            failures: Some(excess(minutes, None).0),
        })
        .collect();
    let estimate = |journey: &pb::JourneyImpact| journey.failures.map_or(0.0, |excess| excess.estimate);
    journeys.sort_by(|a, b| estimate(b).total_cmp(&estimate(a)));
    let at = |second: i64| Timestamp::from_second(second).ok().map(time::to_timestamp);
    pb::GetImpactResponse {
        requests: tally.requests,
        failures: Some(failures),
        slowed: edge.map(|_| excess(&tally.slow, slow_before).0),
        journeys,
        first_failure_time: tally.first.and_then(at),
        last_failure_time: tally.last.and_then(at),
        baseline: baseline.into(),
        through_time: Some(time::to_timestamp(until)),
        affected_sessions: sessions.map(Counted::failed),
        sessions: sessions.map(Counted::seen),
    }
}

/// The bucket above which a request counts as slow: the baseline's p95 before the rollout, else of all of it.
fn slow_edge(story: &Story, seconds: &[pb::RecordedSecond]) -> Option<usize> {
    if let Some(edges) = story.history.edges() {
        return Some(edges.p95());
    }
    let mut all = Histogram::default();
    let counts = seconds.iter().flat_map(|second| &second.counts);
    counts
        .filter(|counts| is_baseline(story, counts))
        .for_each(|c| all.merge(&histogram(c.latency.as_ref())));
    LatencyEdges::of(&all).map(|edges| edges.p95())
}

/// Failures and slow requests among those of the hour before.
fn before(story: &Story, edge: Option<usize>) -> (Option<Share>, Option<Share>) {
    let history = &story.history;
    let share = |events: u64, of: u64| {
        history.is_known().then_some(Share { requests: of as f64, events: events as f64 })
    };
    let slow = edge.and_then(|edge| share(history.latency.above(edge), history.latency.total()));
    (share(history.errors, history.requests), slow)
}

fn is_baseline(story: &Story, counts: &pb::RecordedCounts) -> bool {
    let fleet = &story.analysis.baseline_fleet;
    !fleet.is_empty() && counts.fleet == *fleet && counts.traffic() == pb::TrafficKind::Live
}

// === impl Tally ===

impl Tally {
    fn count(&mut self, story: &Story, second: i64, counts: &pb::RecordedCounts, edge: Option<usize>) {
        let of_users = matches!(counts.traffic(), pb::TrafficKind::Live | pb::TrafficKind::Matched);
        let candidate = counts.fleet == story.analysis.candidate_fleet && of_users;
        if !candidate && !is_baseline(story, counts) {
            return;
        }
        if candidate {
            self.requests += counts.requests;
            if counts.errors > 0 {
                self.first.get_or_insert(second);
                self.last = Some(second);
            }
        }
        let minute = second - second.rem_euclid(MINUTE);
        let add = |minutes: &mut Minutes, requests: u64, events: u64| {
            let pair = minutes.entry(minute).or_default();
            let side = if candidate { &mut pair.candidate } else { &mut pair.baseline };
            side.requests += requests as f64;
            side.events += events as f64;
        };
        add(&mut self.failures, counts.requests, counts.errors);
        if let Some(edge) = edge {
            let latency = histogram(counts.latency.as_ref());
            add(&mut self.slow, latency.total(), latency.above(edge));
        }
        for journey in &counts.journeys {
            let minutes = self.journeys.entry(journey.journey.clone()).or_default();
            add(minutes, journey.requests, journey.errors);
        }
    }
}

/// The candidate's events beyond those that its requests would have had on the baseline, minute by minute, with a
/// normal interval over both binomials; and what the baseline was.
fn excess(minutes: &Minutes, before: Option<Share>) -> (pb::Excess, pb::Baseline) {
    let mut whole = Share::default();
    minutes.values().for_each(|pair| {
        whole.requests += pair.baseline.requests;
        whole.events += pair.baseline.events;
    });
    let events: f64 = minutes.values().map(|pair| pair.candidate.events).sum();
    let (known, baseline) = match (whole.requests > 0.0, before) {
        (true, _) => (whole, pb::Baseline::Live),
        (false, Some(before)) => (before, pb::Baseline::History),
        (false, None) => {
            return (pb::Excess { low: events, estimate: events, high: events }, pb::Baseline::None);
        }
    };
    let usual = known.events / known.requests;
    let (mut expected, mut variance) = (0.0, 0.0);
    for Pair { candidate, baseline } in minutes.values() {
        let weight = baseline.requests + PRIOR_REQUESTS.min(known.requests);
        let rate = (baseline.events + usual * PRIOR_REQUESTS.min(known.requests)) / weight;
        let spread = rate * (1.0 - rate);
        expected += candidate.requests * rate;
        variance += candidate.requests * spread + candidate.requests.powi(2) * spread / weight;
    }
    let half = Z95 * variance.sqrt();
    let within = |value: f64| value.clamp(0.0, events);
    let excess = pb::Excess {
        low: within(events - expected - half),
        estimate: within(events - expected),
        high: within(events - expected + half),
    };
    (excess, baseline)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(pairs: &[(f64, f64, f64, f64)]) -> Minutes {
        let share = |requests, events| Share { requests, events };
        let pair = |&(cn, ck, bn, bk): &_| Pair { candidate: share(cn, ck), baseline: share(bn, bk) };
        (0..).zip(pairs.iter().map(pair)).collect()
    }

    #[test]
    fn an_incident_of_both_sides_is_no_impact() {
        let both = [(1_000.0, 10.0, 9_000.0, 90.0), (1_000.0, 500.0, 9_000.0, 4_500.0)];
        let (found, kind) = excess(&minutes(&both), None);
        assert!(found.estimate < 10.0 && found.low == 0.0, "{found:?}");
        assert_eq!(kind, pb::Baseline::Live);
    }

    #[test]
    fn what_the_candidate_alone_fails_is() {
        let (found, _) = excess(&minutes(&[(1_000.0, 60.0, 9_000.0, 90.0)]), None);
        assert!((found.estimate - 50.0).abs() < 1.0, "{found:?}");
        assert!(found.low > 40.0 && found.high <= 60.0 && found.high > 55.0, "{found:?}");
    }

    #[test]
    fn without_a_baseline_every_failure_counts_unless_history_knows() {
        let alone = minutes(&[(1_000.0, 60.0, 0.0, 0.0)]);
        let (found, kind) = excess(&alone, None);
        assert_eq!((found.low, found.high, kind), (60.0, 60.0, pb::Baseline::None));
        let before = Share { requests: 10_000.0, events: 200.0 };
        let (found, kind) = excess(&alone, Some(before));
        assert!((found.estimate - 40.0).abs() < 0.1, "{found:?}");
        assert_eq!(kind, pb::Baseline::History);
    }
}
