//! Declared journeys that are tried at the versions: their runs are a check of their own, and how they stand may hold PASS back.
//!
//! A run is one trial that fails or not. Where the same probe reaches both versions, one run at each makes a tick of the
//! comparison of proportions; what both share (a network that is down) cancels. Where it reaches the candidate alone, its runs
//! are tested against the threshold that was fixed at the start. Either form has a weight of its own.

use serde::{Deserialize, Serialize};

use super::Analysis;
use crate::{
    check::{Body, Check},
    proportion::Proportion,
    ratio::Comparison,
    readings::hash,
    tick::Side,
};

/// Probes that are told apart; of more, those that are new count as red when they are.
const PROBES: usize = 64;
/// Runs of one probe follow each other and share what is wrong around them: seen of the candidate alone, where nothing cancels,
/// they count half at most, as the least dispersion where none can be measured.
const LEAST_DISPERSION: f64 = 2.0;

/// A run of a probe, as the judge takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeRun<'a> {
    /// The probe's id.
    pub probe: &'a str,
    /// The version that was reached.
    pub side: Side,
    /// It was not as expected.
    pub failed: bool,
    /// The probe reaches the baseline as well in this segment: its runs are compared.
    pub compared: bool,
}

/// How the probes stand, by the hashes of their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Probes {
    known: Vec<(u64, bool)>,
    /// One that there was no room for was red.
    overflowed: bool,
    /// The last run at each version that was not compared yet, by probe: whether it failed.
    #[serde(default)]
    waiting: Vec<(u64, [Option<bool>; 2])>,
    /// Runs at the candidate in the segment.
    #[serde(default)]
    runs: u64,
    /// What was taken in the segment: comparisons, and runs at the candidate alone.
    #[serde(default)]
    taken: [bool; 2],
}

// === impl Probes ===

impl Probes {
    fn tell(&mut self, id: &str, green: bool) {
        let id = hash(&[id]);
        if let Some((_, known)) = self.known.iter_mut().find(|(known, _)| *known == id) {
            *known = green;
        } else if self.known.len() < PROBES {
            self.known.push((id, green));
        } else {
            self.overflowed |= !green;
        }
    }

    fn forget(&mut self, id: &str) {
        let id = hash(&[id]);
        self.known.retain(|(known, _)| *known != id);
        self.waiting.retain(|(known, _)| *known != id);
    }

    /// The tick that a run completes; None: it waits for one at the other version.
    fn pair(&mut self, run: &ProbeRun<'_>) -> Option<Comparison> {
        let id = hash(&[run.probe]);
        let at = match self.waiting.iter().position(|(known, _)| *known == id) {
            Some(at) => at,
            None if self.waiting.len() < PROBES => {
                self.waiting.push((id, [None; 2]));
                self.waiting.len() - 1
            }
            None => return None,
        };
        let (_, waiting) = self.waiting.get_mut(at)?;
        let [candidate, baseline] = waiting;
        match run.side {
            Side::Candidate => *candidate = Some(run.failed),
            Side::Baseline => *baseline = Some(run.failed),
        }
        let (kc, kb) = (*candidate).zip(*baseline)?;
        *waiting = [None; 2];
        Some(Comparison { kc: count(kc), ec: 1.0, kb: count(kb), eb: 1.0 })
    }

    /// Whether there are any.
    pub fn any(&self) -> bool {
        !self.known.is_empty()
    }

    /// Whether all are green.
    pub fn all_green(&self) -> bool {
        !self.overflowed && self.known.iter().all(|(_, green)| *green)
    }

    /// Whether any has reached the candidate in the segment.
    pub fn have_run(&self) -> bool {
        self.runs > 0
    }

    /// Runs at the candidate in the segment.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// ln E for PASS of their check in the segment, by the forms that it was told of: of both, the lesser. None before any.
    pub fn log_pass(&self, check: &Proportion) -> Option<f64> {
        let [compared, alone] = self.taken;
        let compared = compared.then(|| check.log_pass_live());
        let alone = alone.then(|| check.log_pass_alone()).flatten();
        match (compared, alone) {
            (Some(compared), Some(alone)) => Some(compared.min(alone)),
            (one, None) | (None, one) => one,
        }
    }

    /// A new segment: each must be tried again.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

fn count(failed: bool) -> f64 {
    f64::from(u8::from(failed))
}

// === impl Analysis ===

impl Analysis {
    /// How a probe of the candidate ended, where PASS waits for it: matters where the settings let a step pass by policy.
    pub fn probed(&mut self, id: &str, green: bool) {
        self.probes.tell(id, green);
    }

    /// Takes a run of a probe as evidence. Nothing where no probe was declared at the start, or after FAIL.
    pub fn tried(&mut self, run: ProbeRun<'_>) {
        if self.failed.is_some() {
            return;
        }
        if run.side == Side::Candidate {
            self.probes.runs += 1;
        }
        if run.compared {
            let Some(tick) = self.probes.pair(&run) else { return };
            self.probes.taken[0] = true;
            let temper = self.temper();
            self.of_probes(|check| check.compare_counts(tick, temper, true, true));
        } else if run.side == Side::Candidate {
            self.probes.taken[1] = true;
            let (temper, frozen) = (self.temper_alone().min(1.0 / LEAST_DISPERSION), self.common);
            let tick = (count(run.failed), 1.0);
            self.of_probes(|check| check.observe_counts(tick, temper, true, !frozen, frozen));
        }
    }

    fn of_probes(&mut self, take: impl Fn(&mut Proportion)) {
        let of = |check: &mut Check| match &mut check.body {
            Body::Proportion(proportion) if proportion.is_of_probes() => take(proportion),
            _ => {}
        };
        self.checks.iter_mut().for_each(of);
    }

    /// A probe is made no more.
    pub fn forget_probe(&mut self, id: &str) {
        self.probes.forget(id);
    }

    /// Whether the candidate has had requests in the segment: whoever reaches the target where all traffic goes to the candidate
    /// then reaches the candidate.
    pub fn is_used(&self) -> bool {
        self.progress.requests > 0
    }

    /// Whether policy may pass the segment: the minimum is over, the candidate was used or probed, and nothing failed.
    pub(super) fn may_pass_by_policy(&self) -> bool {
        self.settings.pass_by_policy
            && self.progress.observed >= self.segment().min
            && self.progress.errors == 0
            && self.probes.all_green()
            && (self.probes.any() || self.progress.requests >= self.segment().least_requests())
    }
}
