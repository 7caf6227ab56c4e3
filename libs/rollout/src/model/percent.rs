//! Shares of traffic and of instances.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A percentage from 0 to 100, exact to a thousandth, so that a share read back from a router compares equal.
///
/// Serialises as a number (`12.5`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u32);

// === impl Percent ===

impl Percent {
    /// 0 %.
    pub const ZERO: Self = Self(0);
    /// 100 %.
    pub const FULL: Self = Self(100_000);

    /// `value` whole percent; more than 100 is 100.
    pub const fn new(value: u32) -> Self {
        Self(if value > 100 { 100_000 } else { value * 1_000 })
    }

    /// `value` percent, rounded to a thousandth; `None` unless it is within 0 to 100.
    pub fn from_f64(value: f64) -> Option<Self> {
        (0.0..=100.0).contains(&value).then(|| Self((value * 1_000.0).round() as u32))
    }

    /// As a number from 0 to 100.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1_000.0
    }

    /// The share that `part` of `whole` can carry, rounded down; 100 % when `whole` is 0.
    pub fn ratio(part: u32, whole: u32) -> Self {
        if whole == 0 || part >= whole {
            return Self::FULL;
        }
        Self((u64::from(part) * u64::from(Self::FULL.0) / u64::from(whole)) as u32)
    }

    /// How many of `whole` instances carry this share: rounded up, the last thousandth apart (two thirds are
    /// 66.667 % and need two of three).
    pub fn of(self, whole: u32) -> u32 {
        if self == Self::FULL || self.is_zero() {
            return if self.is_zero() { 0 } else { whole };
        }
        let parts = u64::from(self.0 - 1) * u64::from(whole);
        (parts.div_ceil(u64::from(Self::FULL.0)) as u32).max(whole.min(1))
    }

    /// What is missing to 100 %.
    pub const fn rest(self) -> Self {
        Self(Self::FULL.0 - self.0)
    }

    /// The sum, at most 100 %.
    pub fn plus(self, other: Self) -> Self {
        Self((self.0 + other.0).min(Self::FULL.0))
    }

    /// Whether this is 0 %.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.as_f64())
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::from_f64(value).ok_or_else(|| D::Error::custom(format!("{value} is not within 0 to 100")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_round_up_and_shares_down() {
        assert_eq!(Percent::new(10).of(4), 1);
        assert_eq!(Percent::new(25).of(8), 2);
        assert_eq!(Percent::new(100).of(3), 3);
        assert_eq!(Percent::ratio(1, 3).as_f64(), 33.333);
        assert!(Percent::ratio(Percent::new(34).of(3), 3) >= Percent::new(34));
        for (part, whole) in (1..60).flat_map(|whole| (0..=whole).map(move |part| (part, whole))) {
            assert_eq!(Percent::ratio(part, whole).of(whole), part);
            assert_eq!(Percent::ratio(part, whole).rest().of(whole), whole - part);
        }
    }

    #[test]
    fn json_is_a_number_and_is_checked() {
        assert_eq!(serde_json::to_string(&Percent::from_f64(12.5)).unwrap(), "12.5");
        assert_eq!(serde_json::from_str::<Percent>("12.5").unwrap(), Percent::from_f64(12.5).unwrap());
        assert!(serde_json::from_str::<Percent>("101").is_err());
    }
}
