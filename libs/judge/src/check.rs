//! The checks of one analysis, made from its settings, and their weights.

use serde::{Deserialize, Serialize};

use crate::{
    count_check::CountCheck,
    gauge_check::{GaugeCheck, SaturationCheck},
    history::History,
    latency_check::LatencyCheck,
    math::log_mean_exp,
    proportion::{Limits, Measure, Proportion},
    settings::{
        ABSOLUTE_ERROR_LIMIT, CheckKind, CheckSpec, Connections, ErrorRate, Probes, Role, Settings,
        StatusShare, WARN_CONNECT_FAILURES, WARN_ERROR_RATE, margin,
    },
    tick::Part,
    warning::Warning,
    weights,
};

/// A check with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its id.
    pub id: String,
    /// What it may do.
    pub role: Role,
    /// Its evidence.
    pub body: Body,
    /// Weight of its form against the live baseline.
    pub weight_live: f64,
    /// Weight of its form alone.
    pub weight_alone: f64,
    /// Its warning.
    pub warning: Warning,
}

/// What a check keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// A proportion.
    Proportion(Box<Proportion>),
    /// Latency.
    Latency(Box<LatencyCheck>),
    /// Traffic: says NO_DATA, never FAIL; its state belongs to the segment.
    TrafficShare,
    /// How often something happens.
    Count(Box<CountCheck>),
    /// A gauge's mean.
    Gauge(Box<GaugeCheck>),
    /// A share of a capacity.
    Saturation(Box<SaturationCheck>),
}

/// All checks of an analysis with their weights, and the weight of the critical journeys together.
pub fn build(settings: &Settings, history: &History) -> (Vec<Check>, f64) {
    let statuses = settings.statuses();
    // of what is not declared there is nothing to check, and nothing to weigh
    let applies = |spec: &&CheckSpec| settings.probes.is_some() || !matches!(spec.kind, CheckKind::Probes(_));
    let specs = settings.checks.iter().filter(applies);
    let mut checks: Vec<Check> = specs.map(|spec| Check::new(spec, settings, history, &statuses)).collect();
    let weight_journeys = weights::weigh(&mut checks, settings);
    (checks, weight_journeys)
}

// === impl Check ===

impl Check {
    fn new(spec: &CheckSpec, settings: &Settings, history: &History, statuses: &[u16]) -> Self {
        let body = match &spec.kind {
            CheckKind::ErrorRate(rate) => Body::Proportion(error_rate(rate, settings, history).into()),
            CheckKind::StatusShare(share) => {
                let index = statuses.iter().position(|status| *status == share.status).unwrap_or(usize::MAX);
                Body::Proportion(status_share(share, index, settings, history).into())
            }
            CheckKind::Latency(latency) => Body::Latency(Box::new(LatencyCheck::new(
                latency.clone(),
                history,
                settings.one_sided,
                settings.horizon_seconds(),
            ))),
            CheckKind::TrafficShare => Body::TrafficShare,
            CheckKind::Connections(spec) => Body::Proportion(connections(spec, settings, history).into()),
            CheckKind::Count(count) => {
                Body::Count(CountCheck::new(count.clone(), settings.horizon_seconds()).into())
            }
            CheckKind::Gauge(gauge) => Body::Gauge(GaugeCheck::new(gauge.clone(), history).into()),
            CheckKind::Saturation(spec) => Body::Saturation(SaturationCheck::new(spec.clone()).into()),
            CheckKind::Probes(spec) => Body::Proportion(probes(spec, settings, history).into()),
        };
        Self {
            id: spec.id.clone(),
            role: spec.role,
            body,
            weight_live: 0.0,
            weight_alone: 0.0,
            warning: Warning::default(),
        }
    }

    /// Whether this part of a tick says anything about it.
    pub fn is_about(&self, part: Part) -> bool {
        match part {
            // runs are told by themselves
            _ if matches!(&self.body, Body::Proportion(p) if p.is_of_probes()) => false,
            Part::Whole => true,
            Part::Latency => matches!(self.body, Body::Latency(_)),
            Part::Requests => !matches!(self.body, Body::Latency(_)),
        }
    }

    /// Whether it has a form alone.
    pub fn has_alone(&self) -> bool {
        self.log_alone().is_some()
    }

    /// ln E against the live baseline; None where it has no such form.
    pub fn log_live(&self) -> Option<f64> {
        match &self.body {
            Body::Proportion(check) => Some(check.log_live()),
            Body::Latency(check) => check.log_live(),
            Body::Count(check) => Some(check.log_e()),
            Body::Gauge(check) => Some(check.log_e()),
            Body::Saturation(check) => Some(check.log_e()),
            Body::TrafficShare => None,
        }
    }

    /// ln E alone; None where it has no such form.
    pub fn log_alone(&self) -> Option<f64> {
        match &self.body {
            Body::Proportion(check) => check.log_alone(),
            Body::Latency(check) => check.log_alone(),
            Body::TrafficShare | Body::Count(_) | Body::Gauge(_) | Body::Saturation(_) => None,
        }
    }

    /// ln E of WARN: that of the check's own test at 1/5 %, with late onset like FAIL; of a check that may only warn, the evidence of what would
    /// be a FAIL as well, each with half of the weight. None where it never warns.
    pub fn log_warn(&self) -> Option<f64> {
        let own = match &self.body {
            Body::Proportion(check) => Some(check.log_warn()),
            Body::Latency(check) => Some(check.log_warn()),
            Body::Count(check) => check.log_warn(),
            Body::Gauge(check) => return Some(check.log_e()),
            Body::Saturation(check) => return Some(check.log_warn()),
            Body::TrafficShare => return None,
        };
        let fail = self.log_live().filter(|_| self.role == Role::Advisory);
        match (own, fail) {
            (Some(own), Some(fail)) => Some(log_mean_exp(&[own, fail])),
            (one, None) | (None, one) => one,
        }
    }

    /// A new segment begins.
    pub fn enter_segment(&mut self) {
        match &mut self.body {
            Body::Proportion(check) => check.enter_segment(),
            Body::Latency(check) => check.enter_segment(),
            Body::Count(check) => check.enter_segment(),
            Body::Gauge(check) => check.enter_segment(),
            Body::TrafficShare | Body::Saturation(_) => {}
        }
    }

    /// The route changed: what is under way spans the change.
    pub fn route_changed(&mut self) {
        match &mut self.body {
            Body::Count(check) => check.discard(),
            Body::Gauge(check) => check.discard(),
            Body::Proportion(_) | Body::Latency(_) | Body::TrafficShare | Body::Saturation(_) => {}
        }
    }

    /// Forgets what was collected against the candidate alone.
    pub fn forgive(&mut self) {
        match &mut self.body {
            Body::Proportion(check) => check.forgive(),
            Body::Latency(check) => check.forgive(),
            Body::TrafficShare | Body::Count(_) | Body::Gauge(_) | Body::Saturation(_) => {}
        }
    }
}

fn error_rate(rate: &ErrorRate, settings: &Settings, history: &History) -> Proportion {
    let index =
        |id: &String| settings.journeys.iter().position(|journey| journey.id == *id).unwrap_or(usize::MAX);
    let measure = rate.journey.as_ref().map_or(Measure::Errors, |id| Measure::JourneyErrors(index(id)));
    let pass_below = rate.pass_below.unwrap_or_else(|| settings.pass_below());
    // history counts all requests; for one journey only the absolute limit is known
    let known = match measure {
        Measure::Errors => history.error_threshold(pass_below),
        Measure::JourneyErrors(_) | Measure::Status(_) | Measure::Connections | Measure::Probes => None,
    };
    let limits = Limits {
        margin: margin(rate.margin, history.dispersion.is_some()),
        tolerate: rate.tolerate,
        pass_ratio: rate.pass_ratio,
        pass_below,
        alone: settings.one_sided.then(|| known.unwrap_or(ABSOLUTE_ERROR_LIMIT.max(pass_below))),
        warn: WARN_ERROR_RATE,
    };
    Proportion::new(measure, limits, settings.horizon_seconds())
}

fn connections(spec: &Connections, settings: &Settings, history: &History) -> Proportion {
    let limits = Limits {
        margin: margin(spec.margin, history.dispersion.is_some()),
        tolerate: spec.tolerate,
        pass_ratio: 2.0,
        pass_below: settings.pass_below(),
        // without a connection it is an error, which has a form of its own
        alone: None,
        warn: WARN_CONNECT_FAILURES,
    };
    Proportion::new(Measure::Connections, limits, settings.horizon_seconds())
}

fn probes(spec: &Probes, settings: &Settings, history: &History) -> Proportion {
    let pass_below = spec.pass_below.unwrap_or_else(|| settings.pass_below());
    let limits = Limits {
        margin: margin(spec.margin, history.dispersion.is_some()),
        tolerate: spec.tolerate,
        pass_ratio: 2.0,
        pass_below,
        // a segment may come in which they reach the candidate alone, whatever users do
        alone: settings.probes.map(|declared| declared.threshold(pass_below)),
        warn: WARN_ERROR_RATE,
    };
    let horizon = settings.probes.map_or(1, |declared| declared.horizon(settings));
    Proportion::new(Measure::Probes, limits, horizon)
}

fn status_share(share: &StatusShare, index: usize, settings: &Settings, history: &History) -> Proportion {
    let known = history.status_threshold(share.status, share.tolerate);
    let limits = Limits {
        margin: margin(share.margin, history.dispersion.is_some()),
        tolerate: share.tolerate,
        pass_ratio: 2.0,
        pass_below: settings.pass_below(),
        alone: known.filter(|_| settings.one_sided),
        // a status warns where it would count as an excess, at the laxer level of warnings
        warn: known.unwrap_or(0.5),
    };
    Proportion::new(Measure::Status(index), limits, settings.horizon_seconds())
}
