//! Runs the streams.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use super::{
    cases::{Family, LATE},
    latencies::{Shape, Slowness},
    stream::{Decided, LENGTH, Scratch, Stream},
    traffic::{Dependence, World},
};

/// What became of the streams of one case.
#[derive(Clone, Debug)]
pub struct Outcomes {
    /// The case.
    pub case: String,
    /// Requests per second.
    pub rps: u32,
    /// When the fault began; None: there was none.
    pub onset: Option<u32>,
    /// The product must never fail it.
    pub harmless: bool,
    /// Its requests depend on each other.
    pub dependent: bool,
    /// One for each stream.
    pub decided: Vec<Decided>,
}

/// Every case of a family at one rate.
pub fn run(family: &Family, rps: u32, streams: u32) -> Vec<Outcomes> {
    let world = World { rps: f64::from(rps), ..family.world };
    let next = AtomicU32::new(0);
    let all = Mutex::new(empty(family, rps));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut scratch = Scratch::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= streams {
                        return;
                    }
                    let found = one(family, world, u64::from(seed), &mut scratch);
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.iter_mut().zip(found).for_each(|(of, decided)| of.decided.push(decided));
                }
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Equal versions first, then each fault from the beginning, then each late.
fn empty(family: &Family, rps: u32) -> Vec<Outcomes> {
    let dependent = family.world.dependence != Dependence::None;
    let of = |case: &str, onset, harmless| Outcomes {
        case: case.to_owned(),
        rps,
        onset,
        harmless,
        dependent,
        decided: vec![],
    };
    let mut all: Vec<Outcomes> = family.equal.iter().map(|(name, _)| of(name, None, false)).collect();
    for onset in [0, LATE] {
        all.extend(family.faults(onset).map(|case| of(case.name, Some(onset), case.harmless)));
    }
    all
}

/// One stream of equal versions, and what becomes of it under each fault.
fn one(family: &Family, world: World, seed: u64, scratch: &mut Scratch) -> Vec<Decided> {
    let base = Arc::new(Shape::of(Slowness::None));
    let mut stream = Stream::new(world, &base, seed);
    let mut faults = Vec::new();
    while stream.now() < LENGTH {
        if stream.now() == 0 || stream.now() == LATE {
            for (index, case) in family.faults(stream.now()).enumerate() {
                let seed = seed ^ ((index as u64 + 1) << 32) ^ (u64::from(stream.now()) << 40);
                let branch = stream.branch(seed);
                faults.push(branch.follow(&case.fault, case.signal, case.patience, scratch));
            }
        }
        stream.second(None, scratch);
    }
    let mut all: Vec<Decided> = family.equal.iter().map(|(_, signal)| stream.decided(*signal)).collect();
    all.append(&mut faults);
    all
}
