//! How long an analysis needs: to see a fault, and to pass without one.
//!
//! A mixture test of a simple alternative reaches its limit after about (limit + ln J' )/D events' worth of
//! evidence, where D is the expected log factor per second of the alternative nearest to the truth, and ln J' the
//! price of not knowing which one that is. When a sum with such a drift and spread first gets there is inverse Gaussian
//! (Wald 1947), whose quantiles are the answer. All of it is an approximation; simulation with every default keeps half
//! and 95 % within a factor of 1.6.

use std::time::Duration;

use crate::{
    History,
    check::{self, Body, Check},
    math::{bisect, ln_normal_below, log_spaced},
    one_sided,
    proportion::Measure,
    ratio::{Comparison, log_factor},
    settings::{Settings, margin},
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// Requests per second to the whole application, above 0.
    pub requests_per_second: f64,
    /// The candidate's share, in (0, 1].
    pub share: f64,
    /// The baseline's error rate, in [0, 1).
    pub baseline: f64,
    /// The error rate that must be seen, in (baseline, 1].
    pub effect: f64,
}

/// Half of all rollouts take at most `p50`, 95 % at most `p95`. None: more than a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Median.
    pub p50: Option<Duration>,
    /// 95th percentile.
    pub p95: Option<Duration>,
}

/// Nobody waits longer than this.
const LONGEST: f64 = 86_400.0;

/// Mean and variance of the log factor per second.
#[derive(Clone, Copy)]
struct Drift {
    mean: f64,
    variance: f64,
}

/// The weight of a check of all errors among all that may fail: against a live baseline, or alone where the candidate has
/// all traffic. That of the heaviest check where there is none of errors.
pub fn weight(settings: &Settings, share: f64) -> f64 {
    let (checks, _) = check::build(settings, &History::default());
    let of = |check: &Check| if share >= 1.0 { check.weight_alone } else { check.weight_live };
    let errors = checks
        .iter()
        .find(|check| matches!(&check.body, Body::Proportion(it) if it.measure() == Measure::Errors));
    let weight = errors.map_or_else(|| checks.iter().map(of).fold(0.0, f64::max), of);
    if weight > 0.0 { weight } else { 1.0 }
}

/// The time to FAIL when the candidate has the effect. `weight` of the check in the combination.
pub fn time_to_fail(question: &Question, settings: &Settings, tolerate: f64, weight: f64) -> Times {
    let late = if settings.horizon_seconds() > 0 { std::f64::consts::LN_2 } else { 0.0 };
    let limit = settings.fail_limit() - weight.ln() + late;
    let ratio =
        question.best(&log_spaced::<24>(1.1, 100.0).map(f64::exp), margin(None, true), question.effect);
    let above = question.alone(question.effect, tolerate, &[1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0]);
    let (by_ratio, by_rate) = (times(ratio, limit + 24f64.ln()), times(above, limit + 8f64.ln()));
    if question.share >= 1.0 { by_rate } else { later(by_ratio, by_rate) }
}

/// The time to PASS when the candidate is as good as the baseline.
pub fn time_to_pass(question: &Question, settings: &Settings, pass_ratio: f64, pass_below: f64) -> Times {
    let limit = settings.pass_limit() + 7f64.ln() + std::f64::consts::LN_2;
    let ratios = [0.25, 0.5, 0.7, 0.85, 1.0, 1.1, 1.25].map(|rho| rho / pass_ratio);
    let ratio = question.best(&ratios, pass_ratio, question.baseline);
    let below = question.alone(question.baseline, pass_below, &[0.9, 0.8, 0.65, 0.5, 0.3, 0.1, 0.01]);
    let (by_ratio, by_rate) = (times(ratio, limit), times(below, limit));
    if question.share >= 1.0 { by_rate } else { sooner(by_ratio, by_rate) }
}

// === impl Question ===

impl Question {
    /// The drift of the ratio test's best alternative (as multiples of `null`) when the candidate has `rate`.
    fn best(&self, alternatives: &[f64], null: f64, rate: f64) -> Drift {
        let exposures =
            (self.requests_per_second * self.share, self.requests_per_second * (1.0 - self.share));
        let of = |multiple: &f64| {
            let factor = |kc: f64, kb: f64| {
                let tick = Comparison { kc, ec: exposures.0, kb, eb: exposures.1 };
                log_factor(tick, multiple * null) - log_factor(tick, null)
            };
            let (c, b) = (factor(1.0, 0.0), factor(0.0, 1.0));
            let (c_rate, b_rate) = (exposures.0 * rate, exposures.1 * self.baseline);
            Drift { mean: c_rate * c + b_rate * b, variance: c_rate * c * c + b_rate * b * b }
        };
        fastest(alternatives.iter().map(of))
    }

    /// The drift of the one-sided test's best alternative (as multiples of `null`) when the candidate has `rate`.
    fn alone(&self, rate: f64, null: f64, multiples: &[f64]) -> Drift {
        let requests = self.requests_per_second * self.share;
        let of = |multiple: &f64| {
            let p = (multiple * null).min(0.999);
            let (hit, miss) =
                (one_sided::log_factor(1.0, 1.0, p, null), one_sided::log_factor(0.0, 1.0, p, null));
            let mean = rate * hit + (1.0 - rate) * miss;
            let square = rate * hit * hit + (1.0 - rate) * miss * miss;
            Drift { mean: requests * mean, variance: requests * (square - mean * mean) }
        };
        fastest(multiples.iter().map(of))
    }
}

fn fastest(drifts: impl Iterator<Item = Drift>) -> Drift {
    drifts.fold(
        Drift { mean: 0.0, variance: 0.0 },
        |best, next| if next.mean > best.mean { next } else { best },
    )
}

/// When a sum with this drift first reaches `limit`. Neighbours of the best alternative share the evidence, which is
/// worth about ln 4 of the grid's price.
fn times(drift: Drift, limit: f64) -> Times {
    if drift.mean <= 0.0 {
        return Times::default();
    }
    let limit = limit - 4f64.ln();
    let (mean, shape) = (limit / drift.mean, limit * limit / drift.variance.max(f64::MIN_POSITIVE));
    let at = |q: f64| {
        (first_passage(LONGEST, mean, shape) >= q)
            .then(|| Duration::from_secs_f64(bisect(0.0, LONGEST, |t| first_passage(t, mean, shape) - q)))
    };
    Times { p50: at(0.5), p95: at(0.95) }
}

/// P(T ≤ t) of the inverse Gaussian distribution.
fn first_passage(t: f64, mean: f64, shape: f64) -> f64 {
    if t <= 0.0 {
        return 0.0;
    }
    let scale = (shape / t).sqrt();
    let again = 2.0 * shape / mean + ln_normal_below(-scale * (t / mean + 1.0));
    (ln_normal_below(scale * (t / mean - 1.0)).exp() + again.exp()).min(1.0)
}

fn later(a: Times, b: Times) -> Times {
    let pick = |a: Option<Duration>, b: Option<Duration>| a.zip(b).map(|(a, b)| a.max(b));
    Times { p50: pick(a.p50, b.p50), p95: pick(a.p95, b.p95) }
}

fn sooner(a: Times, b: Times) -> Times {
    let pick = |a: Option<Duration>, b: Option<Duration>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    };
    Times { p50: pick(a.p50, b.p50), p95: pick(a.p95, b.p95) }
}
