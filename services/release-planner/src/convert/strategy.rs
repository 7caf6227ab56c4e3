//! Strategies: what the user asked for, and what the executor is given.

use bellwether_plan::{Recipe, StrategyKind, Tuning};
use bellwether_proto::executor::v1::{self as pb, strategy::Kind};
use bellwether_resource::time;

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
pub(super) fn tuning(asked: Option<&pb::Strategy>) -> Tuning {
    let Some(asked) = asked else { return Tuning::default() };
    let bake = asked.bake.as_ref();
    Tuning {
        strategy: asked_kind(asked.kind()),
        weights: asked.weights_percent.clone(),
        bake_min: bake.and_then(|bake| bake.min.as_ref()).and_then(time::span),
        bake_max: bake.and_then(|bake| bake.max.as_ref()).and_then(time::span),
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

/// What the executor is given: what was asked for, with the plan's numbers in it.
pub(super) fn planned(asked: Option<&pb::Strategy>, recipe: &Recipe) -> pb::Strategy {
    let mut strategy = asked.cloned().unwrap_or_default();
    strategy.set_kind(kind_of(recipe.kind));
    strategy.weights_percent.clone_from(&recipe.weights);
    let bake = strategy.bake.get_or_insert_default();
    bake.min = Some(time::to_duration(recipe.bake_min));
    bake.max = Some(time::to_duration(recipe.bake_max));
    strategy
}
