//! How many different things there were, in 4 KiB, however many they are: HyperLogLog (Flajolet, Fusy, Gandouet,
//! Meunier 2007) over 64-bit hashes.
//!
//! A hash chooses one of [`REGISTERS`] registers by its first bits; the register keeps the highest [rank](place) of what
//! it was given. So the same thing told again changes nothing, sketches of several sources are [merged](Sketch::merge) by
//! the larger of each pair of registers, and nothing of what was hashed can be read from one.

mod estimate;
mod sketch;

pub use estimate::RELATIVE_STANDARD_ERROR;
pub use sketch::{BadEntry, HIGHEST_RANK, REGISTERS, Sketch, entry, place};
