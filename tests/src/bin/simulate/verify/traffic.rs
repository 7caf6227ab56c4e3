//! Traffic is on the right fleet, and nothing else is left.

use anyhow::{Context as _, ensure};
use bellwether_proto::planner::v1::release;
use bellwether_rollout::{Percent, Split, State, TargetState};

use crate::{
    people::{TARGETS, Temper},
    world::World,
};

/// Every target has come to rest.
pub(super) fn at_rest(world: &World) -> anyhow::Result<()> {
    for (stream, state) in world.rules().targets() {
        ensure!(state.queue.is_empty(), "{stream} has rollouts at work");
        ensure!(state.aftercare.is_empty(), "{stream} has a fleet to retire");
        let stable = state.stable.with_context(|| format!("{stream} has no stable fleet"))?;
        let split = world.platform().control().split(&stream);
        ensure!(split == Split::all_to(stable), "{stream}: {split:?} instead of all to {stable}");
    }
    Ok(())
}

/// Every rollout has ended as it should, on every target the last one that succeeded serves, and nothing else runs.
pub(super) fn right(world: &World) -> anyhow::Result<()> {
    let targets = world.rules().targets();
    for name in TARGETS {
        let state = targets.get(name).with_context(|| format!("{name} was never heard of"))?;
        target(world, name, state).with_context(|| name.to_owned())?;
    }
    releases(world)
}

fn target(world: &World, name: &str, state: &TargetState) -> anyhow::Result<()> {
    for rollout in state.rollouts.values() {
        ensure!(rollout.ended(), "{} is {}", rollout.id(), rollout.state.name());
    }
    let stable = state.stable.context("no stable fleet")?;
    let succeeded = state.rollouts.values().filter(|it| it.state == State::Succeeded);
    let last = succeeded.max_by_key(|it| it.id()).context("nothing has succeeded")?;
    ensure!(last.fleet == stable, "{stable} is stable, and {} succeeded last", last.fleet);
    let version = world.versions().get(&stable).cloned().context("a fleet without a version")?;
    ensure!(Temper::of(&version) == Temper::Good, "{version} serves");
    let control = world.platform().control();
    ensure!(control.split(name).share(stable) == Percent::FULL, "{:?}", control.split(name));
    let stats = control.stats(name);
    for fleet in stats.started.keys() {
        let wanted = if *fleet == stable { state.instances() } else { 0 };
        let there = control.instances(name, *fleet).len();
        ensure!(there == wanted as usize, "{there} instances of {fleet} run, {wanted} should");
    }
    ensure!(stats.served_unready.is_empty(), "traffic without an instance: {:?}", stats.served_unready);
    Ok(())
}

/// A version that is not good completes nowhere; a good one does, unless a person or a newer release was in its way.
fn releases(world: &World) -> anyhow::Result<()> {
    let story = world.story();
    for (name, it) in &story.releases {
        let version = it.bundle.as_ref().map(|bundle| bundle.version.clone()).unwrap_or_default();
        let completed = it.state() == release::State::Completed;
        let excused = story.aborted.contains(name) || it.state() == release::State::Superseded;
        match Temper::of(&version) {
            Temper::Good => {
                ensure!(completed || excused, "{name} ({version}) is {:?}: {:?}", it.state(), it.reason);
            }
            Temper::Bad | Temper::Crashing => ensure!(!completed, "{name} ({version}) completed"),
        }
    }
    Ok(())
}
