//! What is simulated.

use super::{
    latencies::Slowness,
    minutes::Signal,
    traffic::{Dependence, Fault, World},
};

/// Requests per second.
pub const RATES: [u32; 3] = [10, 100, 1_000];
/// When a late fault begins, in seconds.
pub const LATE: u32 = 1_200;
/// How long the rules of each second are followed where the product is not to decide at all, or the fault lies so little
/// beyond its margin that it hardly can.
const BELOW_THE_MARGIN: u32 = 600;
const NEAR_THE_MARGIN: u32 = 900;

/// A fault, as a case of the table.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// What the rules look at.
    pub signal: Signal,
    /// The fault.
    pub fault: Fault,
    /// Seconds for which the rules of each second are followed.
    pub patience: u32,
    /// The product must never fail it.
    pub harmless: bool,
}

/// Equal versions, and what may become of one of them: from the beginning, and, unless it is harmless, late.
#[derive(Clone, Debug)]
pub struct Family {
    /// The name of the case of equal versions, by errors and by latency.
    pub equal: Vec<(&'static str, Signal)>,
    /// The service, but for its requests per second.
    pub world: World,
    /// The faults.
    pub cases: Vec<Case>,
}

fn errors(name: &'static str, rate: f64) -> Case {
    let fault = Fault::new(rate, Slowness::None);
    Case { name, signal: Signal::Errors, fault, patience: u32::MAX, harmless: false }
}

fn latency(name: &'static str, slowness: Slowness) -> Case {
    let fault = Fault::new(0.01, slowness);
    Case { name, signal: Signal::Latency, fault, patience: u32::MAX, harmless: false }
}

/// Below what the product is to see: its rules are followed for ten minutes.
fn below_the_margin(case: Case) -> Case {
    Case { patience: BELOW_THE_MARGIN, ..case }
}

fn near_the_margin(case: Case) -> Case {
    Case { patience: NEAR_THE_MARGIN, ..case }
}

fn harmless(case: Case) -> Case {
    Case { harmless: true, ..case }
}

/// All of it.
pub fn families() -> Vec<Family> {
    let world =
        |errors: f64, latency: bool, dependence: Dependence| World { rps: 0.0, errors, latency, dependence };
    let dependent = |name: &'static str, dependence| Family {
        equal: vec![(name, Signal::Errors)],
        world: world(0.01, false, dependence),
        cases: Vec::new(),
    };
    vec![
        Family {
            equal: vec![("equal, 0.1 % errors", Signal::Errors)],
            world: world(0.001, false, Dependence::None),
            cases: vec![
                errors("errors 0.1 → 1 %", 0.01),
                errors("errors 0.1 → 10 %", 0.1),
                harmless(errors("errors 0.10 → 0.12 %", 0.0012)),
            ],
        },
        Family {
            equal: vec![("equal, 1 % errors", Signal::Errors), ("equal latency", Signal::Latency)],
            world: world(0.01, true, Dependence::None),
            cases: vec![
                errors("errors 1 → 2 %", 0.02),
                errors("errors 1 → 5 %", 0.05),
                harmless(latency("latency +2 %", Slowness::All(1.02))),
                below_the_margin(latency("latency +10 %", Slowness::All(1.1))),
                below_the_margin(latency("latency +25 %", Slowness::All(1.25))),
                near_the_margin(latency("latency +50 %", Slowness::All(1.5))),
                latency("latency +75 %", Slowness::All(1.75)),
                latency("latency +100 %", Slowness::All(2.0)),
                near_the_margin(latency("above p95 +50 %", Slowness::Tail(1.5))),
                latency("above p95 +100 %", Slowness::Tail(2.0)),
                near_the_margin(latency("2 % of requests × 3", Slowness::Some(0.02, 3.0))),
            ],
        },
        dependent("equal, retries in clumps of 3", Dependence::Clumps),
        dependent("equal, instances' moods, cv 0.3", Dependence::Moods(0.3)),
        dependent("equal, instances' moods, cv 1", Dependence::Moods(1.0)),
        dependent("equal, common bursts, cv 2", Dependence::Common(2.0)),
    ]
}

// === impl Family ===

impl Family {
    /// The faults that may begin at this second.
    pub fn faults(&self, onset: u32) -> impl Iterator<Item = &Case> {
        let begins = move |case: &&Case| onset == 0 || (onset == LATE && !case.harmless);
        self.cases.iter().filter(begins)
    }
}
