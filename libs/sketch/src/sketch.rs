//! Registers.

use crate::estimate;

/// 2^12.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// What the bits that choose no register leave room for.
pub const HIGHEST_RANK: u8 = RANK_BITS as u8 + 1;

const INDEX_BITS: u32 = 12;
const RANK_BITS: u32 = 64 - INDEX_BITS;
/// A rank takes six bits of an entry.
const ENTRY_SHIFT: u32 = 6;

/// The registers of what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch(Box<[u8; REGISTERS]>);

/// A number that names no register, or gives it a rank that no hash has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEntry(pub u32);

/// The register of a hash, and its rank there: one more than the zeros that its other bits begin with.
pub fn place(hash: u64) -> (usize, u8) {
    // 12 bits
    let index = (hash >> RANK_BITS) as usize;
    // the one that ends the zeros where all are
    let rest = (hash << INDEX_BITS) | 1 << (INDEX_BITS - 1);
    // at most 53
    (index, rest.leading_zeros() as u8 + 1)
}

/// A register and its rank as one number, `index × 64 + rank`: how sketches travel.
pub fn entry(index: usize, rank: u8) -> u32 {
    ((index as u32) << ENTRY_SHIFT) | u32::from(rank)
}

// === impl Sketch ===

impl Sketch {
    /// Of nothing.
    pub fn new() -> Self {
        Self(Box::new([0; REGISTERS]))
    }

    /// From ranks in order of the registers; those that are missing are 0.
    pub fn from_ranks(ranks: impl IntoIterator<Item = u8>) -> Self {
        let mut sketch = Self::new();
        for (register, rank) in sketch.0.iter_mut().zip(ranks) {
            *register = rank.min(HIGHEST_RANK);
        }
        sketch
    }

    /// Notes a thing by its hash. Says whether that changed anything.
    pub fn add(&mut self, hash: u64) -> bool {
        let (index, rank) = place(hash);
        self.raise(index, rank)
    }

    /// Raises a register to a rank as [`entry`] says it. Says whether that changed anything.
    ///
    /// # Errors
    /// See [`BadEntry`].
    pub fn raise_entry(&mut self, entry: u32) -> Result<bool, BadEntry> {
        let (index, rank) = read(entry)?;
        Ok(self.raise(index, rank))
    }

    /// Whether a number is an entry.
    ///
    /// # Errors
    /// See [`BadEntry`].
    pub fn check(entry: u32) -> Result<(), BadEntry> {
        read(entry).map(drop)
    }

    /// Adds everything that the other has seen. Says whether that changed anything.
    pub fn merge(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (mine, other) in self.0.iter_mut().zip(other.0.iter()) {
            changed |= *other > *mine;
            *mine = (*mine).max(*other);
        }
        changed
    }

    /// The ranks, in order of the registers.
    pub fn ranks(&self) -> &[u8; REGISTERS] {
        &self.0
    }

    /// Every register that has seen something, as an [`entry`].
    pub fn entries(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries_above(None)
    }

    /// Every register that is above that of `known`, as an [`entry`]: what has to be told to whoever has the latter.
    pub fn entries_above<'a>(&'a self, known: Option<&'a Self>) -> impl Iterator<Item = u32> + 'a {
        let known = move |index: usize| known.and_then(|known| known.0.get(index)).copied().unwrap_or(0);
        let above = self.0.iter().enumerate().filter(move |(index, rank)| **rank > known(*index));
        above.map(|(index, rank)| entry(index, *rank))
    }

    /// How many different things there were; the [standard error](crate::RELATIVE_STANDARD_ERROR) is relative to it.
    pub fn estimate(&self) -> f64 {
        estimate::of(self)
    }

    fn raise(&mut self, index: usize, rank: u8) -> bool {
        let Some(register) = self.0.get_mut(index) else { return false };
        let higher = rank > *register;
        *register = rank.max(*register);
        higher
    }
}

impl Default for Sketch {
    fn default() -> Self {
        Self::new()
    }
}

fn read(entry: u32) -> Result<(usize, u8), BadEntry> {
    let index = (entry >> ENTRY_SHIFT) as usize;
    // six bits
    let rank = (entry & ((1 << ENTRY_SHIFT) - 1)) as u8;
    if index < REGISTERS && (1..=HIGHEST_RANK).contains(&rank) {
        Ok((index, rank))
    } else {
        Err(BadEntry(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_one_more_than_the_zeros_after_the_index() {
        assert_eq!(place(0), (0, HIGHEST_RANK));
        assert_eq!(place(u64::MAX), (REGISTERS - 1, 1));
        assert_eq!(place(1), (0, 52));
        assert_eq!(place(1 << 51), (0, 1));
        assert_eq!(place((5 << 52) | (1 << 50)), (5, 2));
    }

    #[test]
    fn entries_carry_a_sketch_and_only_what_is_new() {
        let mut sketch = Sketch::new();
        (0..200_u64).for_each(|i| _ = sketch.add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let mut copy = Sketch::new();
        for entry in sketch.entries() {
            assert_eq!(copy.raise_entry(entry), Ok(true));
        }
        assert_eq!(copy, sketch);
        assert_eq!(sketch.entries_above(Some(&copy)).count(), 0);
        assert!(sketch.add(7 << 52));
        assert_eq!(sketch.entries_above(Some(&copy)).collect::<Vec<_>>(), [entry(7, HIGHEST_RANK)]);
        assert_eq!(Sketch::from_ranks(sketch.ranks().iter().copied()), sketch);
    }

    #[test]
    fn numbers_that_are_no_entries_change_nothing() {
        let mut sketch = Sketch::new();
        for bad in [0, 64, entry(0, HIGHEST_RANK) + 1, entry(REGISTERS, 1), u32::MAX] {
            assert_eq!(sketch.raise_entry(bad), Err(BadEntry(bad)));
            assert_eq!(Sketch::check(bad), Err(BadEntry(bad)));
        }
        assert_eq!(sketch, Sketch::new());
    }
}
