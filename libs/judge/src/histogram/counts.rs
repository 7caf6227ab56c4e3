//! Counts side by side, in as many bits as they need.

/// All in 32 bits, until one of them needs more.
#[derive(Debug)]
pub(super) enum Counts {
    /// In 32 bits.
    Narrow(Box<[u32]>),
    /// In 64 bits.
    Wide(Box<[u64]>),
}

/// One after the other.
#[derive(Clone)]
enum Iter<'a> {
    Narrow(std::slice::Iter<'a, u32>),
    Wide(std::slice::Iter<'a, u64>),
}

// === impl Counts ===

impl Default for Counts {
    fn default() -> Self {
        Self::Narrow(Box::default())
    }
}

impl Clone for Counts {
    fn clone(&self) -> Self {
        match self {
            Self::Narrow(counts) => Self::Narrow(counts.clone()),
            Self::Wide(counts) => Self::Wide(counts.clone()),
        }
    }

    /// Keeps the memory where there are as many.
    fn clone_from(&mut self, other: &Self) {
        match (self, other) {
            (Self::Narrow(counts), Self::Narrow(others)) => counts.clone_from(others),
            (Self::Wide(counts), Self::Wide(others)) => counts.clone_from(others),
            (this, _) => *this = other.clone(),
        }
    }
}

impl PartialEq for Counts {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Counts {
    pub(super) fn of(counts: Vec<u64>) -> Self {
        match counts.iter().map(|count| u32::try_from(*count)).collect() {
            Ok(narrow) => Self::Narrow(narrow),
            Err(_) => Self::Wide(counts.into()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Narrow(counts) => counts.len(),
            Self::Wide(counts) => counts.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn get(&self, at: usize) -> u64 {
        match self {
            Self::Narrow(counts) => counts.get(at).map_or(0, |count| u64::from(*count)),
            Self::Wide(counts) => counts.get(at).copied().unwrap_or(0),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + Clone + '_ {
        match self {
            Self::Narrow(counts) => Iter::Narrow(counts.iter()),
            Self::Wide(counts) => Iter::Wide(counts.iter()),
        }
    }

    /// The sum of those from this one on.
    pub(super) fn sum_from(&self, at: usize) -> u64 {
        match self {
            Self::Narrow(counts) => counts.get(at..).unwrap_or_default().iter().map(|n| u64::from(*n)).sum(),
            Self::Wide(counts) => counts.get(at..).unwrap_or_default().iter().sum(),
        }
    }

    /// Adds to one; with it come those before it.
    pub(super) fn add(&mut self, at: usize, count: u64) {
        if at >= self.len() {
            match self {
                Self::Narrow(counts) => grow(counts, 0, at + 1 - counts.len()),
                Self::Wide(counts) => grow(counts, 0, at + 1 - counts.len()),
            }
        }
        let sum = self.get(at).saturating_add(count);
        match (&mut *self, u32::try_from(sum)) {
            (Self::Narrow(counts), Ok(sum)) => put(counts, at, sum),
            (Self::Narrow(counts), Err(_)) => {
                let mut wide: Box<[u64]> = counts.iter().map(|n| u64::from(*n)).collect();
                put(&mut wide, at, sum);
                *self = Self::Wide(wide);
            }
            (Self::Wide(counts), _) => put(counts, at, sum),
        }
    }

    /// So many zeros before all others.
    pub(super) fn prepend(&mut self, zeros: usize) {
        match self {
            Self::Narrow(counts) => grow(counts, zeros, 0),
            Self::Wide(counts) => grow(counts, zeros, 0),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Narrow(counts) => counts.fill(0),
            Self::Wide(counts) => counts.fill(0),
        }
    }
}

fn put<N>(counts: &mut [N], at: usize, count: N) {
    if let Some(slot) = counts.get_mut(at) {
        *slot = count;
    }
}

/// With so many zeros before and after; no more room than they need: thousands are kept, and their range hardly grows.
fn grow<N: Copy + Default>(counts: &mut Box<[N]>, before: usize, after: usize) {
    let zeros = |count: usize| std::iter::repeat_n(N::default(), count);
    *counts = zeros(before).chain(counts.iter().copied()).chain(zeros(after)).collect();
}

// === impl Iter ===

impl Iterator for Iter<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        match self {
            Self::Narrow(counts) => counts.next().map(|count| u64::from(*count)),
            Self::Wide(counts) => counts.next().copied(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Narrow(counts) => counts.size_hint(),
            Self::Wide(counts) => counts.size_hint(),
        }
    }
}
