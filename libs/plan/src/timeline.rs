//! When what is expected, as offsets from the start.

use std::{collections::BTreeMap, time::Duration};

use bellwether_rollout::{self as core, Step};
use serde::{Deserialize, Serialize};

use crate::{BakeBasis, PlannedBake, StrategyKind, expansion::Stop};

/// The kinds of steps that take time. They are the executor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepKind {
    /// Instances are started or stopped.
    Scale,
    /// Traffic is moved and read back.
    Route,
    /// A batch is swapped.
    Replace,
    /// Verdicts are watched.
    Bake,
    /// The candidate becomes stable.
    Promote,
    /// Stable gets its capacity back.
    RestoreCapacity,
    /// The route is read back.
    VerifyRoute,
    /// Open requests finish.
    Drain,
    /// Instances are removed.
    Remove,
    /// That it is well again is shown.
    Recover,
    /// Capacity is reserved.
    Prepare,
    /// Somebody is asked.
    Gate,
    /// Something is called.
    Hook,
    /// Time passes.
    Wait,
}

/// How long something lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Half are done by then.
    pub p50: Duration,
    /// 95 % are.
    pub p95: Duration,
    /// From how many recorded steps; 0: a default.
    pub samples: u32,
}

/// How long steps of each kind took in the past, here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepTimes(pub BTreeMap<StepKind, Quantiles>);

/// Something that is expected at an offset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// For people.
    pub name: String,
    /// What kind of step ends there.
    pub kind: StepKind,
    /// Half of such rollouts are past it by then.
    pub p50: Duration,
    /// The sum of the steps' own p95, which is later than the p95 of the sum.
    pub p95: Duration,
    /// From how many recorded steps its own time comes; 0: none.
    pub samples: u32,
    /// Its own time comes from statistics.
    #[serde(default)]
    pub analysed: bool,
}

/// How long one step is expected to last.
struct Expected {
    p50: Duration,
    p95: Duration,
    samples: u32,
    analysed: bool,
}

/// When these stops are passed. `bakes` are those of the stops, in their order.
pub(crate) fn timeline(stops: &[Stop], bakes: &[PlannedBake], times: &StepTimes) -> Vec<Milestone> {
    let mut bakes = bakes.iter();
    let passed = stops.iter().map(|stop| {
        let kind = StepKind::of(&stop.step);
        let own = match &stop.step {
            Step::Bake(_) => bakes.next().map(|bake| times.of_bake(bake)),
            Step::Wait(wait) => {
                Some(Expected { p50: wait.duration, p95: wait.duration, samples: 0, analysed: false })
            }
            _ => None,
        };
        (stop.name.clone(), kind, own.unwrap_or_else(|| times.of(kind)))
    });
    milestones(passed)
}

/// The way back, in the order of the executor's undoing.
pub(crate) fn way_back(kind: StrategyKind, times: &StepTimes) -> Vec<Milestone> {
    let mut steps = Vec::new();
    if matches!(kind, StrategyKind::Rolling | StrategyKind::Recreate | StrategyKind::Custom) {
        steps.push(("Stable's instances are back".to_owned(), StepKind::RestoreCapacity));
    }
    steps.extend([
        ("Traffic on the old version".to_owned(), StepKind::Route),
        ("Route read back".to_owned(), StepKind::VerifyRoute),
        ("Open requests finished".to_owned(), StepKind::Drain),
        ("New version removed".to_owned(), StepKind::Remove),
        ("Recovery shown".to_owned(), StepKind::Recover),
    ]);
    milestones(steps.into_iter().map(|(name, kind)| (name, kind, times.of(kind))))
}

fn milestones(steps: impl Iterator<Item = (String, StepKind, Expected)>) -> Vec<Milestone> {
    let (mut p50, mut p95) = (Duration::ZERO, Duration::ZERO);
    steps
        .map(|(name, kind, own)| {
            p50 += own.p50;
            p95 += own.p95;
            Milestone { name, kind, p50, p95, samples: own.samples, analysed: own.analysed }
        })
        .collect()
}

/// `90 s` as people write it.
pub(crate) fn human(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds, span.subsec_millis()) {
        (0, 0) => "0 s".to_owned(),
        (0, millis) => format!("{millis} ms"),
        (s, _) if s % 3600 == 0 => format!("{} h", s / 3600),
        (s, _) if s % 60 == 0 => format!("{} min", s / 60),
        (s, _) => format!("{s} s"),
    }
}

// === impl StepTimes ===

impl StepTimes {
    /// What was recorded, else a default.
    fn of(&self, kind: StepKind) -> Expected {
        if let Some(recorded) = self.0.get(&kind) {
            return Expected::recorded(recorded);
        }
        let (p50, p95) = match kind {
            StepKind::Bake => (30_000, 1_800_000),
            StepKind::Scale | StepKind::Replace | StepKind::RestoreCapacity => (5_000, 60_000),
            StepKind::Route | StepKind::VerifyRoute => (20, 1_000),
            StepKind::Promote => (10, 100),
            StepKind::Drain => (5_000, 30_000),
            StepKind::Remove => (500, 10_000),
            StepKind::Recover => (30_000, 300_000),
            StepKind::Prepare | StepKind::Hook => (1_000, 60_000),
            // how long people take is not known
            StepKind::Gate | StepKind::Wait => (0, 0),
        };
        Expected {
            p50: Duration::from_millis(p50),
            p95: Duration::from_millis(p95),
            samples: 0,
            analysed: false,
        }
    }

    /// What was recorded, else the statistics, else its bounds; never shorter than its least.
    fn of_bake(&self, bake: &PlannedBake) -> Expected {
        if let Some(recorded) = self.0.get(&StepKind::Bake) {
            return Expected::recorded(recorded).at_least(bake.min);
        }
        let passes = bake.forecast.as_ref().filter(|_| bake.basis == BakeBasis::Analysis);
        match passes.and_then(|forecast| forecast.pass_p50.zip(forecast.pass_p95)) {
            Some((p50, p95)) => Expected { p50, p95, samples: 0, analysed: true }.at_least(bake.min),
            None => Expected { p50: bake.min, p95: bake.max, samples: 0, analysed: false },
        }
    }
}

// === impl Expected ===

impl Expected {
    fn recorded(times: &Quantiles) -> Self {
        Self { p50: times.p50, p95: times.p95, samples: times.samples, analysed: false }
    }

    fn at_least(self, least: Duration) -> Self {
        Self { p50: self.p50.max(least), p95: self.p95.max(least), ..self }
    }
}

// === impl StepKind ===

impl StepKind {
    /// The kind of one of the executor's steps.
    fn of(step: &Step) -> Self {
        match step.kind() {
            core::StepKind::Prepare => Self::Prepare,
            core::StepKind::Scale => Self::Scale,
            core::StepKind::Route | core::StepKind::RouteBack => Self::Route,
            core::StepKind::Replace => Self::Replace,
            core::StepKind::Bake => Self::Bake,
            core::StepKind::Gate => Self::Gate,
            core::StepKind::Hook | core::StepKind::UndoHook => Self::Hook,
            core::StepKind::Wait => Self::Wait,
            core::StepKind::Promote => Self::Promote,
            core::StepKind::RestoreCapacity => Self::RestoreCapacity,
            core::StepKind::VerifyRoute => Self::VerifyRoute,
            core::StepKind::Drain => Self::Drain,
            core::StepKind::Remove => Self::Remove,
        }
    }
}
