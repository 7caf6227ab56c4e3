//! One stream of traffic and every rule that looks at it.

use std::{sync::Arc, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Analysis, Decision, History, LatencyEdges, LatencyTest, Mixture, Segment, SegmentKind, Settings,
    ratio::ExcessTest, tick::Tick,
};

use super::{
    latencies::Shape,
    minutes::{Minutes, Said, Signal},
    traffic::{Fault, Traffic, World, errors_of},
};

/// A rollout lasts an hour.
pub const LENGTH: u32 = 3_600;
/// α = 1 %.
const LIMIT: f64 = 4.605_170_185_988_091;

/// When each rule decided, in seconds from the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decided {
    /// One check alone: margin 1, no late onset.
    pub method: Option<u32>,
    /// The product with every default.
    pub product: Option<u32>,
    /// The rules over minutes.
    pub minutes: Said,
}

/// One stream.
#[derive(Clone, Debug)]
pub struct Stream {
    traffic: Traffic,
    now: u32,
    product: Analysis,
    by_errors: ExcessTest,
    by_latency: Option<LatencyTest>,
    /// Counts of the minute under way.
    minute: Tick,
    /// By errors, and by latency.
    minutes: Vec<Minutes>,
    /// By errors, then by latency.
    methods: [Option<u32>; 2],
    failed: Option<u32>,
}

/// Ticks to write into, so that nothing is allocated each second.
pub struct Scratch {
    tick: Tick,
    placebo: Tick,
}

// === impl Scratch ===

impl Scratch {
    /// For the default checks.
    pub fn new() -> Self {
        let sized = || Tick::sized(Settings::default().statuses().len(), 0);
        Self { tick: sized(), placebo: sized() }
    }
}

// === impl Stream ===

impl Stream {
    /// A canary of 10 % begins.
    pub fn new(world: World, base: &Arc<Shape>, seed: u64) -> Self {
        let mut traffic = Traffic::new(world, base, seed);
        let history = traffic.history();
        let edges = LatencyEdges::of(&history.latency);
        Self {
            traffic,
            now: 0,
            product: product(history),
            by_errors: ExcessTest::excess_of_requests(1.0, Mixture::plain()),
            by_latency: edges.map(|edges| LatencyTest::new(edges, 0, 0)),
            minute: Tick::sized(0, 0),
            minutes: signals(world.latency).map(|signal| Minutes::new(signal, world.errors)).collect(),
            methods: [None, None],
            failed: None,
        }
    }

    /// The seconds so far.
    pub fn now(&self) -> u32 {
        self.now
    }

    /// The same stream until now, going on with other random numbers.
    pub fn branch(&self, seed: u64) -> Self {
        let mut branch = self.clone();
        branch.traffic.reseed(seed);
        branch
    }

    /// One second.
    pub fn second(&mut self, fault: Option<&Fault>, scratch: &mut Scratch) {
        self.traffic.second(fault, &mut scratch.tick, &mut scratch.placebo);
        self.now += 1;
        let tick = &mut scratch.tick;
        if self.methods[0].is_none() {
            self.by_errors.update(errors_of(tick), 1.0, true);
            self.methods[0] = (self.by_errors.log_e() >= LIMIT).then_some(self.now);
        }
        if let Some(test) = &mut self.by_latency
            && self.methods[1].is_none()
        {
            test.update(&tick.candidate.latency, &tick.baseline.latency, 1.0, true);
            self.methods[1] = (test.log_e() >= LIMIT).then_some(self.now);
        }
        for (sum, side) in
            [(&mut self.minute.candidate, &tick.candidate), (&mut self.minute.baseline, &tick.baseline)]
        {
            sum.requests += side.requests;
            sum.errors += side.errors;
            sum.latency.merge(&side.latency);
        }
        if self.now.is_multiple_of(60) {
            self.minute_is_over();
        }
        if self.failed.is_none() {
            let now = Timestamp::UNIX_EPOCH + Duration::from_secs(u64::from(self.now));
            self.product.tick(tick, Some(&scratch.placebo), Duration::from_secs(1), now);
            let failed = self.product.assess(now).decision == Decision::Fail;
            self.failed = failed.then_some(self.now);
        }
    }

    fn minute_is_over(&mut self) {
        self.minutes.iter_mut().for_each(|of| of.add(&self.minute));
        self.minute.clear();
    }

    /// Goes on until every rule about the signal has decided, or the hour is over. The rules that look each second are
    /// followed for at most `patience` seconds.
    pub fn follow(mut self, fault: &Fault, signal: Signal, patience: u32, scratch: &mut Scratch) -> Decided {
        let until = LENGTH.min(self.now.saturating_add(patience));
        let at = usize::from(signal == Signal::Latency);
        self.minutes.retain(|of| of.signal() == signal);
        let open = |stream: &Self| stream.methods[at].is_none() || stream.failed.is_none();
        while self.now < until && open(&self) || !self.now.is_multiple_of(60) {
            self.second(Some(fault), scratch);
        }
        while self.minutes.iter().any(|of| !of.is_over()) {
            self.traffic.minute(Some(fault), &mut self.minute);
            self.minute_is_over();
        }
        self.decided(signal)
    }

    /// What was decided so far.
    pub fn decided(&self, signal: Signal) -> Decided {
        let minutes =
            self.minutes.iter().find(|of| of.signal() == signal).map(|of| of.said).unwrap_or_default();
        let method = self.methods[usize::from(signal == Signal::Latency)];
        Decided { method, product: self.failed, minutes }
    }
}

fn signals(latency: bool) -> impl Iterator<Item = Signal> {
    std::iter::once(Signal::Errors).chain(latency.then_some(Signal::Latency))
}

/// Every default, and a plan with a step at 100 %, so that the one-sided forms have their weights.
fn product(history: History) -> Analysis {
    let settings = Settings { warm_up: Duration::ZERO, one_sided: true, ..Settings::default() };
    let segment = Segment { index: 1, kind: SegmentKind::Split, share: 0.1, revision: 1, ..Segment::NOWHERE };
    Analysis::new(settings, "new".into(), "old".into(), history, segment, Timestamp::UNIX_EPOCH)
}
