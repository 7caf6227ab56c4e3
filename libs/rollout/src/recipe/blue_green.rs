//! Blue-green: a full second fleet, bake on the preview route, one flip or a ramp.

use super::canary;
use crate::model::{Bake, BlueGreen, Percent, Route, Scale, Size, Step};

pub(super) fn steps(plan: &BlueGreen) -> Vec<Step> {
    let mut steps = plan.preview.map(|bake| preview(plan, bake)).unwrap_or_default();
    let ramp = plan.ramp.iter().filter(|it| it.percent < Percent::FULL);
    let ramp: Vec<_> = ramp.flat_map(|it| canary::weight(it, plan.bake, false)).collect();
    if !ramp.is_empty() {
        steps.push(Scale::candidate(Size::FULL));
        steps.extend(ramp);
    }
    steps.extend(super::finish(Some(plan.validate)));
    steps
}

fn preview(plan: &BlueGreen, bake: Bake) -> Vec<Step> {
    let route = Route { percent: Some(Percent::ZERO), preview: true, ..Route::default() };
    vec![Scale::candidate(plan.preview_size.unwrap_or(Size::FULL)), Step::Route(route), Step::Bake(bake)]
}
