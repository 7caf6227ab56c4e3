//! Rolling: Replace batches with a Bake between.

use crate::model::{Percent, Replace, Rolling, Route, Size, Step};

/// More batches than this make no sense; the last one takes what is left.
const MOST: u32 = 200;

pub(super) fn steps(plan: &Rolling, n: u32) -> Vec<Step> {
    let batches = batches(plan.batch, n);
    let mut steps = Vec::new();
    for batch in 1..=batches {
        let last = batch == batches;
        let size = if last { Size::FULL } else { plan.batch };
        let (max_surge, max_unavailable) = (plan.max_surge, plan.max_unavailable);
        steps.push(Step::Replace(Replace { batch: size, max_surge, max_unavailable }));
        if let (false, Some(bake)) = (last, plan.bake) {
            steps.push(Step::Bake(bake));
        }
    }
    steps.extend([Step::Route(Route::share(Percent::FULL)), Step::Bake(plan.validate), Step::Promote]);
    steps
}

/// How many batches; instances that are added later come with the last.
fn batches(batch: Size, n: u32) -> u32 {
    let size = batch.count(n, Percent::FULL).max(1);
    n.div_ceil(size).clamp(1, MOST)
}
