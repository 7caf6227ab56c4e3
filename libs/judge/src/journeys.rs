//! Requests that belong together for the user: who carries the excess, and are the critical ones well?

use serde::{Deserialize, Serialize};

use crate::{
    Mixture,
    one_sided::AboveTest,
    ratio::Comparison,
    settings::{CRITICAL_JOURNEY_LIMIT, Settings},
    tick::{Counts, Tick},
};

/// At most so many journeys are named.
const NAMED: usize = 5;

/// All journeys of an analysis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Journeys(Vec<JourneyState>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JourneyState {
    /// Its id.
    pub id: String,
    /// All counts so far.
    pub total: Comparison,
    /// "More than 5 % of it fail", of critical ones.
    critical: Option<AboveTest>,
}

// === impl Journeys ===

impl Journeys {
    /// Those of the settings.
    pub fn new(settings: &Settings) -> Self {
        let horizon = settings.horizon_seconds();
        let state = |journey: &crate::settings::Journey| JourneyState {
            id: journey.id.clone(),
            total: Comparison::default(),
            critical: journey
                .critical
                .then(|| AboveTest::new(CRITICAL_JOURNEY_LIMIT, Mixture::late(horizon))),
        };
        Self(settings.journeys.iter().map(state).collect())
    }

    /// A tick of both sides, or of the candidate alone when the baseline's counts are zero. `frozen`: it is no
    /// evidence against the candidate.
    pub fn update(&mut self, tick: &Tick, temper: f64, second: bool, frozen: bool) {
        for (index, journey) in self.0.iter_mut().enumerate() {
            let (kc, ec) = errors(&tick.candidate, index);
            let (kb, eb) = errors(&tick.baseline, index);
            journey.total.add(Comparison { kc, ec, kb, eb });
            if let Some(test) = &mut journey.critical
                && !frozen
            {
                test.update(kc, ec, temper, second);
            }
        }
    }

    /// Forgets what was collected against critical ones.
    pub fn forgive(&mut self) {
        for test in self.0.iter_mut().filter_map(|journey| journey.critical.as_mut()) {
            test.reset();
        }
    }

    /// The critical ones: their states, and ln E of "more than 5 % of it fail".
    pub fn critical(&self) -> impl Iterator<Item = (&JourneyState, f64)> + Clone {
        self.0.iter().filter_map(|journey| journey.critical.as_ref().map(|test| (journey, test.log_e())))
    }

    /// The journeys that carry the excess of errors, the largest first, at most 5: those with more errors than
    /// the baseline's rate explains, and at least a tenth of the largest such excess.
    pub fn excess(&self) -> Vec<&str> {
        let mut by_excess: Vec<(&str, f64)> =
            self.0.iter().map(|j| (j.id.as_str(), j.excess())).filter(|(_, excess)| *excess >= 1.0).collect();
        by_excess.sort_by(|a, b| b.1.total_cmp(&a.1));
        let least = by_excess.first().map_or(0.0, |(_, largest)| largest / 10.0);
        by_excess.into_iter().filter(|(_, excess)| *excess >= least).take(NAMED).map(|(id, _)| id).collect()
    }
}

// === impl JourneyState ===

impl JourneyState {
    fn excess(&self) -> f64 {
        let Comparison { kc, ec, kb, eb } = self.total;
        let expected = if eb > 0.0 { ec * kb / eb } else { 0.0 };
        kc - expected
    }
}

fn errors(counts: &Counts, index: usize) -> (f64, f64) {
    counts.journeys.get(index).map_or((0.0, 0.0), |(requests, errors)| (*errors as f64, *requests as f64))
}
