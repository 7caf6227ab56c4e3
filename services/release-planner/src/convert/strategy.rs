//! Strategies: what the user asked for, and what the executor is given.

use bellwether_plan::{AskedBake, EnvironmentPlan, PlannedBake, Shape, StrategyKind, Tuning};
use bellwether_proto::{
    executor::v1::{self as pb, strategy::Kind},
    planner::v1::Deployment,
};
use bellwether_resource::time;

use super::steps::steps;

/// A kind for the contract.
pub(crate) fn kind_of(kind: StrategyKind) -> Kind {
    match kind {
        StrategyKind::Canary => Kind::Canary,
        StrategyKind::BlueGreen => Kind::BlueGreen,
        StrategyKind::BlueGreenCanary => Kind::BlueGreenCanary,
        StrategyKind::Rolling => Kind::Rolling,
        StrategyKind::Recreate => Kind::Recreate,
        StrategyKind::Custom => Kind::Custom,
    }
}

/// What the user set. Kinds that cannot be asked for were refused before.
pub(super) fn tuning(asked: Option<&pb::Strategy>, deployment: &Deployment) -> Tuning {
    let none = pb::Strategy::default();
    let asked = asked.unwrap_or(&none);
    Tuning {
        strategy: asked_kind(asked.kind()),
        weights: asked.weights_percent.clone(),
        bake: asked_bake(asked.bake.as_ref()),
        bakes: asked.bakes.iter().map(|bake| asked_bake(Some(bake))).collect(),
        preview_bake: asked_bake(asked.preview_bake.as_ref()),
        final_bake: asked_bake(asked.final_bake.as_ref()),
        shape: shape(asked, deployment),
    }
}

fn asked_bake(bake: Option<&pb::Bake>) -> AskedBake {
    let span =
        |of: fn(&pb::Bake) -> Option<&bellwether_proto::Duration>| bake.and_then(of).and_then(time::span);
    AskedBake {
        min: span(|bake| bake.min.as_ref()),
        max: span(|bake| bake.max.as_ref()),
        no_checks: bake.map(|bake| bake.no_checks),
    }
}

fn shape(asked: &pb::Strategy, deployment: &Deployment) -> Shape {
    let sticky = |step: &pb::Step| matches!(&step.kind, Some(pb::step::Kind::Route(route)) if route.sticky);
    let drain = deployment.policy.as_ref().and_then(|policy| policy.drain.as_ref()).and_then(time::span);
    let unavailable = asked.max_unavailable.unwrap_or(0);
    Shape {
        preview: deployment.preview.is_some(),
        matches: !asked.r#match.is_empty(),
        mirror: asked.mirror_percent > 0.0,
        sticky: asked.sticky || asked.steps.iter().any(sticky),
        // the executor's default is 30 s
        drains: drain.is_none_or(|drain| !drain.is_zero()),
        batch: u32::try_from(asked.batch).unwrap_or(0),
        surges: asked.max_surge.unwrap_or(i32::from(unavailable == 0)) > 0,
        steps: steps(&asked.steps),
    }
}

fn asked_kind(kind: Kind) -> Option<StrategyKind> {
    match kind {
        Kind::Unspecified | Kind::Direct => None,
        Kind::Canary => Some(StrategyKind::Canary),
        Kind::BlueGreen => Some(StrategyKind::BlueGreen),
        Kind::BlueGreenCanary => Some(StrategyKind::BlueGreenCanary),
        Kind::Rolling => Some(StrategyKind::Rolling),
        Kind::Recreate => Some(StrategyKind::Recreate),
        Kind::Custom => Some(StrategyKind::Custom),
    }
}

/// What the executor is given: what was asked for, with the plan's numbers in it. `preview`: the target has a preview route.
pub(super) fn planned(asked: Option<&pb::Strategy>, part: &EnvironmentPlan, preview: bool) -> pb::Strategy {
    let mut strategy = asked.cloned().unwrap_or_default();
    let recipe = &part.recipe;
    strategy.set_kind(kind_of(recipe.kind));
    strategy.weights_percent.clone_from(&recipe.weights);
    let no_checks = strategy.bake.is_some_and(|bake| bake.no_checks);
    let recipes = pb::Bake {
        min: Some(time::to_duration(recipe.bake_min)),
        max: Some(time::to_duration(recipe.bake_max)),
        no_checks,
    };
    strategy.bake = Some(recipes);
    // bakes belong to shares that were asked for with them
    let shares = asked.is_some_and(|asked| !asked.weights_percent.is_empty());
    let stated = std::mem::take(&mut strategy.bakes);
    let stated = if shares { stated.as_slice() } else { &[] };
    if recipe.kind != StrategyKind::Custom {
        set_bakes(&mut strategy, &part.bakes, stated, preview);
    }
    strategy
}

/// Each bake as long as the plan has it, judged as it was asked for; `stated` are those of the shares. Plans of former builds
/// have none.
fn set_bakes(strategy: &mut pb::Strategy, planned: &[PlannedBake], stated: &[pb::Bake], preview: bool) {
    let usual = strategy.bake.is_some_and(|bake| bake.no_checks);
    let own = |like: Option<&pb::Bake>, bake: &PlannedBake| pb::Bake {
        min: Some(time::to_duration(bake.min)),
        max: Some(time::to_duration(bake.max)),
        no_checks: like.map_or(usual, |like| like.no_checks),
    };
    let (apart, between): (Vec<_>, Vec<_>) =
        planned.iter().filter(|bake| bake.share_percent < 100.0).partition(|bake| bake.share_percent <= 0.0);
    if let Some(last) = planned.iter().rfind(|bake| bake.share_percent >= 100.0) {
        let full = strategy.weights_percent.len().checked_sub(1).and_then(|at| stated.get(at));
        strategy.final_bake = Some(own(full.or(strategy.final_bake.as_ref()), last));
    }
    if strategy.weights_percent.is_empty() {
        strategy.bake = between.first().map(|bake| own(None, bake)).or(strategy.bake);
    } else {
        strategy.bakes = between.iter().enumerate().map(|(at, bake)| own(stated.get(at), bake)).collect();
    }
    let previews = matches!(strategy.kind(), Kind::BlueGreen | Kind::BlueGreenCanary);
    // the bake on copies of requests, which comes after it, is as `bake` says
    if let Some(first) = apart.first().filter(|_| previews && preview) {
        strategy.preview_bake = Some(own(strategy.preview_bake.as_ref(), first));
    }
}
