//! The running placebo: the same process on a group of baseline instances against the rest of them.
//!
//! No version differs between the two, so that evidence for a difference says that the environment is unstable: an
//! instance is ill, a network partition, neighbours that steal time. Once it has crossed 1/α, FAIL needs
//! ln E − max ln E_placebo ≥ ln 1/α.
//!
//! The group is chosen by a hash of the instances' ids (random as far as anything that happens is concerned, and the
//! same after a restart), and is as large as the candidate, at most half of the baseline. With one baseline instance
//! there is no placebo.

use serde::{Deserialize, Serialize};

use crate::{
    check::{Body, Check},
    latency::LatencyTest,
    math::log_sum_exp,
    mixture::Mixture,
    one_sided::AboveTest,
    proportion::{Measure, Proportion},
    ratio::{Comparison, ExcessTest},
    readings::hash,
    settings::Settings,
    tick::{Part, Side, Tick},
};

/// Instances that are told apart; of more, those that are new belong to the rest.
const INSTANCES: usize = 64;

/// The evidence that the baseline differs from itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placebo {
    group: Group,
    tests: Vec<(f64, Test)>,
    /// max ln E so far; None before anything was compared.
    highest: Option<f64>,
}

/// Which instances are where, by the hashes of their ids, ascending.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Group {
    salt: String,
    baseline: Vec<u64>,
    candidate: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Test {
    Proportion(Box<ProportionTest>),
    Latency(Box<LatencyTest>),
}

/// What makes a check of a proportion FAIL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ProportionTest {
    measure: Measure,
    ratio: ExcessTest,
    absolute: AboveTest,
}

// === impl Placebo ===

impl Placebo {
    /// The comparisons of these checks, with their weights. `salt` makes the choice of the group.
    pub(crate) fn new(settings: &Settings, checks: &[Check], salt: &str) -> Self {
        let horizon = settings.horizon_seconds();
        let of = |check: &Check| {
            let test = match &check.body {
                // its runs reach the baseline as a whole, not a group of its instances
                Body::Proportion(proportion) if proportion.is_of_probes() => return None,
                Body::Proportion(proportion) => {
                    Test::Proportion(Box::new(ProportionTest::of(proportion, horizon)))
                }
                Body::Latency(latency) => Test::Latency(Box::new(latency.fresh_test()?)),
                Body::TrafficShare | Body::Count(_) | Body::Gauge(_) | Body::Saturation(_) => return None,
            };
            (check.weight_live > 0.0).then(|| (check.weight_live.ln(), test))
        };
        let group = Group { salt: salt.to_owned(), ..Group::default() };
        Self { group, tests: checks.iter().filter_map(of).collect(), highest: None }
    }

    /// Which side of the placebo a baseline instance is on; None for one of the candidate, which is only noted.
    pub(crate) fn side(&mut self, side: Side, instance: &str) -> Option<Side> {
        self.group.side(side, instance)
    }

    /// One tick of the group (as candidate) and the rest (as baseline).
    pub(crate) fn update(&mut self, part: Part, tick: &Tick, temper: f64, second: bool) {
        if tick.candidate.counted(part) == 0 || tick.baseline.counted(part) == 0 {
            return;
        }
        for (_, test) in self.tests.iter_mut().filter(|(_, test)| test.is_about(part)) {
            test.update(tick, temper, second);
        }
        let log_e = self.log_e();
        self.highest = Some(self.highest.map_or(log_e, |highest| highest.max(log_e)));
    }

    fn log_e(&self) -> f64 {
        log_sum_exp(self.tests.iter().map(|(weight, test)| weight + test.log_e()))
    }

    /// max ln E so far; None before anything was compared.
    pub fn highest(&self) -> Option<f64> {
        self.highest
    }
}

// === impl Group ===

impl Group {
    fn side(&mut self, side: Side, instance: &str) -> Option<Side> {
        let id = hash(&[&self.salt, instance]);
        match side {
            Side::Candidate => {
                note(&mut self.candidate, id);
                None
            }
            Side::Baseline => {
                let at = note(&mut self.baseline, id);
                let size = self.candidate.len().max(1).min(self.baseline.len() / 2);
                Some(if at.is_some_and(|at| at < size) { Side::Candidate } else { Side::Baseline })
            }
        }
    }
}

/// The position of an id among those that are known, noting it while there is room.
fn note(known: &mut Vec<u64>, id: u64) -> Option<usize> {
    match known.binary_search(&id) {
        Ok(at) => Some(at),
        Err(at) if known.len() < INSTANCES => {
            known.insert(at, id);
            Some(at)
        }
        Err(_) => None,
    }
}

// === impl ProportionTest ===

impl ProportionTest {
    fn of(check: &Proportion, horizon: u32) -> Self {
        let limits = check.limits();
        Self {
            measure: check.measure(),
            ratio: ExcessTest::excess_of_requests(limits.margin, Mixture::late(horizon)),
            absolute: AboveTest::new(limits.tolerate, Mixture::late(horizon)),
        }
    }
}

// === impl Test ===

impl Test {
    fn is_about(&self, part: Part) -> bool {
        match part {
            Part::Whole => true,
            Part::Latency => matches!(self, Self::Latency(_)),
            Part::Requests => matches!(self, Self::Proportion(_)),
        }
    }

    fn update(&mut self, tick: &Tick, temper: f64, second: bool) {
        match self {
            Self::Proportion(test) => {
                let (kc, ec) = test.measure.of(&tick.candidate);
                let (kb, eb) = test.measure.of(&tick.baseline);
                test.ratio.update(Comparison { kc, ec, kb, eb }, temper, second);
                test.absolute.update(kc, ec, temper, second);
            }
            Self::Latency(test) => {
                test.update(&tick.candidate.latency, &tick.baseline.latency, temper, second);
            }
        }
    }

    fn log_e(&self) -> f64 {
        match self {
            Self::Proportion(test) => test.ratio.log_e().min(test.absolute.log_e()),
            Self::Latency(test) => test.log_e(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_as_large_as_the_candidate_and_at_most_half() {
        let chosen = |candidates: usize, baseline: usize| {
            let mut group = Group { salt: "r".into(), ..Group::default() };
            for i in 0..candidates {
                group.side(Side::Candidate, &format!("c{i}"));
            }
            (0..baseline).for_each(|i| _ = group.side(Side::Baseline, &format!("b{i}")));
            let of = |i| group.clone().side(Side::Baseline, &format!("b{i}"));
            (0..baseline).filter(|i| of(*i) == Some(Side::Candidate)).count()
        };
        assert_eq!((chosen(1, 9), chosen(3, 9), chosen(9, 9)), (1, 3, 4));
        assert_eq!((chosen(1, 1), chosen(1, 2)), (0, 1));
    }
}
