//! Everything that was to be told was told, at least once, always under the same id.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use bellwether_proto::notifier::v1::{Delivery, delivery::State};

use crate::world::World;

/// The ends of rollouts, as facts of the executor.
const ENDS: [&str; 4] =
    ["ROLLOUT_SUCCEEDED", "ROLLOUT_ROLLED_BACK", "ROLLOUT_SUPERSEDED", "ROLLOUT_CANCELLED"];

pub(super) fn delivered(world: &World) -> anyhow::Result<()> {
    let deliveries = world.story().deliveries.clone();
    same_ids(world, &deliveries)?;
    every_end_is_told(world, &deliveries)
}

/// What is recorded as delivered came; what came is recorded as delivered, or as replaced where its answer was lost;
/// one id is one message, and one fact has one id.
fn same_ids(world: &World, deliveries: &[Delivery]) -> anyhow::Result<()> {
    let dead: Vec<_> = deliveries.iter().filter(|it| it.state() == State::Dead).collect();
    ensure!(dead.is_empty(), "given up: {dead:#?}");
    let ids = |states: &[State]| {
        let those = deliveries.iter().filter(|it| states.contains(&it.state()));
        those.map(|it| it.message_id.clone()).collect::<BTreeSet<_>>()
    };
    let (delivered, sent) = (ids(&[State::Delivered]), ids(&[State::Delivered, State::Coalesced]));
    let received = world.received();
    let came: BTreeSet<_> = received.keys().cloned().collect();
    let lost: Vec<_> = delivered.difference(&came).collect();
    let invented: Vec<_> = came.difference(&sent).collect();
    ensure!(lost.is_empty() && invented.is_empty(), "lost {lost:?}, not recorded {invented:?}");
    let mut facts = BTreeMap::new();
    for (id, bodies) in received.iter() {
        let first = bodies.first().context("an id without a body")?;
        ensure!(bodies.iter().all(|it| it == first), "{id} came with several bodies: {bodies:#?}");
        let fact = first["id"].to_string();
        let other = facts.insert(fact.clone(), id.clone());
        ensure!(other.is_none(), "the fact {fact} came as {id} and as {other:?}");
    }
    Ok(())
}

/// Each end of a rollout is one delivery.
fn every_end_is_told(world: &World, deliveries: &[Delivery]) -> anyhow::Result<()> {
    let label = |it: &Delivery, key: &str| it.message.as_ref().and_then(|it| it.labels.get(key).cloned());
    let told = deliveries.iter().filter(|it| it.state() == State::Delivered);
    let told: Vec<_> = told.map(|it| (label(it, "fact"), label(it, "rollout"))).collect();
    let ledger = world.ledger();
    let ends = ledger.get(World::EXECUTOR).into_iter().flatten();
    for end in ends.filter(|it| ENDS.contains(&it.kind.as_str())) {
        let id = end.rollout.with_context(|| format!("{end:?} is about no rollout"))?.to_string();
        let wanted = (Some(end.kind.clone()), Some(id.clone()));
        let times = told.iter().filter(|it| **it == wanted).count();
        ensure!(times == 1, "{} of {id} was told {times} times", end.kind);
    }
    Ok(())
}
