use std::time::Duration;

use super::*;
use crate::model::{BlueGreen, CanaryStep, Rolling, StepKind};

fn bake() -> Bake {
    Bake { min: Duration::from_secs(1), max: Duration::from_secs(60), checks: true }
}

fn weight(percent: u32) -> CanaryStep {
    CanaryStep { percent: Percent::new(percent), scale: None, matches: vec![], mirror: None, bake: None }
}

fn kinds(strategy: &Strategy, n: u32, first: bool) -> Vec<StepKind> {
    steps(strategy, n, first).iter().map(Step::kind).collect()
}

#[test]
fn canary_scales_routes_and_bakes_each_weight() {
    use StepKind::{Bake, Promote, Route, Scale};
    let canary = Canary { steps: vec![weight(10), weight(50), weight(100)], bake: bake(), validate: bake() };
    let strategy = Strategy::Canary(canary);
    let each = [Scale, Route, Bake];
    assert_eq!(kinds(&strategy, 4, false), [&each[..], &each, &each, &[Promote]].concat());
    assert_eq!(kinds(&strategy, 4, true), [Scale, Route, Bake, Promote]);
}

#[test]
fn blue_green_previews_then_scales_then_flips() {
    use StepKind::{Bake, Promote, Route, Scale};
    let plan = BlueGreen {
        preview_size: Some(Size::Count(1)),
        preview: Some(bake()),
        ramp: vec![],
        bake: bake(),
        validate: bake(),
    };
    let strategy = Strategy::BlueGreen(plan);
    assert_eq!(kinds(&strategy, 3, false), [Scale, Route, Bake, Scale, Route, Bake, Promote]);
}

#[test]
fn rolling_covers_all_instances() {
    let plan = |batch| Rolling {
        batch,
        max_surge: Size::Count(1),
        max_unavailable: Size::NONE,
        bake: None,
        validate: bake(),
    };
    let batches = |batch, n| {
        let all = kinds(&Strategy::Rolling(plan(batch)), n, false);
        all.iter().filter(|kind| **kind == StepKind::Replace).count()
    };
    assert_eq!(batches(Size::Count(2), 5), 3);
    assert_eq!(batches(Size::Percent(Percent::new(25)), 4), 4);
    assert_eq!(batches(Size::FULL, 1), 1);
}

#[test]
fn written_steps_are_completed() {
    let written = vec![
        Scale::candidate(Size::Count(1)),
        Step::Route(Route::share(Percent::new(25))),
        Step::Bake(bake()),
    ];
    let all = kinds(&Strategy::Steps(written), 4, false);
    use StepKind as K;
    assert_eq!(all, [K::Scale, K::Route, K::Bake, K::Scale, K::Route, K::Bake, K::Promote]);
}

#[test]
fn r38_every_violation_is_named() {
    let wrong = Strategy::Steps(vec![
        Step::Route(Route::share(Percent::new(50))),
        Step::Route(Route::share(Percent::new(20))),
        Step::Remove,
        Step::Scale(Scale { fleet: Role::Stable, size: Size::Count(1) }),
        Step::Bake(Bake { min: Duration::from_secs(9), max: Duration::from_secs(1), checks: true }),
    ]);
    let fields: Vec<_> = validate(&wrong).into_iter().map(|it| it.field).collect();
    assert_eq!(fields, ["steps[1].percent", "steps[2]", "steps[3].size", "steps[4].max"]);
}

#[test]
fn every_recipe_is_valid_when_written_out() {
    let canary = Canary { steps: vec![weight(10)], bake: bake(), validate: bake() };
    for strategy in
        [Strategy::Canary(canary), Strategy::Recreate(Recreate { validate: bake() }), Strategy::Direct]
    {
        let all = steps(&strategy, 4, false);
        assert_eq!(validate(&Strategy::Steps(all.clone())), []);
        assert_eq!(steps(&Strategy::Steps(all.clone()), 4, false), all);
    }
}
