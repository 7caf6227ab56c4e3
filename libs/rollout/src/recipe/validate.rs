//! What is wrong with a strategy, all of it at once.

use crate::{
    model::{Bake, CanaryStep, Hook, Percent, Prepare, Replace, Role, Route, Scale, Size, Step, Strategy},
    refusal::FieldViolation,
};

/// Everything that makes this strategy impossible to carry out; empty: it is fine.
pub fn validate(strategy: &Strategy) -> Vec<FieldViolation> {
    let mut all = Vec::new();
    match strategy {
        Strategy::Canary(it) => {
            weights("canary.steps", &it.steps, &mut all);
            bake("canary.bake", it.bake, &mut all);
            bake("canary.validate", it.validate, &mut all);
        }
        Strategy::BlueGreen(it) => {
            weights("blue_green.ramp", &it.ramp, &mut all);
            bake("blue_green.bake", it.bake, &mut all);
            bake("blue_green.validate", it.validate, &mut all);
            it.preview.iter().for_each(|preview| bake("blue_green.preview", *preview, &mut all));
            if it.preview_size.is_some_and(|size| size == Size::NONE) {
                all.push(FieldViolation::new(
                    "blue_green.preview_size",
                    "a preview needs at least one instance",
                ));
            }
        }
        Strategy::Rolling(it) => {
            let step =
                Replace { batch: it.batch, max_surge: it.max_surge, max_unavailable: it.max_unavailable };
            replace("rolling", step, &mut all);
            it.bake.iter().for_each(|it| bake("rolling.bake", *it, &mut all));
            bake("rolling.validate", it.validate, &mut all);
        }
        Strategy::Recreate(it) => bake("recreate.validate", it.validate, &mut all),
        Strategy::Direct => {}
        Strategy::Steps(steps) => written(steps, &mut all),
    }
    all
}

fn bake(field: &str, bake: Bake, all: &mut Vec<FieldViolation>) {
    if bake.checks && bake.max < bake.min {
        let text = format!("max ({:?}) is below min ({:?}); it must be at least min", bake.max, bake.min);
        all.push(FieldViolation::new(format!("{field}.max"), text));
    }
}

fn weights(field: &str, steps: &[CanaryStep], all: &mut Vec<FieldViolation>) {
    let mut before = Percent::ZERO;
    for (index, step) in steps.iter().enumerate() {
        let field = format!("{field}[{index}]");
        rising(&field, step.percent, &mut before, all);
        if step.percent.is_zero() && step.matches.is_empty() && step.mirror.is_none() {
            all.push(FieldViolation::new(
                format!("{field}.percent"),
                "0 % without match or mirror tests nothing",
            ));
        }
        step.bake.iter().for_each(|it| bake(&format!("{field}.bake"), *it, all));
    }
}

fn rising(field: &str, percent: Percent, before: &mut Percent, all: &mut Vec<FieldViolation>) {
    if percent < *before {
        let text = format!("{percent} is below the {before} of an earlier step; weights must not fall");
        all.push(FieldViolation::new(format!("{field}.percent"), text));
    }
    *before = percent.max(*before);
}

fn replace(field: &str, step: Replace, all: &mut Vec<FieldViolation>) {
    let none = |size: Size| matches!(size, Size::Count(0)) || size == Size::Percent(Percent::ZERO);
    if none(step.batch) {
        all.push(FieldViolation::new(format!("{field}.batch"), "a batch has at least one instance"));
    }
    if none(step.max_surge) && none(step.max_unavailable) {
        let text = "max_surge and max_unavailable are both 0; one of them must be at least 1";
        all.push(FieldViolation::new(format!("{field}.max_surge"), text));
    }
    for (name, size) in
        [("batch", step.batch), ("max_surge", step.max_surge), ("max_unavailable", step.max_unavailable)]
    {
        if matches!(size, Size::MatchWeight | Size::Rest(_)) {
            all.push(FieldViolation::new(format!("{field}.{name}"), "must be a count or a percentage"));
        }
    }
}

/// What earlier steps have made true.
struct Walk {
    share: Percent,
    nobody: bool,
    promoted: bool,
}

fn written(steps: &[Step], all: &mut Vec<FieldViolation>) {
    let mut walk = Walk { share: Percent::ZERO, nobody: false, promoted: false };
    for (index, step) in steps.iter().enumerate() {
        let field = format!("steps[{index}]");
        match step {
            Step::Prepare(Prepare::Hook(it)) | Step::Hook(it) => hook(&field, it, all),
            Step::Route(it) => route(&field, it, &mut walk, all),
            Step::Scale(it) => scale(&field, *it, &walk, all),
            Step::Replace(it) => replace(&field, *it, all),
            Step::Bake(it) => bake(&field, *it, all),
            Step::Drain if walk.nobody => {}
            Step::Promote if walk.promoted => {
                all.push(FieldViolation::new(field, "there is only one Promote"))
            }
            Step::Promote => walk.promoted = true,
            Step::Prepare(Prepare::Handoff { .. }) | Step::Gate(_) | Step::Wait(_) => {}
            Step::RestoreCapacity
            | Step::RouteBack(_)
            | Step::VerifyRoute
            | Step::Drain
            | Step::Remove
            | Step::UndoHook { .. } => {
                all.push(FieldViolation::new(field, format!("{:?} is a step of undoing only", step.kind())));
            }
        }
    }
}

fn hook(field: &str, hook: &Hook, all: &mut Vec<FieldViolation>) {
    if hook.timeout.is_zero() {
        all.push(FieldViolation::new(format!("{field}.timeout"), "must be longer than 0"));
    }
}

fn route(field: &str, route: &Route, walk: &mut Walk, all: &mut Vec<FieldViolation>) {
    if walk.promoted {
        all.push(FieldViolation::new(field, "traffic does not move after Promote"));
    }
    match route.percent {
        Some(percent) => rising(field, percent, &mut walk.share, all),
        None if walk.share.is_zero() => walk.nobody = true,
        None => all.push(FieldViolation::new(field, "nobody can get traffic only before the candidate does")),
    }
    if route.percent.is_some_and(|percent| !percent.is_zero()) {
        walk.nobody = false;
    }
}

fn scale(field: &str, scale: Scale, walk: &Walk, all: &mut Vec<FieldViolation>) {
    if scale.fleet == Role::Stable && scale.size != Size::FULL && !walk.nobody {
        let text =
            "stable keeps the capacity for 100 % until Promote; only a Route to nobody before frees it";
        all.push(FieldViolation::new(format!("{field}.size"), text));
    }
}
