//! First deployment: nothing serves yet, so nothing can be compared or returned to.

use crate::model::{Bake, Canary, Percent, Route, Scale, Size, Step, Strategy};

/// Preparations and gates as written, then Scale, Route 100, Bake on one-sided checks, Promote.
pub(super) fn steps(strategy: &Strategy) -> Vec<Step> {
    let mut steps = before(strategy);
    steps.extend([Scale::candidate(Size::FULL), Step::Route(Route::share(Percent::FULL))]);
    steps.extend(validation(strategy).map(Step::Bake));
    steps.push(Step::Promote);
    steps
}

fn before(strategy: &Strategy) -> Vec<Step> {
    let Strategy::Steps(steps) = strategy else { return Vec::new() };
    let kept =
        |step: &&Step| matches!(step, Step::Prepare(_) | Step::Gate(_) | Step::Hook(_) | Step::Wait(_));
    steps.iter().filter(kept).cloned().collect()
}

fn validation(strategy: &Strategy) -> Option<Bake> {
    match strategy {
        Strategy::Canary(Canary { validate, .. }) => Some(*validate),
        Strategy::BlueGreen(it) => Some(it.validate),
        Strategy::Rolling(it) => Some(it.validate),
        Strategy::Recreate(it) => Some(it.validate),
        Strategy::Direct => None,
        Strategy::Steps(steps) => super::complete::last_bake(steps),
    }
}
