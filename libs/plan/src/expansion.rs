//! From a recipe to the executor's steps, by its own expansion: what a plan shows is what will be done.

use bellwether_rollout::{
    Bake, BlueGreen, Canary, CanaryStep, MatchRule, Mirror, Percent, Prepare, Recreate, Role, Rolling, Route,
    Scale, Size, Step, Strategy, recipe,
};

use crate::{Recipe, Shape, StrategyKind, timeline::human};

/// A step, and what is reached with it.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// The step.
    pub(crate) step: Step,
    /// What is reached, for people.
    pub(crate) name: String,
    /// The candidate's share of traffic then.
    pub(crate) share: Percent,
    /// It is looked at on the preview route: no user is on it.
    pub(crate) preview: bool,
    /// It is looked at by copies of requests: no user is on it.
    pub(crate) copies: bool,
}

/// Where the traffic is after the steps so far.
#[derive(Default)]
struct Walk {
    share: Percent,
    swapped: u32,
    preview: bool,
    copies: bool,
}

/// The steps of a rollout to `n` instances; `first`: nothing serves there yet.
pub(crate) fn stops(recipe: &Recipe, shape: &Shape, n: u32, first: bool) -> Vec<Stop> {
    let mut walk = Walk::default();
    steps(recipe, shape, n, first).into_iter().map(|step| walk.take(step, n)).collect()
}

/// The same without what is reached.
pub(crate) fn steps(recipe: &Recipe, shape: &Shape, n: u32, first: bool) -> Vec<Step> {
    recipe::steps(&strategy(recipe, shape), n, first)
}

/// The executor's strategy. Lengths of bakes are planned elsewhere.
fn strategy(recipe: &Recipe, shape: &Shape) -> Strategy {
    let bake = Bake { min: recipe.bake_min, max: recipe.bake_max, checks: true };
    let blue_green = |ramp| {
        Strategy::BlueGreen(BlueGreen {
            preview_size: None,
            preview: shape.preview.then_some(bake),
            ramp,
            bake,
            validate: bake,
        })
    };
    match recipe.kind {
        StrategyKind::Canary => {
            Strategy::Canary(Canary { steps: weights(recipe, shape), bake, validate: bake })
        }
        StrategyKind::BlueGreen => blue_green(Vec::new()),
        StrategyKind::BlueGreenCanary => blue_green(weights(recipe, shape)),
        StrategyKind::Rolling => Strategy::Rolling(Rolling {
            batch: if shape.batch == 0 { Size::Percent(Percent::new(25)) } else { Size::Count(shape.batch) },
            max_surge: Size::Count(u32::from(shape.surges)),
            max_unavailable: Size::Count(u32::from(!shape.surges)),
            bake: Some(bake),
            validate: bake,
        }),
        StrategyKind::Recreate => Strategy::Recreate(Recreate { validate: bake }),
        StrategyKind::Custom => Strategy::Steps(shape.steps.clone()),
    }
}

fn weights(recipe: &Recipe, shape: &Shape) -> Vec<CanaryStep> {
    let matches: Vec<_> = shape.matches.then(MatchRule::default).into_iter().collect();
    let step =
        |percent, mirror| CanaryStep { percent, scale: None, matches: matches.clone(), mirror, bake: None };
    let copies = shape
        .mirror
        .then(|| step(Percent::ZERO, Some(Mirror { percent: Percent::FULL, unsafe_methods: false })));
    let shares = recipe.weights.iter().filter_map(|&weight| Percent::from_f64(weight));
    copies.into_iter().chain(shares.map(|share| step(share, None))).collect()
}

// === impl Walk ===

impl Walk {
    fn take(&mut self, step: Step, n: u32) -> Stop {
        match &step {
            Step::Route(route) => {
                self.share = route.percent.unwrap_or(Percent::ZERO);
                self.preview = route.preview;
                self.copies = route.mirror.is_some() && self.share.is_zero();
            }
            Step::Replace(replace) => {
                self.swapped = (self.swapped + replace.batch.count(n, Percent::FULL).max(1)).min(n);
                self.share = Percent::ratio(self.swapped, n);
            }
            _ => {}
        }
        let name = self.name(&step);
        Stop { step, name, share: self.share, preview: self.preview, copies: self.copies }
    }

    /// What is reached with `step`.
    fn name(&self, step: &Step) -> String {
        match step {
            Step::Prepare(Prepare::Handoff { role, .. }) => format!("Prepared by {role}"),
            Step::Prepare(Prepare::Hook(hook)) => format!("Prepared by {}", hook.name),
            Step::Scale(scale) => scaled(*scale),
            Step::Route(route) => self.routed(route),
            Step::Replace(_) => format!("{} of instances replaced", self.share),
            Step::Bake(_) => self.baked(),
            Step::Gate(gate) => format!("Gate {} opened", gate.id),
            Step::Hook(hook) => format!("Hook {} called", hook.name),
            Step::Wait(wait) => format!("Waited {}", human(wait.duration)),
            Step::Promote => "Promoted".to_owned(),
            Step::RestoreCapacity => "Stable's instances are back".to_owned(),
            Step::RouteBack(_) => "Traffic on the old version".to_owned(),
            Step::VerifyRoute => "Route read back".to_owned(),
            Step::Drain => "Open requests finished".to_owned(),
            Step::Remove => "New version removed".to_owned(),
            Step::UndoHook { step } => format!("Hook of step {step} undone"),
        }
    }

    fn routed(&self, route: &Route) -> String {
        match route.percent {
            None => "Nobody is served".to_owned(),
            Some(_) if self.preview => "Preview on the new version".to_owned(),
            Some(_) if self.copies => "Copies of requests on the new version".to_owned(),
            Some(share) => format!("Traffic at {share}"),
        }
    }

    fn baked(&self) -> String {
        match (self.preview, self.copies) {
            (true, _) => "Preview passed".to_owned(),
            (_, true) => "Copies passed".to_owned(),
            _ if self.share == Percent::FULL => "Post-deployment validation passed".to_owned(),
            _ => format!("{} passed", self.share),
        }
    }
}

fn scaled(scale: Scale) -> String {
    match (scale.fleet, scale.size) {
        (Role::Stable, Size::Count(0)) => "Old version stopped".to_owned(),
        (Role::Stable, _) => "Old version scaled".to_owned(),
        (Role::Candidate, size) if size == Size::FULL => "All instances ready".to_owned(),
        (Role::Candidate, Size::Percent(percent)) => format!("Instances for {percent} ready"),
        (Role::Candidate, Size::Rest(percent)) => format!("Instances for {} ready", percent.rest()),
        (Role::Candidate, Size::Count(count)) => format!("{count} instances ready"),
        (Role::Candidate, Size::MatchWeight) => "Instances for its share ready".to_owned(),
    }
}
