//! A judge that decides as Kayenta's default one does (NetflixACAJudge-v1.0), for those who come from there.
//!
//! It looks once, at whole series of points of both sides: there is no claim about looking repeatedly, and with a
//! look every minute its rate of false alarms is higher than that of one look. Use [`crate::Analysis`] for a
//! rollout that is watched; use this for a comparison after the fact, to see what Kayenta would have said, and, where a
//! policy wants it so, in a rollout as Spinnaker runs it ([`Watch`]).
//!
//! Per metric: values that are not numbers are removed or replaced by zero; outliers are kept or removed
//! ([`clean`]); a 98 % interval of the shift between the sides is made ([`shift`]); the metric is High or Low when
//! the interval lies beyond a quarter of the estimated shift *and* the effect reaches what is allowed
//! ([`classify`]). Metrics make scores of groups, these a score, that a result ([`score`]).
//!
//! The definition is Kayenta's documentation of its judge, and its published test cases.

pub mod classify;
pub mod clean;
pub mod config;
mod points;
pub mod score;
pub mod shift;
pub mod statistics;
mod watch;

pub use classify::{Class, MetricResult};
pub use config::{Config, Thresholds};
pub use points::Signal;
pub use score::{GroupScore, Judgement, Outcome};
pub use watch::{Said, Spec, Watch};

/// The points of one metric. Points that are missing are NaN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The metric's name in the configuration.
    pub metric: String,
    /// Of the version that is judged.
    pub candidate: Vec<f64>,
    /// Of the version that it is compared with.
    pub baseline: Vec<f64>,
}

/// What Kayenta would say. A metric of the configuration without a series has no data; a series whose metric is
/// not in the configuration is not looked at.
pub fn judge(config: &Config, thresholds: Thresholds, series: &[Series]) -> Judgement {
    let mut results = Vec::with_capacity(series.len().max(config.metrics.len()));
    for metric in &config.metrics {
        let before = results.len();
        let own = series.iter().filter(|series| series.metric == metric.name);
        results.extend(own.map(|series| classify::metric(metric, series)));
        if results.len() == before {
            results
                .push(classify::metric(metric, &Series { metric: metric.name.clone(), ..Series::default() }));
        }
    }
    score::judgement(&config.classifier.group_weights, thresholds, results)
}
