//! Steps that a user wrote out: what is missing at the end is added.

use crate::model::{Bake, Percent, Route, Scale, Size, Step};

pub(super) fn steps(written: &[Step]) -> Vec<Step> {
    let mut steps = written.to_vec();
    let last_route = steps.iter().rposition(|step| matches!(step, Step::Route(_) | Step::Replace(_)));
    let full = last_route.is_some_and(|at| steps.get(at) == Some(&Step::Route(Route::share(Percent::FULL))));
    if !full {
        let promote = steps.iter().position(|step| *step == Step::Promote).unwrap_or(steps.len());
        let rest = steps.split_off(promote);
        steps.extend([Scale::candidate(Size::FULL), Step::Route(Route::share(Percent::FULL))]);
        steps.extend(last_bake(written).map(Step::Bake));
        steps.extend(rest);
    }
    if !steps.contains(&Step::Promote) {
        steps.push(Step::Promote);
    }
    steps
}

/// The Bake that validates when none was written after 100 %.
pub(super) fn last_bake(steps: &[Step]) -> Option<Bake> {
    steps.iter().rev().find_map(|step| if let Step::Bake(bake) = step { Some(*bake) } else { None })
}
