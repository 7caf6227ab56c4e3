//! Which fleet the next request goes to: exact shares, in an order that no client can march in step with.

use std::sync::atomic::{AtomicU64, Ordering};

/// Shares are exact to one thousandth of a percent.
const PARTS: u32 = 100_000;

/// Candidates for the multiplier of a permutation; more add nothing to its variety.
const MAX_UNITS: usize = 64;

/// Deals requests out in blocks. Each block holds every share exactly (10 % is one of every ten) at positions that
/// are permuted anew from block to block, so that a client with a pattern of its own (every second request goes to
/// another page) does not end up with one pattern on one fleet, as plain smooth weighting would let it.
///
/// The permutation of a block of size B is p ↦ (a·p + c) mod B, a a unit modulo B, both drawn by a hash of the
/// block's number: each position is equally likely to be any slot.
#[derive(Debug)]
pub struct Split {
    /// (fleet, end of its slots), ends ascending, the last is `block`.
    slots: Box<[(usize, u32)]>,
    block: u32,
    units: Box<[u32]>,
    seed: u64,
    next: AtomicU64,
}

// === impl Split ===

impl Split {
    /// Shares as (fleet, percent); those of zero are left out. `None` when nothing is left.
    /// They are taken relative to their sum.
    pub fn new(shares: &[(usize, f64)], seed: u64) -> Option<Self> {
        let shares: Vec<_> = shares.iter().copied().filter(|(_, percent)| *percent > 0.0).collect();
        let sum: f64 = shares.iter().map(|(_, percent)| percent).sum();
        let (last, _) = *shares.last()?;
        let mut slots = Vec::with_capacity(shares.len());
        let mut covered = 0.0;
        for (fleet, percent) in shares {
            covered += percent;
            slots.push((fleet, (covered / sum * f64::from(PARTS)).round() as u32));
        }
        if let Some(end) = slots.last_mut() {
            *end = (last, PARTS);
        }
        let divisor = slots.iter().fold(PARTS, |divisor, (_, end)| gcd(divisor, *end));
        for (_, end) in &mut slots {
            *end /= divisor;
        }
        let block = PARTS / divisor;
        let units = (1..=block).filter(|unit| gcd(*unit, block) == 1);
        let stride = (block as usize / MAX_UNITS).max(1);
        let units = units.step_by(stride).take(MAX_UNITS).collect();
        Some(Self { slots: slots.into(), block, units, seed, next: AtomicU64::new(0) })
    }

    /// The fleet of the next request.
    pub fn pick(&self) -> usize {
        if self.block == 1 {
            return self.slots.first().map_or(0, |(fleet, _)| *fleet);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let slot = self.slot(number);
        self.slots.iter().find(|(_, end)| slot < *end).map_or(0, |(fleet, _)| *fleet)
    }

    fn slot(&self, number: u64) -> u32 {
        let size = u64::from(self.block);
        let (block, position) = (number / size, number % size);
        let hash = mix(self.seed ^ block);
        let unit = self.units.get((hash % self.units.len().max(1) as u64) as usize).copied().unwrap_or(1);
        let offset = (hash >> 32) % size;
        ((u64::from(unit) * position + offset) % size) as u32
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
pub(super) fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(split: &Split, requests: usize) -> [usize; 2] {
        let mut counts = [0; 2];
        for _ in 0..requests {
            counts[split.pick()] += 1;
        }
        counts
    }

    #[test]
    fn every_block_holds_the_shares_exactly() {
        for (percent, block) in [(10.0, 10), (50.0, 2), (1.0, 100), (33.3, 1000), (0.01, 10_000), (25.0, 4)] {
            let split = Split::new(&[(0, 100.0 - percent), (1, percent)], 7).unwrap();
            for _ in 0..20 {
                let expected = (percent / 100.0 * block as f64).round() as usize;
                assert_eq!(counts(&split, block)[1], expected, "{percent} % of {block}");
            }
        }
    }

    #[test]
    fn nothing_and_everything() {
        assert!(Split::new(&[(0, 0.0)], 1).is_none());
        let all = Split::new(&[(0, 0.0), (1, 100.0)], 1).unwrap();
        assert_eq!(counts(&all, 100), [0, 100]);
    }

    #[test]
    fn a_client_that_alternates_is_not_dealt_one_side() {
        let split = Split::new(&[(0, 50.0), (1, 50.0)], 3).unwrap();
        let even = (0..10_000).filter(|_| (split.pick(), split.pick()).0 == 1).count();
        assert!((4_700..5_300).contains(&even), "{even} of 10000 even requests went to fleet 1");
    }
}
