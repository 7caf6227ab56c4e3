//! Strategies as recipes: pure functions from plan to steps.

mod blue_green;
mod canary;
mod complete;
mod first;
mod rolling;
mod validate;

#[cfg(test)]
mod tests;

pub use validate::validate;

use crate::model::{Bake, Canary, Percent, Recreate, Role, Route, Scale, Size, Step, Strategy};

/// The steps of a rollout to a target of `n` instances; `first`: nothing serves there yet.
pub fn steps(strategy: &Strategy, n: u32, first: bool) -> Vec<Step> {
    if first {
        return first::steps(strategy);
    }
    match strategy {
        Strategy::Canary(Canary { steps, bake, validate }) => canary::steps(steps, *bake, *validate),
        Strategy::BlueGreen(it) => blue_green::steps(it),
        Strategy::Rolling(it) => rolling::steps(it, n),
        Strategy::Recreate(it) => recreate(it),
        Strategy::Direct => finish(None),
        Strategy::Steps(steps) => complete::steps(steps),
    }
}

/// How all end: everything ready, 100 %, the post-deployment validation, Promote.
fn finish(validate: Option<Bake>) -> Vec<Step> {
    let mut steps = vec![Scale::candidate(Size::FULL), Step::Route(Route::share(Percent::FULL))];
    steps.extend(validate.map(Step::Bake));
    steps.push(Step::Promote);
    steps
}

fn recreate(recreate: &Recreate) -> Vec<Step> {
    let nobody = Route { percent: None, ..Route::default() };
    let mut steps =
        vec![Step::Route(nobody), Step::Drain, Step::Scale(Scale { fleet: Role::Stable, size: Size::NONE })];
    steps.extend(finish(Some(recreate.validate)));
    steps
}
