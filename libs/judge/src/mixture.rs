//! A mixture of likelihood-ratio processes over a grid of alternatives, with late onset.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::math::{ln_add_exp, log_sum_exp};

/// ln of a weight that is practically zero, finite so that it survives every serialisation.
const NOTHING: f64 = -1e300;
/// No A_j grows beyond this: it would overflow, and nobody needs more evidence.
const MOST: f64 = 1e300;

/// One e-process without late onset: the equal-weight mixture over `J` alternatives.
///
/// `L_j` is the summed log factor of alternative j, so that E = (1/J) Σ e^{L_j}.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain<const J: usize> {
    sums: [f64; J],
    /// ln E, kept because it is asked for more often than it changes.
    log_e: f64,
}

/// The same with late onset, where it is wanted.
///
/// With late onset (Shiryaev–Roberts recursion) a second set `A_j` starts a new bet at every second of the
/// time box of S seconds: M = (1/J) Σ [½·e^{L_j} + A_j/(2S)], A_j ← A_j·e^{f}. It is a mixture over start
/// times, hence still an e-process; it costs ln 2 for a fault that is there from the beginning and is
/// several times faster for one that appears later. The share of bets that are not yet placed, (S−t)⁺/(2S),
/// is dropped: smaller, so still valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture<const J: usize> {
    plain: Plain<J>,
    late: Option<Late<J>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Late<const J: usize> {
    /// A_j itself, not its logarithm: a bet that is placed is one addition.
    values: [f64; J],
    /// S, in seconds
    horizon: u32,
    /// bets placed so far, at most `horizon`
    placed: u32,
}

/// What either becomes on disk.
#[derive(Serialize, Deserialize)]
struct Row {
    /// None while all are 0: nothing was learned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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

// === impl Plain ===

impl<const J: usize> Default for Plain<J> {
    /// E = 1.
    fn default() -> Self {
        Self { sums: [0.0; J], log_e: 0.0 }
    }
}

impl<const J: usize> Plain<J> {
    fn of(sums: [f64; J]) -> Self {
        Self { log_e: mean(&sums), sums }
    }

    /// Multiplies alternative j by e^{factors[j]}.
    pub fn update(&mut self, factors: &[f64; J]) {
        self.accumulate(factors);
        self.log_e = mean(&self.sums);
    }

    /// As [`Self::update`] for whoever only looks at [`Self::sums`]: ln E is not kept up to date.
    pub(crate) fn accumulate(&mut self, factors: &[f64; J]) {
        for (sum, factor) in self.sums.iter_mut().zip(factors) {
            *sum += factor;
        }
    }

    /// ln E.
    pub fn log_e(&self) -> f64 {
        self.log_e
    }

    /// Σ of the log factors, by alternative.
    pub fn sums(&self) -> &[f64; J] {
        &self.sums
    }

    /// Lowers ln E to `most` where it is above it. Evidence is only thrown away, therefore valid: what crossed its
    /// limit long ago can be seen to end.
    pub fn cap(&mut self, most: f64) {
        let over = self.log_e - most;
        if over > 0.0 {
            self.lower(over);
        }
    }

    fn lower(&mut self, by: f64) {
        self.sums.iter_mut().for_each(|sum| *sum -= by);
        self.log_e -= by;
    }
}

// === impl Mixture ===

impl<const J: usize> Mixture<J> {
    /// E = 1, without late onset.
    pub fn plain() -> Self {
        Self { plain: Plain::default(), late: None }
    }

    /// E = ½ (the other half waits for later starts), with late onset over `horizon` seconds, at most a day.
    /// A horizon of zero means no late onset.
    pub fn late(horizon: u32) -> Self {
        let late = Late { values: [0.0; J], horizon: horizon.min(86_400), placed: 0 };
        Self { late: (horizon > 0).then_some(late), ..Self::plain() }
    }

    /// Multiplies alternative j by e^{factors[j]}. `new_second` says that this is the first tick of a second of
    /// baked time; it must not depend on what the tick contains.
    pub fn update(&mut self, factors: &[f64; J], new_second: bool) {
        if let Some(late) = &mut self.late {
            late.update(factors, new_second);
        }
        self.plain.update(factors);
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
        match &self.late {
            None => self.plain.log_e,
            Some(late) => late.log_e(self.plain.log_e),
        }
    }

    /// Σ of the log factors, by alternative.
    pub fn sums(&self) -> &[f64; J] {
        &self.plain.sums
    }

    /// As [`Plain::cap`].
    pub fn cap(&mut self, most: f64) {
        let over = self.log_e() - most;
        if over > 0.0 {
            self.plain.lower(over);
            if let Some(late) = &mut self.late {
                late.values.iter_mut().for_each(|value| *value *= (-over).exp());
            }
        }
    }

    /// Starts again at the value of a fresh process. Only ever lowers what was collected, therefore valid.
    pub fn reset(&mut self) {
        self.plain = Plain::default();
        if let Some(late) = &mut self.late {
            late.values = [0.0; J];
        }
    }
}

/// ln of the mean of e^sums.
fn mean<const J: usize>(sums: &[f64; J]) -> f64 {
    log_sum_exp(sums.iter().copied()) - (J as f64).ln()
}

// === impl Late ===

impl<const J: usize> Late<J> {
    fn place(&mut self) {
        if self.placed < self.horizon {
            self.placed += 1;
            self.values.iter_mut().for_each(|value| *value += 1.0);
        }
    }

    fn update(&mut self, factors: &[f64; J], new_second: bool) {
        if new_second {
            self.place();
        }
        for (value, factor) in self.values.iter_mut().zip(factors) {
            *value = (*value * factor.exp()).min(MOST);
        }
    }

    fn log_e(&self, plain: f64) -> f64 {
        let late = self.values.iter().map(|value| value / J as f64).sum::<f64>() / f64::from(self.horizon);
        ln_add_exp(plain, late.ln()) - std::f64::consts::LN_2
    }
}

// === impl Row ===

impl Row {
    fn new(sums: &[f64], late: Option<LateRow>) -> Self {
        let is_fresh = sums.iter().all(|sum| *sum == 0.0);
        Self { sums: if is_fresh { Vec::new() } else { sums.to_vec() }, late }
    }

    fn sums<const J: usize, E: serde::de::Error>(&self) -> Result<[f64; J], E> {
        if self.sums.is_empty() { Ok([0.0; J]) } else { grid(&self.sums) }
    }
}

fn grid<const J: usize, E: serde::de::Error>(values: &[f64]) -> Result<[f64; J], E> {
    values.try_into().map_err(|_| E::invalid_length(values.len(), &"the grid's length"))
}

impl<const J: usize> Serialize for Plain<J> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Row::new(&self.sums, None).serialize(serializer)
    }
}

impl<'de, const J: usize> Deserialize<'de> for Plain<J> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Row::deserialize(deserializer)?.sums().map(Self::of)
    }
}

impl<const J: usize> Serialize for Mixture<J> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let late = self.late.as_ref().map(|late| LateRow {
            logs: late.values.map(|value| value.ln().max(NOTHING)).to_vec(),
            horizon: late.horizon,
            placed: late.placed,
        });
        Row::new(&self.plain.sums, late).serialize(serializer)
    }
}

impl<'de, const J: usize> Deserialize<'de> for Mixture<J> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let row = Row::deserialize(deserializer)?;
        let plain = Plain::of(row.sums()?);
        let late = match row.late {
            None => None,
            Some(LateRow { logs, horizon, placed }) => {
                Some(Late { values: grid(&logs)?.map(|log| f64::exp(log).min(MOST)), horizon, placed })
            }
        };
        Ok(Self { plain, late })
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
        let read: Mixture<3> = serde_json::from_str(&text).unwrap();
        assert!((read.log_e() - mixture.log_e()).abs() < 1e-12);
        assert_eq!(read.sums(), mixture.sums());
        assert!(serde_json::from_str::<Mixture<4>>(&text).is_err());
    }

    #[test]
    fn what_has_learned_nothing_is_written_short_and_read_either_way() {
        let fresh = Mixture::<2>::late(60);
        let text = serde_json::to_string(&fresh).unwrap();
        assert!(!text.contains("sums"), "{text}");
        let before = text.replacen('{', r#"{"sums":[0.0,0.0],"#, 1);
        for text in [text, before] {
            assert_eq!(serde_json::from_str::<Mixture<2>>(&text).unwrap(), fresh, "{text}");
        }
    }
}
