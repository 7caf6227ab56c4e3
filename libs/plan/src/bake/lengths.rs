//! The lengths.
//!
//! The smallest effect that matters is an error rate of so many times today's as the risk band says, but not below the
//! rate that is passed in any case: below that even a version that is worse goes on. A bake must at least be long enough to
//! see that effect in 95 % of cases, and longer than instances need to warm up; it may last twice as long as 95 % of good
//! versions need to pass. Where that is longer than people wait, the band's lengths hold and the plan warns.

use std::time::Duration;

use bellwether_rollout::{Percent, Step};

use super::{Answers, BakeBasis, Forecast, HealthBounds, PlannedBake, Question, Traffic};
use crate::{
    AskedBake, Band, EnvironmentId, StrategyKind, Tuning, expansion::Stop, strategy::band_bake,
    timeline::human,
};

/// Nobody waits longer for a version to pass.
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// A bake that nobody judges is this long where no length is asked for, as the contract says: there is nothing to wait for.
const UNJUDGED: Duration = Duration::from_secs(30);

/// What the lengths depend on.
pub(crate) struct Baking<'a> {
    pub(crate) environment: &'a EnvironmentId,
    pub(crate) kind: StrategyKind,
    pub(crate) band: Band,
    pub(crate) tuning: &'a Tuning,
    pub(crate) health: HealthBounds,
    pub(crate) traffic: Option<&'a Traffic>,
    pub(crate) answers: &'a Answers,
}

/// Lengths with where they come from.
struct Lengths {
    min: Duration,
    max: Duration,
    basis: BakeBasis,
    text: String,
}

/// Every bake of these steps, in their order.
pub(crate) fn planned(stops: &[Stop], baking: &Baking<'_>) -> Vec<PlannedBake> {
    let bakes = stops.iter().filter(|stop| matches!(stop.step, Step::Bake(_)));
    let mut planned: Vec<_> = bakes.map(|stop| baking.bake(stop)).collect();
    if baking.kind == StrategyKind::Rolling {
        share_one_length(&mut planned);
    }
    planned
}

/// The bakes between batches have one length: that of the one with the smallest share.
fn share_one_length(planned: &mut [PlannedBake]) {
    let Some(first) = planned.first().cloned() else { return };
    for bake in planned.iter_mut().filter(|bake| bake.share_percent < 100.0) {
        (bake.min, bake.max, bake.basis) = (first.min, first.max, first.basis);
        bake.text.clone_from(&first.text);
    }
}

// === impl Band ===

impl Band {
    /// How many times today's error rate must be seen: the riskier, the smaller.
    fn effect(self) -> f64 {
        match self {
            Self::Low => 4.0,
            Self::Medium => 3.0,
            Self::High => 2.5,
            Self::Critical => 2.0,
        }
    }
}

// === impl Baking ===

impl Baking<'_> {
    fn bake(&self, stop: &Stop) -> PlannedBake {
        let share_percent = if apart(stop) { 0.0 } else { stop.share.as_f64() };
        let question = self.traffic.and_then(|traffic| self.question(traffic, share_percent));
        let forecast = question.as_ref().and_then(|question| self.answers.to(question)).cloned();
        let own = self.lengths(stop, question.as_ref(), forecast.as_ref());
        let Lengths { min, max, basis, text } = self.as_asked(stop, own);
        let traffic = self.traffic.copied();
        PlannedBake { share_percent, min, max, basis, text, traffic, question, forecast }
    }

    /// `None`: no user is on it, so that statistics of traffic say nothing.
    fn question(&self, traffic: &Traffic, share_percent: f64) -> Option<Question> {
        let least = self.health.tolerate_percent;
        let baseline_percent = traffic.errors_percent.unwrap_or(least).clamp(least, 99.0);
        let times = self.band.effect() * baseline_percent;
        (share_percent > 0.0).then(|| Question {
            environment: self.environment.clone(),
            requests_per_second: traffic.requests_per_second,
            share_percent,
            baseline_percent,
            effect_percent: times.max(self.health.pass_below_percent).min(100.0),
        })
    }

    fn lengths(&self, stop: &Stop, question: Option<&Question>, forecast: Option<&Forecast>) -> Lengths {
        let (min, max) = band_bake(self.band);
        let band = |text: String| Lengths { min, max, basis: BakeBasis::RiskBand, text };
        let risk = format!("the lengths for {} risk", self.band.as_str());
        let Some(question) = question else {
            return band(if apart(stop) {
                format!("no user is on it, so that traffic says nothing: {risk}")
            } else {
                format!("nothing is known of the traffic: {risk}")
            });
        };
        let Some(forecast) = forecast else {
            return band(format!("{}: {risk}", self.answers.missing_because));
        };
        let in_time = |span: Option<Duration>, most| span.filter(|span| *span <= most);
        match (in_time(forecast.fail_p95, max), in_time(forecast.pass_p95, LONGEST)) {
            (Some(fail), Some(pass)) => self.by_analysis(question, fail, pass, max),
            (fail, _) => {
                let lacks = if fail.is_none() {
                    format!(
                        "to see an error rate of {} within {}",
                        percent(question.effect_percent),
                        human(max)
                    )
                } else {
                    format!("for a good version to pass within {}", human(LONGEST))
                };
                band(format!("too little traffic {lacks}: {risk}"))
            }
        }
    }

    fn by_analysis(
        &self,
        question: &Question,
        fail: Duration,
        pass: Duration,
        band_max: Duration,
    ) -> Lengths {
        let min = whole(fail).max(self.health.warm_up);
        let text = format!(
            "errors of {} are seen within {} in 95 % of cases, and a good version passes within {}",
            percent(question.effect_percent),
            human(whole(fail)),
            human(whole(pass))
        );
        let max = (whole(pass).max(min) * 2).max(band_max);
        Lengths { min, max, basis: BakeBasis::Analysis, text }
    }

    /// What somebody asked for wins.
    fn as_asked(&self, stop: &Stop, own: Lengths) -> Lengths {
        if let (StrategyKind::Custom, Step::Bake(bake)) = (self.kind, &stop.step) {
            let text = "the steps are written out".to_owned();
            return Lengths { min: bake.min, max: bake.max, basis: BakeBasis::AskedFor, text };
        }
        let asked = self.asked(stop);
        if asked.no_checks == Some(true) && asked.min.is_none() {
            let max = asked.max.unwrap_or(UNJUDGED).max(UNJUDGED);
            let text = "nobody judges it: the usual length".to_owned();
            return Lengths { min: UNJUDGED, max, basis: BakeBasis::AskedFor, text };
        }
        let min = asked.min.unwrap_or_else(|| asked.max.map_or(own.min, |max| own.min.min(max)));
        let max = asked.max.unwrap_or(own.max).max(min);
        match (asked.min, asked.max) {
            (None, None) => own,
            (Some(_), Some(_)) => {
                let text = "the application or the release says so".to_owned();
                Lengths { min, max, basis: BakeBasis::AskedFor, text }
            }
            (Some(_), None) => Lengths { min, max, text: format!("min was asked for; {}", own.text), ..own },
            (None, Some(_)) => Lengths { min, max, text: format!("max was asked for; {}", own.text), ..own },
        }
    }

    fn asked(&self, stop: &Stop) -> AskedBake {
        let tuning = self.tuning;
        if stop.preview {
            return tuning.preview_bake.or(tuning.bake);
        }
        let own = self.stated(stop.share);
        if stop.share == Percent::FULL {
            return own.or(tuning.final_bake).or(tuning.bake);
        }
        own.or(tuning.bake)
    }

    /// What was asked for at this share alone.
    fn stated(&self, share: Percent) -> AskedBake {
        let weights = &self.tuning.weights;
        if weights.is_empty() || !self.kind.limits_exposure() {
            return AskedBake::default();
        }
        let at = weights.iter().position(|&weight| Percent::from_f64(weight) == Some(share));
        let appended = (share == Percent::FULL).then_some(weights.len());
        at.or(appended).and_then(|at| self.tuning.bakes.get(at)).copied().unwrap_or_default()
    }
}

/// No user is on it.
fn apart(stop: &Stop) -> bool {
    stop.preview || stop.copies
}

/// Rounded up to whole seconds, as people say it.
fn whole(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs() + u64::from(span.subsec_nanos() > 0))
}

/// `0.25 %`: three digits are enough.
fn percent(value: f64) -> String {
    format!("{} %", (value * 1_000.0).round() / 1_000.0)
}
