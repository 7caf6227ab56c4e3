//! Who decides in a rollout: the sequential tests, or Kayenta's judge where the policy names it.
//!
//! Kayenta's compares with a live baseline, and decides while there is one. The tests' own comparisons are then shown and
//! carry no weight; their hard limits, NO_DATA, and what they say of the candidate alone stay as they are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Analysis, History, Settings,
    kayenta::{Class, MetricResult, Said, Spec, Watch},
    readings::Readings,
    sample::Batch,
    segment::{Mode, Segment},
    settings::Role,
    verdict::{Assessment, CheckReport, Decision, Level, Report, Why},
};

/// The judges of one rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    #[serde(flatten)]
    analysis: Analysis,
    /// None: it does not take part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kayenta: Option<Box<Watch>>,
}

/// The id under which Kayenta's score is reported; those of its metrics begin with it.
const KAYENTA: &str = "kayenta";

// === impl Panel ===

impl Panel {
    /// As [`Analysis::new`]; `kayenta` where the policy names it. Where there is no baseline at all it does not take part.
    pub fn new(
        mut settings: Settings,
        kayenta: Option<Spec>,
        candidate: String,
        baseline: String,
        history: History,
        segment: Segment,
        now: Timestamp,
    ) -> Self {
        let kayenta = kayenta.filter(|_| settings.has_baseline).map(|spec| {
            let fleets = (candidate.clone(), baseline.clone());
            Box::new(Watch::new(spec, fleets, settings.warm_up, segment, now))
        });
        settings.compared_elsewhere = kayenta.is_some();
        Self { analysis: Analysis::new(settings, candidate, baseline, history, segment, now), kayenta }
    }

    /// Takes what is new in a batch.
    pub fn ingest(&mut self, batch: &Batch, now: Timestamp) {
        self.analysis.ingest(batch, now);
        if let Some(kayenta) = &mut self.kayenta {
            kayenta.ingest(batch, now);
        }
    }

    /// Takes what was read beside requests.
    pub fn read(&mut self, readings: &Readings, now: Timestamp) {
        self.analysis.read(readings, now);
        if let Some(kayenta) = &mut self.kayenta {
            kayenta.read(readings, now);
        }
    }

    /// As [`Analysis::enter`].
    pub fn enter(&mut self, segment: Segment, now: Timestamp) {
        self.analysis.enter(segment, now);
        if let Some(kayenta) = &mut self.kayenta {
            kayenta.enter(segment, now);
        }
    }

    /// As [`Analysis::resume`].
    pub fn resume(&mut self, segment: Segment, passed: bool, now: Timestamp) {
        let entered = *self.analysis.segment() != segment;
        self.analysis.resume(segment, passed, now);
        if let Some(kayenta) = &mut self.kayenta {
            if entered {
                kayenta.enter(segment, now);
            }
            if passed {
                kayenta.passed();
            }
        }
    }

    /// As [`Analysis::critical_event`].
    pub fn critical_event(&mut self) {
        self.analysis.critical_event();
    }

    /// The sequential tests.
    pub fn analysis(&self) -> &Analysis {
        &self.analysis
    }

    /// The same, to be told of what Kayenta's judge has no use for.
    pub fn analysis_mut(&mut self) -> &mut Analysis {
        &mut self.analysis
    }

    /// The present segment.
    pub fn segment(&self) -> &Segment {
        self.analysis.segment()
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        self.analysis.settings()
    }

    /// The decision as it is now.
    pub fn assess(&mut self, now: Timestamp) -> Assessment {
        let own = self.analysis.assess(now);
        let has_baseline = self.settings().has_baseline;
        let (segment, Some(kayenta)) = (*self.analysis.segment(), &mut self.kayenta) else { return own };
        kayenta.turn(now);
        // nothing carries weight where no segment without a baseline is planned
        let log_evidence = if own.log_evidence.is_finite() { own.log_evidence } else { 0.0 };
        let own = Assessment { log_evidence, ..own };
        let said = kayenta.said();
        let stays = matches!(own.decision, Decision::Fail | Decision::NoData)
            || matches!(own.why, Why::NoTraffic | Why::CommonMode);
        if stays || segment.mode(has_baseline) == Mode::Alone && said != Said::Fail {
            return own;
        }
        let early = said == Said::Pass && kayenta.observed() < segment.min;
        let (decision, why) = match said {
            Said::Pass if early => (Decision::Undecided, Why::MinBake),
            Said::Pass => (Decision::Pass, Why::Kayenta(said)),
            Said::Fail => (Decision::Fail, Why::Kayenta(said)),
            Said::Collecting | Said::Marginal => (Decision::Undecided, Why::Kayenta(said)),
        };
        Assessment { decision, why, log_evidence }
    }

    /// Everything about the decision as it is now.
    pub fn report(&mut self, now: Timestamp) -> Report {
        let assessment = self.assess(now);
        let mut report = self.analysis.report(now);
        let Some(kayenta) = &self.kayenta else { return report };
        report.assessment = assessment;
        // a comparison that carries no weight only shows
        for check in report.checks.iter_mut().filter(|check| check.log_limit.is_infinite()) {
            check.role = Role::Advisory;
        }
        let mut checks = vec![score(kayenta)];
        checks.extend(kayenta.found().into_iter().flat_map(|found| &found.metrics).map(metric));
        checks.append(&mut report.checks);
        report.level = checks.iter().map(|check| check.level).max().unwrap_or(Level::Ok);
        Report { checks, ..report }
    }
}

/// The score, against what it must reach.
fn score(kayenta: &Watch) -> CheckReport {
    let (said, spec) = (kayenta.said(), kayenta.spec());
    let score = kayenta.found().map(|found| found.score);
    let missing = spec.min_points.saturating_sub(kayenta.points());
    let why = kayenta.found().map_or("", |found| found.reason.as_str());
    let text = match (said, score) {
        (Said::Collecting, _) => format!("{missing} more points are needed for a score"),
        (_, None) => "the score is made anew after a restart".to_owned(),
        (_, Some(score)) => format!(
            "score {score:.2} on {} points; {} passes, below {} fails{}{why}",
            kayenta.points(),
            spec.thresholds.pass,
            spec.thresholds.marginal,
            if why.is_empty() { "" } else { ": " },
        ),
    };
    let time_needed = spec.interval.saturating_mul(u32::try_from(missing).unwrap_or(u32::MAX));
    CheckReport {
        id: KAYENTA.to_owned(),
        role: Role::Blocking,
        level: match said {
            Said::Fail => Level::Fail,
            Said::Marginal => Level::Warn,
            Said::Collecting | Said::Pass => Level::Ok,
        },
        decision: match said {
            Said::Fail => Decision::Fail,
            Said::Pass => Decision::Pass,
            Said::Collecting | Said::Marginal => Decision::Undecided,
        },
        unit: "score",
        candidate: score,
        threshold: Some(spec.thresholds.pass),
        time_needed: (said == Said::Collecting).then_some(time_needed),
        candidate_samples: kayenta.points() as u64,
        baseline_samples: kayenta.points() as u64,
        text,
        ..nothing()
    }
}

/// What one metric of the configuration says: its means.
fn metric(found: &MetricResult) -> CheckReport {
    let failed = matches!(found.class, Class::High | Class::Low | Class::NodataFailMetric);
    let known = |side: &crate::kayenta::statistics::Statistics| (side.count > 0).then_some(side.mean);
    CheckReport {
        id: format!("{KAYENTA}-{}", found.metric),
        role: if found.muted { Role::Advisory } else { Role::Guard },
        level: match (failed, found.muted) {
            (true, false) => Level::Fail,
            (true, true) => Level::Warn,
            (false, _) => Level::Ok,
        },
        decision: match found.class {
            Class::Pass => Decision::Pass,
            Class::High | Class::Low | Class::NodataFailMetric => Decision::Fail,
            Class::Nodata => Decision::NoData,
            Class::Error => Decision::Undecided,
        },
        unit: "mean",
        candidate: known(&found.candidate),
        baseline: known(&found.baseline),
        effect: Some(found.effect).filter(|effect| effect.is_finite()),
        candidate_samples: found.candidate.count as u64,
        baseline_samples: found.baseline.count as u64,
        text: found.reason.clone(),
        ..nothing()
    }
}

/// No evidence: scores have none.
fn nothing() -> CheckReport {
    CheckReport {
        id: String::new(),
        role: Role::Guard,
        level: Level::Ok,
        decision: Decision::Undecided,
        unit: "",
        candidate: None,
        baseline: None,
        effect: None,
        interval: None,
        log_evidence: 0.0,
        log_limit: f64::INFINITY,
        log_pass: None,
        candidate_samples: 0,
        baseline_samples: 0,
        threshold: None,
        time_needed: None,
        quantiles: Vec::new(),
        journeys: Vec::new(),
        text: String::new(),
    }
}

#[cfg(test)]
mod tests;
