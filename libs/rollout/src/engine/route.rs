//! Splits as steps ask for them.

use std::collections::BTreeMap;

use super::Ctx;
use crate::{
    event::Event,
    model::{FleetId, MatchRoute, MirrorRoute, Percent, Reason, Route, Split},
};

/// The split that `route` asks for, with `share` for the candidate.
pub(super) fn split(ctx: &Ctx, route: &Route, share: Option<Percent>) -> Split {
    let candidate = ctx.candidate();
    let partial = share.is_some_and(|it| !it.is_zero() && it < Percent::FULL) || !route.matches.is_empty();
    Split {
        shares: shares(candidate, ctx.base(), share),
        matches: route
            .matches
            .iter()
            .map(|rule| MatchRoute { rule: rule.clone(), fleet: candidate })
            .collect(),
        mirror: route.mirror.map(|it| MirrorRoute {
            fleet: candidate,
            percent: it.percent,
            unsafe_methods: it.unsafe_methods,
        }),
        affinity: ctx.policies().affinity.clone().filter(|_| partial && ctx.base().is_some()),
        preview: route.preview.then_some(candidate),
    }
}

fn shares(candidate: FleetId, base: Option<FleetId>, share: Option<Percent>) -> BTreeMap<FleetId, Percent> {
    let Some(share) = share else { return BTreeMap::new() };
    let Some(base) = base else {
        return if share.is_zero() { BTreeMap::new() } else { BTreeMap::from([(candidate, Percent::FULL)]) };
    };
    [(candidate, share), (base, share.rest())].into_iter().filter(|(_, share)| !share.is_zero()).collect()
}

/// Wants `split`, if it is not wanted already.
pub(super) fn wanted(ctx: &Ctx, split: Split, reason: Option<Reason>) -> Option<Event> {
    let revision = ctx.state.route_revision + 1;
    (split != ctx.state.split).then_some(Event::Routed { split, revision, reason })
}

/// Whether the fleets can carry what `route` asks for: no share is raised above ready(fleet)/n.
pub(super) fn carried(ctx: &Ctx, route: &Route) -> bool {
    let share = route.percent.unwrap_or_default();
    let raises = |fleet, share| share > ctx.state.split.share(fleet);
    let candidate = ctx.candidate();
    let candidate_carries = !raises(candidate, share) || ctx.state.can_carry(candidate, share);
    let awake = !route.reaches_candidate() || ctx.state.ready(candidate) > 0;
    let base_carries = route.percent.is_none()
        || ctx
            .base()
            .is_none_or(|base| !raises(base, share.rest()) || ctx.base_can_carry(base, share.rest()));
    candidate_carries && awake && base_carries
}
