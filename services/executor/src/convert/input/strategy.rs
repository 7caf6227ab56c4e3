//! The strategy as asked for.

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{Affinity, Strategy};

use super::{recipe, step};
use crate::convert::fields::Fields;

/// The strategy, and whether clients stay where they were sent. `preview`: the target has a preview ingress.
pub(crate) fn strategy(
    fields: &Fields<'_>,
    given: &pb::Strategy,
    preview: bool,
) -> (Strategy, Option<Affinity>) {
    use pb::strategy::Kind;
    let Some(kind) = fields.choice("kind", given.kind) else {
        return (Strategy::Direct, None);
    };
    foreign(fields, given, kind);
    let strategy = match kind {
        Kind::Unspecified | Kind::Canary => Strategy::Canary(recipe::canary(fields, given)),
        Kind::BlueGreen => Strategy::BlueGreen(recipe::blue_green(fields, given, preview, false)),
        Kind::BlueGreenCanary => Strategy::BlueGreen(recipe::blue_green(fields, given, preview, true)),
        Kind::Rolling => Strategy::Rolling(recipe::rolling(fields, given)),
        Kind::Recreate => Strategy::Recreate(recipe::recreate(fields, given)),
        Kind::Direct => Strategy::Direct,
        Kind::Custom => Strategy::Steps(step::steps(fields, &given.steps)),
    };
    let sticky = given.sticky || given.steps.iter().any(sticky);
    (strategy, sticky.then(Affinity::default))
}

fn sticky(step: &pb::Step) -> bool {
    matches!(&step.kind, Some(pb::step::Kind::Route(route)) if route.sticky)
}

/// Fields of another kind would be ignored silently: they are refused instead.
fn foreign(fields: &Fields<'_>, given: &pb::Strategy, kind: pb::strategy::Kind) {
    use pb::strategy::Kind;
    let weighted = matches!(kind, Kind::Unspecified | Kind::Canary | Kind::BlueGreenCanary);
    let blue_green = matches!(kind, Kind::BlueGreen | Kind::BlueGreenCanary);
    let rolling = kind == Kind::Rolling;
    let refuse = |present: bool, belongs: bool, name: &'static str, kinds: &str| {
        if present && !belongs {
            fields.refuse(
                name,
                "given",
                format!("nothing for {}; it belongs to {kinds}", kind.as_str_name()),
            );
        }
    };
    refuse(!given.weights_percent.is_empty(), weighted, "weights_percent", "CANARY and BLUE_GREEN_CANARY");
    refuse(!given.bakes.is_empty(), weighted, "bakes", "CANARY and BLUE_GREEN_CANARY");
    refuse(given.preview_bake.is_some(), blue_green, "preview_bake", "BLUE_GREEN and BLUE_GREEN_CANARY");
    refuse(given.preview_instances != 0, blue_green, "preview_instances", "BLUE_GREEN and BLUE_GREEN_CANARY");
    refuse(given.batch != 0, rolling, "batch", "ROLLING");
    refuse(given.max_surge.is_some(), rolling, "max_surge", "ROLLING");
    refuse(given.max_unavailable.is_some(), rolling, "max_unavailable", "ROLLING");
    refuse(!given.steps.is_empty(), kind == Kind::Custom, "steps", "CUSTOM");
}
