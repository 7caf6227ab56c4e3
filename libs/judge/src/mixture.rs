//! A mixture of likelihood-ratio processes over a grid of alternatives, with late onset.

use serde::{Deserialize, Serialize};

use crate::math::{ln_add_exp, log_sum_exp};

/// The log of a weight that is practically zero, finite so that it survives every serialisation.
const NOTHING: f64 = -1e300;

/// One e-process: the equal-weight mixture over `J` alternatives.
///
/// `L_j` is the summed log factor of alternative j, so that E = (1/J) Σ e^{L_j}.
///
/// With late onset (Shiryaev–Roberts recursion) a second set `A_j` starts a new bet at every second of the
/// time box of S seconds: M = (1/J) Σ [½·e^{L_j} + A_j/(2S)], A_j ← A_j·e^{f}. It is a mixture over start
/// times, hence still an e-process; it costs ln 2 for a fault that is there from the beginning and is
/// several times faster for one that appears later. The share of bets that are not yet placed, (S−t)⁺/(2S),
/// is dropped: smaller, so still valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture<const J: usize> {
    sums: [f64; J],
    late: Option<Late<J>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Late<const J: usize> {
    /// ln A_j
    logs: [f64; J],
    /// S, in seconds
    horizon: u32,
    /// bets placed so far, at most `horizon`
    placed: u32,
}

/// What a [`Mixture`] becomes on disk.
#[derive(Serialize, Deserialize)]
struct Row {
    sums: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    late: Option<LateRow>,
}

#[derive(Serialize, Deserialize)]
struct LateRow {
    logs: Vec<f64>,
    horizon: u32,
    placed: u32,
}

// === impl Mixture ===

impl<const J: usize> Mixture<J> {
    /// E = 1, without late onset (PASS and WARN tests).
    pub fn plain() -> Self {
        Self { sums: [0.0; J], late: None }
    }

    /// E = ½ (the other half waits for later starts), with late onset over `horizon` seconds, at most a day.
    /// A horizon of zero means no late onset.
    pub fn late(horizon: u32) -> Self {
        let late = Late { logs: [NOTHING; J], horizon: horizon.min(86_400), placed: 0 };
        Self { sums: [0.0; J], late: (horizon > 0).then_some(late) }
    }

    /// Multiplies alternative j by e^{factors[j]}. `new_second` says that this is the first tick of a second of
    /// baked time; it must not depend on what the tick contains.
    pub fn update(&mut self, factors: &[f64; J], new_second: bool) {
        if let Some(late) = &mut self.late {
            late.update(factors, new_second);
        }
        for (sum, factor) in self.sums.iter_mut().zip(factors) {
            *sum += factor;
        }
    }

    /// Places the bet of a new second when a tick carries no information (every factor is 0).
    pub fn idle(&mut self, new_second: bool) {
        if let Some(late) = &mut self.late
            && new_second
        {
            late.place();
        }
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        let plain = log_sum_exp(self.sums.iter().copied()) - (J as f64).ln();
        match &self.late {
            None => plain,
            Some(late) => late.log_e(plain),
        }
    }

    /// Σ of the log factors, by alternative.
    pub fn sums(&self) -> &[f64; J] {
        &self.sums
    }

    /// Lowers ln E to `most` where it is above it. Evidence is only thrown away, therefore valid: what crossed its
    /// limit long ago can be seen to end.
    pub fn cap(&mut self, most: f64) {
        let over = self.log_e() - most;
        if over > 0.0 {
            self.sums.iter_mut().for_each(|sum| *sum -= over);
            if let Some(late) = &mut self.late {
                late.logs.iter_mut().for_each(|log| *log = (*log - over).max(NOTHING));
            }
        }
    }

    /// Starts again at the value of a fresh process. Only ever lowers what was collected, therefore valid.
    pub fn reset(&mut self) {
        self.sums = [0.0; J];
        if let Some(late) = &mut self.late {
            late.logs = [NOTHING; J];
        }
    }
}

impl<const J: usize> Late<J> {
    fn place(&mut self) {
        if self.placed < self.horizon {
            self.placed += 1;
            for log in &mut self.logs {
                *log = ln_add_exp(*log, 0.0);
            }
        }
    }

    fn update(&mut self, factors: &[f64; J], new_second: bool) {
        if new_second {
            self.place();
        }
        if self.placed > 0 {
            for (log, factor) in self.logs.iter_mut().zip(factors) {
                *log = (*log + factor).max(NOTHING);
            }
        }
    }

    fn log_e(&self, plain: f64) -> f64 {
        let late = log_sum_exp(self.logs.iter().copied()) - (J as f64).ln() - f64::from(self.horizon).ln();
        ln_add_exp(plain, late) - std::f64::consts::LN_2
    }
}

impl<const J: usize> Serialize for Mixture<J> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let late = self.late.as_ref().map(|late| LateRow {
            logs: late.logs.to_vec(),
            horizon: late.horizon,
            placed: late.placed,
        });
        Row { sums: self.sums.to_vec(), late }.serialize(serializer)
    }
}

impl<'de, const J: usize> Deserialize<'de> for Mixture<J> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let row = Row::deserialize(deserializer)?;
        let grid = |values: Vec<f64>| {
            <[f64; J]>::try_from(values)
                .map_err(|v| serde::de::Error::invalid_length(v.len(), &"the grid's length"))
        };
        let late = match row.late {
            None => None,
            Some(late) => Some(Late { logs: grid(late.logs)?, horizon: late.horizon, placed: late.placed }),
        };
        Ok(Self { sums: grid(row.sums)?, late })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_process_is_at_most_one() {
        assert_eq!(Mixture::<24>::plain().log_e(), 0.0);
        assert!((Mixture::<24>::late(600).log_e() + std::f64::consts::LN_2).abs() < 1e-12);
    }

    #[test]
    fn bets_are_placed_once_a_second_and_never_past_the_horizon() {
        let mut mixture = Mixture::<2>::late(3);
        for _ in 0..10 {
            mixture.update(&[0.0; 2], true);
            mixture.update(&[0.0; 2], false);
        }
        // all three bets placed, nothing learned: ½ + 3/(2·3) = 1
        assert!(mixture.log_e().abs() < 1e-12);
    }

    #[test]
    fn survives_serialisation() {
        let mut mixture = Mixture::<3>::late(60);
        mixture.update(&[0.1, -0.2, 3.0], true);
        let text = serde_json::to_string(&mixture).unwrap();
        assert_eq!(serde_json::from_str::<Mixture<3>>(&text).unwrap(), mixture);
        assert!(serde_json::from_str::<Mixture<4>>(&text).is_err());
    }
}
