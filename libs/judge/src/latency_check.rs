//! The check of latency: slower than the live baseline, or slower than its past.

use serde::{Deserialize, Serialize};

use crate::{
    Histogram, LatencyEdges, LatencyTest, Mixture,
    histogram::bucket_of,
    history::History,
    math::log_mean_exp,
    non_inferiority::NonInferiority,
    one_sided::{AboveTest, BelowTest},
    ratio::Comparison,
    settings::{Latency, WARN_P95_MILLIS},
    warning::WARN_CAP,
};

/// Ratio of the shares above the p95 edge that PASS excludes …
const PASS_RATIO: f64 = 2.0;
/// … or that share itself: twice the 5 % that the edge was chosen for. Where nothing lies above the edge on either
/// side, as with latencies that are all alike, there is no ratio to measure.
const PASS_SHARE: f64 = 0.1;

/// The evidence of one check of latency.
///
/// Without a history the edges are learned from the first 100 baseline latencies of the rollout; what was
/// used for that is not tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyCheck {
    spec: Latency,
    horizon: u32,
    learned: Histogram,
    live: Option<Live>,
    alone: Option<Box<Alone>>,
    pass_limit: Option<BelowTest>,
    warn_p95: AboveTest,
    candidate: Histogram,
    baseline: Histogram,
}

/// Against the live baseline, once the edges are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Live {
    p95: usize,
    fail: LatencyTest,
    warn: LatencyTest,
    pass: NonInferiority,
    pass_share: BelowTest,
}

/// "At most p0 of the requests lie above an edge": above the next higher edge for FAIL, the next lower for PASS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Alone {
    fail_edge: usize,
    pass_edge: usize,
    p0: f64,
    fail: AboveTest,
    pass: BelowTest,
}

// === impl LatencyCheck ===

impl LatencyCheck {
    /// With no evidence; `one_sided`: the check alone takes part.
    pub fn new(spec: Latency, history: &History, one_sided: bool, horizon: u32) -> Self {
        let alone = one_sided.then(|| Alone::of(&spec, history, horizon)).flatten().map(Box::new);
        Self {
            live: history.edges().map(|edges| Live::new(edges, &spec, horizon)),
            pass_limit: spec.limit.map(|limit| BelowTest::new(limit.share)),
            warn_p95: AboveTest::new(0.05, Mixture::late(horizon)),
            learned: Histogram::default(),
            candidate: Histogram::default(),
            baseline: Histogram::default(),
            spec,
            horizon,
            alone,
        }
    }

    /// A tick in which both sides had requests.
    pub fn compare(
        &mut self,
        candidate: &Histogram,
        baseline: &Histogram,
        temper: f64,
        second: bool,
        for_pass: bool,
    ) {
        self.count(candidate, baseline, temper, second);
        if let Some(live) = &mut self.live {
            live.compare(candidate, baseline, temper, second, for_pass);
            if for_pass {
                self.observe_limit(candidate, temper);
            }
            return;
        }
        self.learned.merge(baseline);
        self.live = LatencyEdges::of(&self.learned).map(|edges| Live::new(edges, &self.spec, self.horizon));
    }

    /// A tick of the candidate alone.
    pub fn observe(
        &mut self,
        candidate: &Histogram,
        temper: f64,
        second: bool,
        for_pass: bool,
        frozen: bool,
    ) {
        self.count(candidate, &Histogram::default(), temper, second);
        if let Some(alone) = &mut self.alone {
            alone.observe(candidate, temper, second, for_pass, frozen);
        }
    }

    fn count(&mut self, candidate: &Histogram, baseline: &Histogram, temper: f64, second: bool) {
        self.candidate.merge(candidate);
        self.baseline.merge(baseline);
        let edge = bucket_of(WARN_P95_MILLIS);
        self.warn_p95.update(candidate.above(edge) as f64, candidate.total() as f64, temper, second);
        self.warn_p95.cap(WARN_CAP);
    }

    fn observe_limit(&mut self, candidate: &Histogram, temper: f64) {
        if let (Some(limit), Some(test)) = (self.spec.limit, &mut self.pass_limit) {
            let edge = bucket_of(limit.millis).saturating_sub(1);
            test.update(candidate.above(edge) as f64, candidate.total() as f64, temper);
        }
    }

    /// A new segment: PASS is earned anew.
    pub fn enter_segment(&mut self) {
        self.pass_limit = self.spec.limit.map(|limit| BelowTest::new(limit.share));
        if let Some(live) = &mut self.live {
            live.enter_segment();
        }
        if let Some(alone) = &mut self.alone {
            alone.pass = BelowTest::new(alone.p0);
        }
    }

    /// Forgets what was collected against the candidate alone.
    pub fn forgive(&mut self) {
        if let Some(alone) = &mut self.alone {
            alone.fail.reset();
        }
    }

    /// ln E against the live baseline; None while the edges are being learned.
    pub fn log_live(&self) -> Option<f64> {
        self.live.as_ref().map(|live| live.fail.log_e())
    }

    /// ln E alone; None where no threshold is known.
    pub fn log_alone(&self) -> Option<f64> {
        self.alone.as_ref().map(|alone| alone.fail.log_e())
    }

    /// ln E for PASS with a live baseline.
    pub fn log_pass_live(&self) -> Option<f64> {
        let ratio = self.live.as_ref().map(Live::log_pass);
        match (ratio, &self.pass_limit) {
            (Some(ratio), Some(limit)) => Some(log_mean_exp(&[ratio, limit.log_e()])),
            (ratio, None) => ratio,
            (None, Some(limit)) => Some(limit.log_e()),
        }
    }

    /// ln E for PASS alone; None where no threshold is known.
    pub fn log_pass_alone(&self) -> Option<f64> {
        self.alone.as_ref().map(|alone| alone.pass.log_e())
    }

    /// ln E of the warnings: the mean of "slower by the small shift" and "p95 above the absolute limit".
    pub fn log_warn(&self) -> f64 {
        let p95 = self.warn_p95.log_e();
        self.live.as_ref().map_or(p95, |live| log_mean_exp(&[live.warn.log_e(), p95]))
    }

    /// The test of FAIL without evidence; None while the edges are being learned.
    pub fn fresh_test(&self) -> Option<LatencyTest> {
        let live = self.live.as_ref()?;
        Some(LatencyTest::new(live.fail.edges(), self.spec.shift, self.horizon))
    }

    /// All latencies of the candidate and of the baseline so far.
    pub fn totals(&self) -> (&Histogram, &Histogram) {
        (&self.candidate, &self.baseline)
    }

    /// The settings.
    pub fn spec(&self) -> &Latency {
        &self.spec
    }

    /// Threshold of the share of slow requests alone.
    pub fn alone_threshold(&self) -> Option<f64> {
        self.alone.as_ref().map(|alone| alone.p0)
    }
}

// === impl Live ===

impl Live {
    fn new(edges: LatencyEdges, spec: &Latency, horizon: u32) -> Self {
        Self {
            p95: edges.p95(),
            fail: LatencyTest::new(edges, spec.shift, horizon),
            warn: LatencyTest::new(edges, spec.warn_shift, horizon),
            pass: NonInferiority::new(PASS_RATIO),
            pass_share: BelowTest::new(PASS_SHARE),
        }
    }

    fn enter_segment(&mut self) {
        self.pass = NonInferiority::new(PASS_RATIO);
        self.pass_share = BelowTest::new(PASS_SHARE);
    }

    fn log_pass(&self) -> f64 {
        log_mean_exp(&[self.pass.log_e(), self.pass_share.log_e()])
    }

    fn compare(
        &mut self,
        candidate: &Histogram,
        baseline: &Histogram,
        temper: f64,
        second: bool,
        for_pass: bool,
    ) {
        self.fail.update(candidate, baseline, temper, second);
        self.warn.update(candidate, baseline, temper, second);
        self.warn.cap(WARN_CAP);
        let slow = self.exceedance(candidate, baseline);
        if for_pass {
            self.pass.update(slow, temper);
            self.pass_share.update(slow.kc, slow.ec, temper);
        }
    }

    fn exceedance(&self, candidate: &Histogram, baseline: &Histogram) -> Comparison {
        Comparison {
            kc: candidate.above(self.p95) as f64,
            ec: candidate.total() as f64,
            kb: baseline.above(self.p95) as f64,
            eb: baseline.total() as f64,
        }
    }
}

// === impl Alone ===

impl Alone {
    fn of(spec: &Latency, history: &History, horizon: u32) -> Option<Self> {
        let (fail_edge, pass_edge, p0) = match (history.latency_threshold(), spec.limit) {
            (Some((edge, p0)), _) => (edge, edge, p0),
            (None, Some(limit)) => {
                let edge = bucket_of(limit.millis);
                (edge, edge.saturating_sub(1), limit.share)
            }
            (None, None) => return None,
        };
        let (fail, pass) = (AboveTest::new(p0, Mixture::late(horizon)), BelowTest::new(p0));
        Some(Self { fail_edge, pass_edge, p0, fail, pass })
    }

    fn observe(&mut self, candidate: &Histogram, temper: f64, second: bool, for_pass: bool, frozen: bool) {
        let total = candidate.total() as f64;
        if !frozen {
            self.fail.update(candidate.above(self.fail_edge) as f64, total, temper, second);
        }
        if for_pass {
            self.pass.update(candidate.above(self.pass_edge) as f64, total, temper);
        }
    }
}
