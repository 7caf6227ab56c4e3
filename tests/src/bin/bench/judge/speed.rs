//! What one update of one check costs.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Analysis, Histogram, History, Segment, SegmentKind, Settings,
    settings::{CheckSpec, Preset},
    sim::Random,
    tick::Tick,
};

use super::latencies::{Shape, Slowness};

const UPDATES: u32 = 2_000;
const ROUNDS: u64 = 40;

/// Microseconds of one tick with its decision, for an analysis of the checks with these ids (none: the defaults): the
/// round that was disturbed least.
pub fn update_micros(ids: &[&str], clock: impl Fn() -> Timestamp) -> f64 {
    (0..ROUNDS).map(|round| measure(ids, round, &clock)).fold(f64::INFINITY, f64::min)
}

fn measure(ids: &[&str], seed: u64, clock: &impl Fn() -> Timestamp) -> f64 {
    let (mut random, shape) = (Random::new(seed), Shape::of(Slowness::None));
    let mut latency = Histogram::default();
    shape.draw(100_000.0, &mut latency, &mut random);
    let history =
        History { requests: 100_000, errors: 1_000, latency, dispersion: Some(1.0), ..History::default() };
    let wanted = |check: &CheckSpec| ids.is_empty() || ids.contains(&check.id.as_str());
    let checks: Vec<CheckSpec> = Preset::Web.checks().into_iter().filter(wanted).collect();
    let settings = Settings { checks, warm_up: Duration::ZERO, one_sided: true, ..Settings::default() };
    let statuses = settings.statuses().len();
    let segment = Segment { index: 1, kind: SegmentKind::Split, share: 0.1, revision: 1, ..Segment::NOWHERE };
    let mut now = Timestamp::UNIX_EPOCH;
    let mut analysis = Analysis::new(settings, "new".into(), "old".into(), history, segment, now);
    // different ticks, made before the clock runs
    let mut ticks: Vec<Tick> = (0..64).map(|_| tick(statuses, &shape, &mut random)).collect();
    let began = clock();
    for (index, _) in (0..UPDATES).enumerate() {
        now += Duration::from_millis(100);
        let at = index % ticks.len();
        if let Some(tick) = ticks.get_mut(at) {
            analysis.tick(tick, None, Duration::from_millis(100), now);
        }
        std::hint::black_box(analysis.assess(now));
    }
    clock().duration_since(began).as_secs_f64() * 1e6 / f64::from(UPDATES)
}

fn tick(statuses: usize, shape: &Shape, random: &mut Random) -> Tick {
    let mut tick = Tick::sized(statuses, 0);
    for (side, mean) in [(&mut tick.candidate, 10.0), (&mut tick.baseline, 90.0)] {
        side.requests = shape.draw(mean, &mut side.latency, random);
        side.errors = random.binomial(side.requests, 0.01);
    }
    tick
}
