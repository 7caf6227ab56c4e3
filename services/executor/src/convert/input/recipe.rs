//! The recipes with their defaults.

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{Bake, BlueGreen, Canary, CanaryStep, Percent, Recreate, Rolling, Size};

use super::{bake, step};
use crate::convert::fields::Fields;

const WEIGHTS: [f64; 4] = [10.0, 25.0, 50.0, 100.0];

pub(super) fn canary(fields: &Fields<'_>, given: &pb::Strategy) -> Canary {
    let between = bake::bake(&fields.at("bake"), given.bake.as_ref(), bake::default());
    let steps = weights(fields, given);
    Canary { validate: validate(fields, given, between, &steps), steps, bake: between }
}

pub(super) fn blue_green(fields: &Fields<'_>, given: &pb::Strategy, preview: bool, ramp: bool) -> BlueGreen {
    let between = bake::bake(&fields.at("bake"), given.bake.as_ref(), bake::default());
    let preview_bake = bake::bake(&fields.at("preview_bake"), given.preview_bake.as_ref(), between);
    if !preview && (given.preview_bake.is_some() || given.preview_instances != 0) {
        let name = if given.preview_bake.is_some() { "preview_bake" } else { "preview_instances" };
        fields.refuse(name, "given", "nothing: the target has no preview ingress");
    }
    let preview_size = match fields.count("preview_instances", given.preview_instances, 0..=10_000) {
        0 => None,
        count => Some(Size::Count(count)),
    };
    let ramp = if ramp { weights(fields, given) } else { Vec::new() };
    BlueGreen {
        preview_size: preview_size.filter(|_| preview),
        preview: preview.then_some(preview_bake),
        validate: validate(fields, given, between, &ramp),
        ramp,
        bake: between,
    }
}

/// The bake at 100 %: that of its share, where there is one.
fn validate(fields: &Fields<'_>, given: &pb::Strategy, between: Bake, steps: &[CanaryStep]) -> Bake {
    let usual = bake::bake(&fields.at("final_bake"), given.final_bake.as_ref(), between);
    steps.iter().find(|step| step.percent == Percent::FULL).and_then(|step| step.bake).unwrap_or(usual)
}

pub(super) fn rolling(fields: &Fields<'_>, given: &pb::Strategy) -> Rolling {
    let between = bake::bake(&fields.at("bake"), given.bake.as_ref(), bake::default());
    let batch = match fields.count("batch", given.batch, 0..=10_000) {
        0 => Size::Percent(Percent::new(25)),
        batch => Size::Count(batch),
    };
    let unavailable = fields.count("max_unavailable", given.max_unavailable.unwrap_or(0), 0..=10_000);
    let surge = given.max_surge.unwrap_or(i32::from(unavailable == 0));
    let surge = fields.count("max_surge", surge, 0..=10_000);
    if surge == 0 && unavailable == 0 {
        fields.refuse("max_surge", "0", "above 0 where max_unavailable is 0: nothing could be swapped");
    }
    Rolling {
        batch,
        max_surge: Size::Count(surge),
        max_unavailable: Size::Count(unavailable),
        bake: Some(between),
        validate: bake::bake(&fields.at("final_bake"), given.final_bake.as_ref(), between),
    }
}

pub(super) fn recreate(fields: &Fields<'_>, given: &pb::Strategy) -> Recreate {
    let between = bake::bake(&fields.at("bake"), given.bake.as_ref(), bake::default());
    Recreate { validate: bake::bake(&fields.at("final_bake"), given.final_bake.as_ref(), between) }
}

/// Match rules hold from the first weight on; a mirror comes before any weight, on as many instances as the first. Each
/// weight may have a bake of its own.
fn weights(fields: &Fields<'_>, given: &pb::Strategy) -> Vec<CanaryStep> {
    let given_weights = if given.weights_percent.is_empty() { &WEIGHTS } else { &given.weights_percent[..] };
    rising(fields, given_weights);
    let matches = step::matches(fields, &given.r#match);
    let plain =
        |percent| CanaryStep { percent, scale: None, matches: matches.clone(), mirror: None, bake: None };
    let percents: Vec<Percent> =
        given_weights.iter().filter_map(|percent| Percent::from_f64(*percent)).collect();
    let mut steps: Vec<CanaryStep> = percents.iter().map(|percent| plain(*percent)).collect();
    if given.bakes.len() > given_weights.len() {
        let most = format!("at most one for each weight: {}", given_weights.len());
        fields.refuse("bakes", given.bakes.len().to_string(), most);
    }
    for (at, (step, own)) in steps.iter_mut().zip(&given.bakes).enumerate() {
        step.bake = Some(bake::explicit(&fields.nth("bakes", at), own));
    }
    if let Some(mirror) = step::mirror(fields, given.mirror_percent) {
        let scale = percents.first().map(|percent| Size::Percent(*percent));
        steps.insert(0, CanaryStep { scale, mirror: Some(mirror), ..plain(Percent::ZERO) });
    }
    steps
}

fn rising(fields: &Fields<'_>, weights: &[f64]) {
    fields.at_most("weights_percent", weights.len(), 100);
    let mut before = 0.0;
    for (at, weight) in weights.iter().enumerate() {
        if !(*weight > before && *weight <= 100.0) {
            let allowed = format!("above {before}, at most 100");
            fields.refuse(&format!("weights_percent[{at}]"), weight.to_string(), allowed);
        }
        before = weight.max(before);
    }
    if weights.last().is_some_and(|last| *last < 100.0) {
        fields.refuse("weights_percent", format!("ends with {before}"), "ends with 100");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::convert::fields::read;

    #[test]
    fn the_bake_of_the_last_share_is_the_validation() {
        let seconds = |max| Duration::from_secs(max);
        let given =
            |max| pb::Bake { min: Some(seconds(0).into()), max: Some(seconds(max).into()), no_checks: false };
        let strategy = pb::Strategy {
            weights_percent: vec![50.0, 100.0],
            bakes: vec![given(1), given(2)],
            final_bake: Some(given(3)),
            ..Default::default()
        };
        let canary = read(|fields| canary(fields, &strategy)).unwrap();
        let ramp = read(|fields| blue_green(fields, &strategy, false, true)).unwrap();
        assert_eq!((canary.validate.max, ramp.validate.max), (seconds(2), seconds(2)));
        let fewer = pb::Strategy { bakes: vec![given(1)], ..strategy };
        let canary = read(|fields| super::canary(fields, &fewer)).unwrap();
        assert_eq!(canary.validate.max, seconds(3));
    }
}
