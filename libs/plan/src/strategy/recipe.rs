//! The numbers of a recipe, by risk band.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StrategyKind;
use crate::{Band, Tuning};

/// A strategy with its numbers. What it leaves out (match, mirror, hooks, own steps) is part of the pinned specification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Which strategy.
    pub kind: StrategyKind,
    /// The candidate's shares of traffic, percent, rising, the last one 100; empty where the strategy has none.
    pub weights: Vec<f64>,
    /// The least time that each bake observes.
    pub bake_min: Duration,
    /// When an undecided bake is handed to its policy.
    pub bake_max: Duration,
}

/// The recipe for this band; what `tuning` sets wins.
pub(crate) fn recipe(kind: StrategyKind, band: Band, tuning: &Tuning) -> Recipe {
    let (weights, min, max) = by_band(band);
    let asked = tuning.bake;
    let weights = if tuning.weights.is_empty() { weights.to_vec() } else { up_to_100(&tuning.weights) };
    let min = Duration::from_secs(min);
    let bake_min = asked.min.unwrap_or_else(|| asked.max.map_or(min, |max| max.min(min)));
    let bake_max = asked.max.unwrap_or(Duration::from_secs(max)).max(bake_min);
    Recipe { kind, weights: if kind.limits_exposure() { weights } else { Vec::new() }, bake_min, bake_max }
}

/// The least and the longest bake of this band.
pub(crate) fn band_bake(band: Band) -> (Duration, Duration) {
    let (_, min, max) = by_band(band);
    (Duration::from_secs(min), Duration::from_secs(max))
}

/// Shares in percent, least and longest bake in seconds.
fn by_band(band: Band) -> (&'static [f64], u64, u64) {
    match band {
        Band::Low => (&[25.0, 50.0, 100.0], 30, 30 * 60),
        Band::Medium => (&[10.0, 25.0, 50.0, 100.0], 60, 30 * 60),
        Band::High => (&[5.0, 10.0, 25.0, 50.0, 100.0], 120, 45 * 60),
        Band::Critical => (&[1.0, 5.0, 10.0, 25.0, 50.0, 100.0], 300, 60 * 60),
    }
}

fn up_to_100(weights: &[f64]) -> Vec<f64> {
    let mut weights = weights.to_vec();
    if weights.last().is_none_or(|&last| last < 100.0) {
        weights.push(100.0);
    }
    weights
}
