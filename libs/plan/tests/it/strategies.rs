//! The strategy table, and what overrides it.

use std::time::Duration;

use bellwether_plan::{ApplicationType, Capabilities, Capability, EnvironmentPlan, PlanError, StrategyKind};

use crate::fixtures::World;

fn production(world: &World) -> EnvironmentPlan {
    world.plan().unwrap().part(&"production".into()).unwrap().clone()
}

fn warnings(world: &World) -> Vec<String> {
    let warnings = world.plan().unwrap().warnings;
    warnings.into_iter().filter(|w| w.environment.as_str() == "production").map(|w| w.code).collect()
}

#[test]
fn g16_the_table_row_by_row() {
    let rows = [
        (ApplicationType::ECommerce, StrategyKind::BlueGreen, 0),
        (ApplicationType::BankingApi, StrategyKind::BlueGreenCanary, 0),
        (ApplicationType::InternalTool, StrategyKind::Rolling, 5),
        (ApplicationType::Batch, StrategyKind::Rolling, 30),
        (ApplicationType::StaticSite, StrategyKind::BlueGreen, 0),
        (ApplicationType::Custom, StrategyKind::Canary, 0),
    ];
    for (kind, strategy, minutes) in rows {
        let world = World::new(kind);
        assert_eq!(production(&world).choice.chosen, strategy, "{kind:?}");
        assert_eq!(world.application.downtime_tolerance(), Duration::from_secs(minutes * 60), "{kind:?}");
    }
}

#[test]
fn g17_rolling_breaks_a_rollback_slo_of_five_minutes() {
    let mut world = World::new(ApplicationType::InternalTool).each_deployment(|deployment| {
        deployment.tuning.strategy = Some(StrategyKind::Rolling);
    });
    assert!(!warnings(&world).contains(&"ROLLBACK_SLO".into()));
    world.application.rollback_slo = Some(Duration::from_secs(5 * 60));
    assert_eq!(production(&world).choice.chosen, StrategyKind::Rolling, "asked for: flagged, not refused");
    assert!(warnings(&world).contains(&"ROLLBACK_SLO".into()));
}

#[test]
fn what_breaks_the_rollback_slo_is_not_chosen_by_itself_and_said() {
    let mut world = World::new(ApplicationType::InternalTool);
    world.application.rollback_slo = Some(Duration::from_secs(5 * 60));
    let choice = production(&world).choice;
    assert_eq!((choice.chosen, choice.slo_broken_by), (StrategyKind::Canary, Some(StrategyKind::Rolling)));
    assert!(warnings(&world).contains(&"ROLLBACK_SLO".into()));
    let rolling = choice.considered.iter().find(|c| c.kind == StrategyKind::Rolling).unwrap();
    assert_eq!(rolling.reason, "taking it back may last 15 min, the rollback SLO is 5 min");
}

#[test]
fn the_platform_decides_what_is_possible() {
    let world = World::new(ApplicationType::ECommerce).serving().each_deployment(|deployment| {
        deployment.capabilities =
            Capabilities::from_iter([Capability::Weights, Capability::Surge, Capability::Confirm]);
        deployment.tuning.shape.preview = true;
    });
    let choice = production(&world).choice;
    assert_eq!(choice.chosen, StrategyKind::Canary);
    let blue_green = choice.considered.iter().find(|c| c.kind == StrategyKind::BlueGreen).unwrap();
    assert_eq!(blue_green.missing, [Capability::Preview]);
}

#[test]
fn r38_a_strategy_that_the_platform_cannot_do_is_refused_with_what_is_missing_everywhere() {
    let world = World::new(ApplicationType::Custom).serving().each_deployment(|deployment| {
        deployment.capabilities = Capabilities::default();
        deployment.tuning.strategy = Some(StrategyKind::BlueGreenCanary);
    });
    let errors = world.plan().unwrap_err();
    assert_eq!(errors.len(), 3, "one per environment");
    for error in errors {
        let PlanError::NoStrategy { considered, .. } = error else { panic!("{error}") };
        let wanted = considered.iter().find(|c| c.kind == StrategyKind::BlueGreenCanary).unwrap();
        assert_eq!(wanted.missing, [Capability::Weights, Capability::Surge, Capability::Confirm]);
    }
}

#[test]
fn r38_falling_weights_and_unknown_environments_are_refused_at_once() {
    let mut world = World::new(ApplicationType::Custom).each_deployment(|deployment| {
        deployment.tuning.weights = vec![50.0, 10.0];
    });
    world.environments.remove(&bellwether_plan::EnvironmentId::from("production"));
    let errors = world.plan().unwrap_err();
    let weights = errors.iter().filter(|error| matches!(error, PlanError::Weights { .. })).count();
    assert_eq!((errors.len(), weights), (3, 2));
    assert!(errors.contains(&PlanError::UnknownEnvironment("production".into())));
}

#[test]
fn what_has_downtime_needs_a_tolerance() {
    let recreate = |kind| {
        World::new(kind).each_deployment(|deployment| {
            deployment.tuning.strategy = Some(StrategyKind::Recreate);
        })
    };
    assert!(recreate(ApplicationType::ECommerce).plan().is_err());
    assert_eq!(production(&recreate(ApplicationType::Batch)).choice.chosen, StrategyKind::Recreate);
}

#[test]
fn the_band_chooses_ramp_and_bakes_and_the_user_wins() {
    let banking = production(&World::new(ApplicationType::BankingApi).serving());
    assert_eq!(banking.recipe.weights, [10.0, 25.0, 50.0, 100.0]);
    let tuned = World::new(ApplicationType::BankingApi).each_deployment(|deployment| {
        deployment.tuning.weights = vec![20.0];
        deployment.tuning.bake.min = Some(Duration::from_secs(2));
    });
    let recipe = production(&tuned).recipe;
    assert_eq!((recipe.weights, recipe.bake_min), (vec![20.0, 100.0], Duration::from_secs(2)));
}

#[test]
fn steps_that_are_written_out_need_what_they_use_and_nothing_is_compared_with_nothing() {
    use bellwether_rollout::{Mirror, Percent, Route, Step};
    let mirror = Some(Mirror { percent: Percent::FULL, unsafe_methods: false });
    let copies = Step::Route(Route { percent: Some(Percent::ZERO), mirror, ..Route::default() });
    let written = |world: World| {
        world.each_deployment(|deployment| {
            deployment.tuning.strategy = Some(StrategyKind::Custom);
            deployment.tuning.shape.steps = vec![copies.clone()];
            deployment.tuning.shape.drains = true;
        })
    };
    let later = production(&written(World::new(ApplicationType::Custom).serving()));
    assert_eq!(later.needs, [Capability::Surge, Capability::Mirror, Capability::Confirm, Capability::Drain]);
    let first = production(&written(World::new(ApplicationType::Custom)));
    assert_eq!(first.needs, [Capability::Confirm, Capability::Drain]);
}
