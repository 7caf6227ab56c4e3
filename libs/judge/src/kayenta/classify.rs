//! What one metric says.

use super::{
    Series,
    clean::clean,
    config::{self, Direction, EffectSize, Measure},
    shift::{Shift, Z98, shift},
    statistics::{Statistics, cles, mean_ratio},
};

/// The interval must lie beyond this share of the estimated shift.
const TOLERANCE: f64 = 0.25;

/// What a metric says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// No difference that counts.
    Pass,
    /// The candidate is higher.
    High,
    /// The candidate is lower.
    Low,
    /// There was nothing to compare.
    Nodata,
    /// There was nothing to compare, and there should have been.
    NodataFailMetric,
    /// It could not be compared.
    Error,
}

/// What a metric says, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricResult {
    /// The metric's name.
    pub metric: String,
    /// The groups that it counts for.
    pub groups: Vec<String>,
    /// What it says.
    pub class: Class,
    /// Fails the whole.
    pub critical: bool,
    /// Shown, but counts for nothing.
    pub muted: bool,
    /// The size of the change, by the metric's measure; NaN where it has none.
    pub effect: f64,
    /// The interval of the shift; None where nothing was compared.
    pub shift: Option<Shift>,
    /// Figures of the candidate.
    pub candidate: Statistics,
    /// Figures of the baseline.
    pub baseline: Statistics,
    /// One sentence; empty where the class says all.
    pub reason: String,
}

/// What a metric's points say.
pub fn metric(metric: &config::Metric, series: &Series) -> MetricResult {
    let analysis = &metric.analysis_configurations.canary;
    let (x, y) = (clean(analysis, &series.candidate), clean(analysis, &series.baseline));
    let result = MetricResult {
        metric: metric.name.clone(),
        groups: metric.groups.clone(),
        class: Class::Pass,
        critical: false,
        muted: analysis.muted,
        effect: 1.0,
        shift: None,
        candidate: Statistics::of(&x),
        baseline: Statistics::of(&y),
        reason: String::new(),
    };
    if x.is_empty() || y.is_empty() {
        return without_data(analysis, result);
    }
    if x == y {
        return MetricResult { reason: "both sides are identical".to_owned(), ..result };
    }
    compared(analysis, result, &x, &y)
}

fn without_data(analysis: &config::Analysis, result: MetricResult) -> MetricResult {
    if analysis.replaces() {
        return result;
    }
    let required = analysis.must_have_data && !analysis.critical;
    MetricResult {
        class: if required { Class::NodataFailMetric } else { Class::Nodata },
        critical: analysis.critical,
        reason: format!("there is no data for {}", result.metric),
        ..result
    }
}

fn compared(analysis: &config::Analysis, result: MetricResult, x: &[f64], y: &[f64]) -> MetricResult {
    let (Some(&x0), Some(&y0)) = (x.first(), y.first()) else { return result };
    let both_constant = x.last() == Some(&x0) && y.last() == Some(&y0);
    if both_constant && x0 == y0 {
        return result;
    }
    let found = if both_constant { Some(constant(x0 - y0)) } else { shift(x, y, Z98) };
    let Some(found) = found else {
        return MetricResult {
            class: Class::Error,
            critical: analysis.critical,
            effect: f64::NAN,
            reason: format!("{} cannot be ranked: all values are tied, or not finite", result.metric),
            ..result
        };
    };
    let size = &analysis.effect_size;
    let effect = match size.measure() {
        Measure::MeanRatio => mean_ratio(&result.candidate, &result.baseline),
        Measure::Cles => cles(x, y),
    };
    let class = class(analysis, &found, effect);
    let critical = analysis.critical && is_critical(size, class, effect);
    let reason = reason(&result.metric, class, critical);
    MetricResult { class, critical, effect, shift: Some(found), reason, ..result }
}

/// Two constants differ by what they differ by. (Kayenta adds a little noise, so that its ranks are not tied.)
fn constant(by: f64) -> Shift {
    Shift { lower: by, upper: by, estimate: by }
}

fn class(analysis: &config::Analysis, shift: &Shift, effect: f64) -> Class {
    let (size, direction) = (&analysis.effect_size, analysis.direction());
    let band = TOLERANCE * shift.estimate.abs();
    let none = size.none();
    let large = effect.is_nan() || effect >= size.allowed_increase.unwrap_or(none);
    let small = effect.is_nan() || effect <= size.allowed_decrease.unwrap_or(none);
    if direction != Direction::Decrease && shift.lower > band && large {
        Class::High
    } else if direction != Direction::Increase && shift.upper < -band && small {
        Class::Low
    } else {
        Class::Pass
    }
}

fn is_critical(size: &EffectSize, class: Class, effect: f64) -> bool {
    let none = size.none();
    match class {
        Class::High => effect.is_nan() || effect >= size.critical_increase.unwrap_or(none),
        Class::Low => effect.is_nan() || effect <= size.critical_decrease.unwrap_or(none),
        Class::Pass | Class::Nodata | Class::NodataFailMetric | Class::Error => false,
    }
}

fn reason(metric: &str, class: Class, critical: bool) -> String {
    let side = match class {
        Class::High => "higher",
        Class::Low => "lower",
        Class::Pass | Class::Nodata | Class::NodataFailMetric | Class::Error => return String::new(),
    };
    let weight = if critical { ", and it is critical" } else { "" };
    format!("{metric} is {side} on the candidate{weight}")
}
