//! Traffic of ten instances, one of which is the candidate: second by second, and minute by minute where nobody looks
//! closer.

use std::{sync::Arc, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Canaries, History,
    ratio::Comparison,
    sim::Random,
    tick::{Counts, Tick},
};

use super::latencies::{Shape, Slowness};

/// Instances, the candidate's included.
const INSTANCES: usize = 10;
/// How long stable has served before the rollout, in minutes: the shorter, the less sure is φ, which is never below 1.
const BEFORE: u64 = 360;
/// A mood lasts so long, in seconds.
const MOOD: f64 = 60.0;
/// Mean size of a clump of retries.
const CLUMP: f64 = 3.0;

/// What errors depend on, beside the version.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dependence {
    /// Nothing.
    None,
    /// A request that fails is tried again at once, three attempts on average, and each counts.
    Clumps,
    /// Each instance's rate is another in each minute, with this coefficient of variation.
    Moods(f64),
    /// The common rate is another in each minute.
    Common(f64),
}

/// A simulated service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct World {
    /// Requests per second to all instances.
    pub rps: f64,
    /// The baseline's error rate.
    pub errors: f64,
    /// Whether latencies are simulated.
    pub latency: bool,
    /// What errors depend on.
    pub dependence: Dependence,
}

/// What is wrong with the candidate.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Its error rate.
    pub errors: f64,
    /// Its latencies.
    pub shape: Shape,
}

/// The traffic of one stream.
#[derive(Clone, Debug)]
pub struct Traffic {
    world: World,
    base: Arc<Shape>,
    random: Random,
    /// Of each instance, the candidate's first; and of all.
    moods: [f64; INSTANCES],
    common: f64,
    /// Seconds until the next change.
    until: f64,
}

// === impl World ===

impl World {
    /// Of each second and instance.
    fn per_instance(&self) -> f64 {
        self.rps / INSTANCES as f64
    }
}

// === impl Traffic ===

impl Traffic {
    /// Begins somewhere within a mood.
    pub fn new(world: World, base: &Arc<Shape>, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let until = random.uniform() * MOOD;
        let mut traffic =
            Self { world, base: base.clone(), random, moods: [1.0; INSTANCES], common: 1.0, until: 0.0 };
        traffic.change();
        traffic.until = until;
        traffic
    }

    /// Goes on with other random numbers.
    pub fn reseed(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    /// What was known before the rollout, dispersion included.
    pub fn history(&mut self) -> History {
        let (mut canaries, mut history) = (Canaries::default(), History::default());
        let mut now = Timestamp::UNIX_EPOCH;
        let names: Vec<String> = (0..INSTANCES).map(|i| format!("b{i}")).collect();
        for _ in 0..BEFORE {
            let mean = 60.0 * self.world.per_instance();
            for (index, name) in names.iter().enumerate() {
                let requests = self.random.poisson(mean);
                let errors = self.errors(requests, self.world.errors, index);
                canaries.count(name, &Counts { requests, errors, ..Counts::default() }, now);
                history.requests += requests;
                history.errors += errors;
            }
            self.pass(60.0);
            now += Duration::from_secs(60);
        }
        canaries.turn(now);
        if self.world.latency {
            self.base.draw(1_000.0 * self.world.rps.min(1_000.0), &mut history.latency, &mut self.random);
        }
        history.dispersion = canaries.phi();
        history.dispersion_over_time = canaries.phi_over_time();
        history
    }

    /// One second: both sides, and the baseline once more as the placebo's group (one instance) and the rest.
    pub fn second(&mut self, fault: Option<&Fault>, tick: &mut Tick, placebo: &mut Tick) {
        tick.clear();
        placebo.clear();
        let each = self.world.per_instance();
        let base = self.base.clone();
        let base = self.world.latency.then_some(&*base);
        let shape = fault.map_or(base, |fault| base.map(|_| &fault.shape));
        let rate = fault.map_or(self.world.errors, |fault| fault.errors);
        self.instances(0..1, each, shape, rate, &mut tick.candidate);
        self.instances(1..2, each, base, self.world.errors, &mut placebo.candidate);
        self.instances(2..INSTANCES, each, base, self.world.errors, &mut placebo.baseline);
        for part in [&placebo.candidate, &placebo.baseline] {
            tick.baseline.requests += part.requests;
            tick.baseline.errors += part.errors;
            tick.baseline.latency.merge(&part.latency);
        }
        self.pass(1.0);
    }

    /// A minute of both sides.
    pub fn minute(&mut self, fault: Option<&Fault>, tick: &mut Tick) {
        tick.clear();
        let each = 60.0 * self.world.per_instance();
        let base = self.base.clone();
        let base = self.world.latency.then_some(&*base);
        let shape = fault.map_or(base, |fault| base.map(|_| &fault.shape));
        let rate = fault.map_or(self.world.errors, |fault| fault.errors);
        self.instances(0..1, each, shape, rate, &mut tick.candidate);
        self.instances(1..INSTANCES, each, base, self.world.errors, &mut tick.baseline);
        self.pass(60.0);
    }

    /// Requests of some instances that share a rate, `mean` of each.
    fn instances(
        &mut self,
        which: std::ops::Range<usize>,
        mean: f64,
        shape: Option<&Shape>,
        rate: f64,
        counts: &mut Counts,
    ) {
        let all = mean * which.len() as f64;
        counts.requests = match shape {
            Some(shape) => shape.draw(all, &mut counts.latency, &mut self.random),
            None => self.random.poisson(all),
        };
        if !matches!(self.world.dependence, Dependence::Moods(_)) {
            counts.errors = self.errors(counts.requests, rate, which.start);
            return;
        }
        // each has a mood of its own, and its part of the requests
        let mut left = counts.requests;
        for index in which.clone() {
            let others = (which.end - index) as f64;
            let own = if others > 1.0 { self.random.binomial(left, 1.0 / others) } else { left };
            left -= own;
            counts.errors += self.errors(own, rate, index);
        }
    }

    fn errors(&mut self, requests: u64, rate: f64, instance: usize) -> u64 {
        match self.world.dependence {
            Dependence::None => self.random.binomial(requests, rate),
            Dependence::Moods(_) => {
                let mood = self.moods.get(instance).copied().unwrap_or(1.0);
                self.random.binomial(requests, (rate * mood).min(1.0))
            }
            Dependence::Common(_) => self.random.binomial(requests, (rate * self.common).min(1.0)),
            Dependence::Clumps => {
                let clumps = self.random.binomial(requests, rate / CLUMP);
                let attempts = (0..clumps).map(|_| self.clump()).sum::<u64>();
                attempts.min(requests)
            }
        }
    }

    /// Geometric from 1 on.
    fn clump(&mut self) -> u64 {
        let uniform = 1.0 - self.random.uniform();
        1 + (uniform.ln() / (1.0 - 1.0 / CLUMP).ln()) as u64
    }

    fn pass(&mut self, seconds: f64) {
        self.until -= seconds;
        if self.until <= 0.0 {
            self.until += MOOD;
            self.change();
        }
    }

    fn change(&mut self) {
        match self.world.dependence {
            Dependence::Moods(cv) => {
                let random = &mut self.random;
                self.moods = std::array::from_fn(|_| random.gamma(cv.powi(-2), 1.0));
            }
            Dependence::Common(cv) => self.common = self.random.gamma(cv.powi(-2), 1.0),
            Dependence::None | Dependence::Clumps => {}
        }
    }
}

/// One tick as a comparison of errors.
pub fn errors_of(tick: &Tick) -> Comparison {
    Comparison {
        kc: tick.candidate.errors as f64,
        ec: tick.candidate.requests as f64,
        kb: tick.baseline.errors as f64,
        eb: tick.baseline.requests as f64,
    }
}

// === impl Fault ===

impl Fault {
    /// What is wrong with its error rate and its latencies.
    pub fn new(errors: f64, slowness: Slowness) -> Self {
        Self { errors, shape: Shape::of(slowness) }
    }
}
