//! When what is expected, as offsets from the start.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Recipe, StrategyKind};

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
    /// From how many recorded steps its own time comes; 0: a default.
    pub samples: u32,
}

/// Steps by name and kind.
type Steps = Vec<(String, StepKind)>;

/// What a rollout by `recipe` passes, and when. Steps that the user wrote out have no milestones: nothing is known of them.
pub(crate) fn timeline(recipe: &Recipe, first: bool, times: &StepTimes) -> Vec<Milestone> {
    let steps = if first { first_deployment() } else { steps(recipe) };
    milestones(steps, |kind| times.of(kind, Some(recipe)))
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
    milestones(steps, |kind| times.of(kind, None))
}

fn milestones(steps: Steps, time: impl Fn(StepKind) -> Quantiles) -> Vec<Milestone> {
    let (mut p50, mut p95) = (Duration::ZERO, Duration::ZERO);
    steps
        .into_iter()
        .map(|(name, kind)| {
            let own = time(kind);
            p50 += own.p50;
            p95 += own.p95;
            Milestone { name, kind, p50, p95, samples: own.samples }
        })
        .collect()
}

fn first_deployment() -> Steps {
    vec![
        ("All instances ready".to_owned(), StepKind::Scale),
        ("Traffic at 100 %".to_owned(), StepKind::Route),
        ("Post-deployment validation passed".to_owned(), StepKind::Bake),
        ("Promoted".to_owned(), StepKind::Promote),
    ]
}

fn steps(recipe: &Recipe) -> Steps {
    let mut steps: Steps = match recipe.kind {
        StrategyKind::Canary => recipe.weights.iter().flat_map(|&w| weight(w, true)).collect(),
        StrategyKind::BlueGreenCanary => {
            let fleet = ("Second fleet ready".to_owned(), StepKind::Scale);
            std::iter::once(fleet).chain(recipe.weights.iter().flat_map(|&w| weight(w, false))).collect()
        }
        StrategyKind::BlueGreen => vec![
            ("Second fleet ready".to_owned(), StepKind::Scale),
            ("Preview passed".to_owned(), StepKind::Bake),
            ("Traffic at 100 %".to_owned(), StepKind::Route),
            ("Post-deployment validation passed".to_owned(), StepKind::Bake),
        ],
        StrategyKind::Rolling => (1..=4).flat_map(|quarter| batch(quarter * 25)).collect(),
        StrategyKind::Recreate => vec![
            ("Old version stopped, new one ready".to_owned(), StepKind::Replace),
            ("Post-deployment validation passed".to_owned(), StepKind::Bake),
        ],
        StrategyKind::Custom => return Vec::new(),
    };
    steps.push(("Promoted".to_owned(), StepKind::Promote));
    steps
}

fn weight(percent: f64, scale: bool) -> Steps {
    let bake = if percent < 100.0 {
        format!("{percent} % passed")
    } else {
        "Post-deployment validation passed".into()
    };
    let scale = scale.then(|| (format!("Instances for {percent} % ready"), StepKind::Scale));
    let rest = [(format!("Traffic at {percent} %"), StepKind::Route), (bake, StepKind::Bake)];
    scale.into_iter().chain(rest).collect()
}

fn batch(percent: u32) -> Steps {
    let bake = if percent < 100 {
        format!("{percent} % passed")
    } else {
        "Post-deployment validation passed".into()
    };
    vec![(format!("{percent} % of instances replaced"), StepKind::Replace), (bake, StepKind::Bake)]
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
    /// What was recorded, else a default. A bake's defaults are its own bounds.
    fn of(&self, kind: StepKind, recipe: Option<&Recipe>) -> Quantiles {
        if let Some(recorded) = self.0.get(&kind) {
            return *recorded;
        }
        let millis = |p50, p95| (Duration::from_millis(p50), Duration::from_millis(p95));
        let (p50, p95) = match (kind, recipe) {
            (StepKind::Bake, Some(recipe)) => (recipe.bake_min, recipe.bake_max),
            (StepKind::Bake, None) => millis(30_000, 1_800_000),
            (StepKind::Scale | StepKind::Replace | StepKind::RestoreCapacity, _) => millis(5_000, 60_000),
            (StepKind::Route | StepKind::VerifyRoute, _) => millis(20, 1_000),
            (StepKind::Promote, _) => millis(10, 100),
            (StepKind::Drain, _) => millis(5_000, 30_000),
            (StepKind::Remove, _) => millis(500, 10_000),
            (StepKind::Recover, _) => millis(30_000, 300_000),
        };
        Quantiles { p50, p95, samples: 0 }
    }
}
