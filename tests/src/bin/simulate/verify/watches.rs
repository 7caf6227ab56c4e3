//! The outsider's streams, joined over every cut and crash, are the journals: nothing lost, nothing twice, in order.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};

use crate::{journal::Record, outsider::Sight, world::World};

/// Each kind of resource, whose journal it is in, and the prefix of its streams there.
const KINDS: [(&str, &str, &str); 3] = [
    ("releases", World::PLANNER, "releases/"),
    ("targets", World::EXECUTOR, "targets/"),
    (ROLLOUTS, World::EXECUTOR, "targets/"),
];
const ROLLOUTS: &str = "rollouts";

/// Whether the outsider has seen the last event of each journal.
pub(crate) fn has_caught_up(world: &World) -> anyhow::Result<()> {
    let seen = world.seen();
    for (kind, host, prefix) in KINDS {
        let last = committed(world, kind, host, prefix).last().map_or(0, |it| it.sequence);
        let seen = seen.changes.get(kind).and_then(|it| it.last()).map_or(0, |it| it.sequence);
        ensure!(seen >= last, "the outsider saw {kind} until {seen} of {last}");
    }
    Ok(())
}

/// What was seen is exactly what is in the journals.
pub(super) fn complete(world: &World) -> anyhow::Result<()> {
    let seen = world.seen();
    ensure!(seen.surprises.is_empty(), "{:?}", seen.surprises);
    for (kind, host, prefix) in KINDS {
        let changes = seen.changes.get(kind).with_context(|| format!("no change of {kind} was seen"))?;
        ensure!(changes.is_sorted_by(|a, b| a.sequence < b.sequence), "{kind} came out of order, or twice");
        let changes: BTreeSet<_> = changes.iter().cloned().collect();
        let committed: BTreeSet<_> = committed(world, kind, host, prefix).into_iter().collect();
        let lost: Vec<_> = committed.difference(&changes).collect();
        ensure!(lost.is_empty(), "{} changes of {kind} were lost, {:?} first", lost.len(), lost[0]);
        let more: Vec<_> = changes.difference(&committed).collect();
        let invented = more.iter().find(|it| kind != ROLLOUTS || !is_of_the_target(world, it));
        ensure!(invented.is_none(), "{kind}: {invented:?} was never committed");
    }
    Ok(())
}

/// What must be seen of a kind, in the order in which it was committed.
fn committed(world: &World, kind: &str, host: &str, prefix: &str) -> Vec<Sight> {
    let ledger = world.ledger();
    let records = ledger.get(host).into_iter().flatten().filter(|it| it.stream.starts_with(prefix));
    let name = |it: &Record| match kind {
        ROLLOUTS => it.rollout.map(|id| format!("rollouts/{id}")),
        _ => Some(it.stream.clone()),
    };
    let sight = |it: &Record| {
        let (sequence, version) = (it.position.cast_signed(), it.version.cast_signed());
        Some(Sight { sequence, version, name: name(it)?, fact: it.kind.clone() })
    };
    records.filter_map(sight).collect()
}

/// A fact of the target is told as one of the rollout at work too, where there is one.
fn is_of_the_target(world: &World, sight: &Sight) -> bool {
    let ledger = world.ledger();
    let mut records = ledger.get(World::EXECUTOR).into_iter().flatten();
    records.any(|it| {
        (it.position.cast_signed(), it.version.cast_signed()) == (sight.sequence, sight.version)
            && it.kind == sight.fact
            && it.rollout.is_none()
    })
}
