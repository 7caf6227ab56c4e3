//! Canary: Scale, Route, Bake for each weight.

use crate::model::{Bake, CanaryStep, Percent, Route, Scale, Size, Step};

pub(super) fn steps(weights: &[CanaryStep], bake: Bake, validate: Bake) -> Vec<Step> {
    let full = weights.iter().find(|it| it.percent == Percent::FULL);
    let below = weights.iter().filter(|it| it.percent < Percent::FULL);
    let mut steps: Vec<_> = below.flat_map(|it| weight(it, bake, true)).collect();
    steps.extend(super::finish(Some(full.and_then(|it| it.bake).unwrap_or(validate))));
    steps
}

/// One weight; scale follows it unless it is set.
pub(super) fn weight(step: &CanaryStep, bake: Bake, scaling: bool) -> Vec<Step> {
    let follow = if step.percent.is_zero() { Size::Count(1) } else { Size::Percent(step.percent) };
    let scale = scaling.then(|| Scale::candidate(step.scale.unwrap_or(follow)));
    let route = Step::Route(Route {
        percent: Some(step.percent),
        matches: step.matches.clone(),
        mirror: step.mirror,
        preview: false,
    });
    scale.into_iter().chain([route, Step::Bake(step.bake.unwrap_or(bake))]).collect()
}
