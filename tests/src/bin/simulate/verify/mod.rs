//! What must be true once faults have stopped and everything has ended.

mod notifications;
mod traffic;
mod watches;

use anyhow::ensure;

use crate::world::World;

pub(crate) use watches::has_caught_up;

/// Whether nothing more happens by itself: every target is as it is wanted, and the outsider has seen it all.
pub(crate) fn at_rest(world: &World) -> anyhow::Result<()> {
    traffic::at_rest(world)?;
    has_caught_up(world)
}

/// Everything that must be true.
pub(crate) fn all(world: &World) -> anyhow::Result<()> {
    ensure!(world.story().settled, "the people did not see the end");
    let broken = world.rules().broken();
    ensure!(broken.is_empty(), "invariants are broken:\n{}", broken.join("\n"));
    ensure!(world.rules().checked() > 0, "no state was checked");
    traffic::right(world)?;
    watches::complete(world)?;
    notifications::delivered(world)
}
