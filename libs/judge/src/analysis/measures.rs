//! Reports of the checks of what is compared beside requests.

use super::Analysis;
use crate::{
    check::Check,
    count_check::CountCheck,
    gauge_check::{GaugeCheck, SaturationCheck},
    ratio::Comparison,
    segment::Mode,
    settings::{Exposure, Worse},
    verdict::CheckReport,
};

// === impl Analysis ===

impl Analysis {
    pub(super) fn count_report(&self, check: &Check, count: &CountCheck) -> CheckReport {
        let total = count.total();
        let Comparison { kc, ec, kb, eb } = total;
        let rate = |k: f64, e: f64| (e > 0.0).then(|| k / e);
        let baseline = rate(kb, eb);
        CheckReport {
            unit: per(count.spec().exposure),
            candidate: rate(kc, ec),
            baseline,
            effect: total.ratio(),
            interval: (eb > 0.0).then(|| count.ratio_interval(self.settings.alpha)),
            candidate_samples: kc as u64,
            baseline_samples: kb as u64,
            threshold: baseline.map(|b| b * count.spec().fail),
            text: format!(
                "{}: {kc} on the candidate, {kb} on the baseline, {}",
                check.id,
                total.ratio().map_or_else(
                    || "nothing to compare yet".to_owned(),
                    |ratio| format!("{:.1} % of its rate", 100.0 * ratio)
                )
            ),
            ..self.base(check, Mode::Live, count.log_e())
        }
    }

    pub(super) fn gauge_report(&self, check: &Check, gauge: &GaugeCheck) -> CheckReport {
        let (candidate, baseline) = gauge.means();
        let margin = match gauge.spec().worse {
            Worse::More => 1.0 + gauge.spec().margin,
            Worse::Fewer => 1.0 - gauge.spec().margin,
        };
        CheckReport {
            unit: "value",
            candidate,
            baseline,
            effect: candidate.zip(baseline).map(|(c, b)| c / b).filter(|ratio| ratio.is_finite()),
            interval: gauge.ratio_interval(self.settings.alpha),
            candidate_samples: gauge.scrapes(),
            baseline_samples: gauge.scrapes(),
            threshold: baseline.map(|b| b * margin),
            text: match candidate.zip(baseline) {
                Some((c, b)) => format!("{}: {c:.4} on the candidate, {b:.4} on the baseline", check.id),
                None => format!("{}: nothing to compare yet", check.id),
            },
            ..self.base(check, Mode::Live, gauge.log_e())
        }
    }

    pub(super) fn saturation_report(&self, check: &Check, saturation: &SaturationCheck) -> CheckReport {
        let (candidate, baseline) = saturation.means();
        let (candidate_samples, baseline_samples) = saturation.scrapes();
        let percent = |fraction: Option<f64>| fraction.map(|fraction| 100.0 * fraction);
        let above = 100.0 * saturation.spec().above;
        CheckReport {
            unit: "percent",
            candidate: percent(candidate),
            baseline: percent(baseline),
            candidate_samples,
            baseline_samples,
            threshold: Some(above),
            text: match percent(candidate) {
                Some(c) => format!(
                    "{}: {c:.1} % on the candidate's fullest instance, at most {above:.0} %",
                    check.id
                ),
                None => format!("{}: nothing was read yet", check.id),
            },
            ..self.base(check, Mode::Live, saturation.log_e())
        }
    }
}

/// The unit of a rate.
fn per(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Requests => "per request",
        Exposure::Share => "per share",
        Exposure::Instances => "per second",
    }
}
