//! From registers to a number: the improved estimator of O. Ertl, "New cardinality estimation algorithms for HyperLogLog
//! sketches" (2017), algorithm 6. Unlike the original it needs no correction by tables and no switch between ranges.

use crate::sketch::{HIGHEST_RANK, REGISTERS, Sketch};

/// The standard error of an estimate, as a share of the true number: 1.04 ÷ √4096 for large numbers; far smaller where
/// there are few of them.
pub const RELATIVE_STANDARD_ERROR: f64 = 1.04 / 64.0;

/// How many ranks there are, with that of a register that has seen nothing.
const RANKS: usize = HIGHEST_RANK as usize + 1;

/// How many different things a sketch has seen.
pub fn of(sketch: &Sketch) -> f64 {
    let mut counts = [0_u32; RANKS];
    for rank in sketch.ranks() {
        if let Some(count) = counts.get_mut(usize::from(*rank)) {
            *count += 1;
        }
    }
    let registers = REGISTERS as f64;
    let share = |count: u32| f64::from(count) / registers;
    let [empty, between @ .., full] = counts;
    let mut sum = registers * tau(1.0 - share(full));
    for count in between.into_iter().rev() {
        sum = 0.5 * (sum + f64::from(count));
    }
    sum += registers * sigma(share(empty));
    // 1 ÷ (2 ln 2), the constant for infinitely many registers
    registers * registers / (2.0 * std::f64::consts::LN_2 * sum)
}

/// x + Σ x^(2^k) 2^(k−1) for k ≥ 1; infinite where every register is empty.
fn sigma(x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (x, 1.0, x);
    loop {
        power *= power;
        let before = sum;
        sum += power * weight;
        weight += weight;
        if sum <= before {
            return sum;
        }
    }
}

/// (1 − x − Σ (1 − x^(2^−k))² 2^(−k) for k ≥ 1) ÷ 3.
fn tau(x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (x, 1.0, 1.0 - x);
    loop {
        root = root.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - root).powi(2) * weight;
        if sum >= before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64: as good as random, and the same in each run.
    fn hash(i: u64) -> u64 {
        let mut z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The relative errors of many sketches of this many things each.
    fn errors(things: u64, sketches: u64) -> Vec<f64> {
        let one = |which: u64| {
            let mut sketch = Sketch::new();
            (0..things).for_each(|i| _ = sketch.add(hash(which * 1_000_000_007 + i)));
            sketch.estimate() / things as f64 - 1.0
        };
        (0..sketches).map(one).collect()
    }

    #[test]
    fn nothing_is_nothing_and_few_are_almost_exact() {
        assert_eq!(Sketch::new().estimate(), 0.0);
        for things in [1, 2, 10, 100] {
            let worst = errors(things, 20).into_iter().map(f64::abs).fold(0.0, f64::max);
            assert!(worst < 0.03, "{things}: {worst}");
        }
        assert!((errors(1, 1)[0]).abs() < 0.001);
    }

    /// The spread over many sketches is what is stated, and there is no bias, on every scale: also where the original
    /// estimator has one, at two to five times as many things as registers.
    #[test]
    fn the_error_is_what_is_stated_on_every_scale() {
        for (things, sketches) in [(1_000, 100), (4_096, 100), (12_000, 100), (50_000, 60), (300_000, 20)] {
            let errors = errors(things, sketches);
            let count = errors.len() as f64;
            let mean = errors.iter().sum::<f64>() / count;
            let spread = (errors.iter().map(|error| error.powi(2)).sum::<f64>() / count).sqrt();
            assert!(spread < RELATIVE_STANDARD_ERROR * 1.3, "{things}: {spread}");
            assert!(mean.abs() < 4.0 * RELATIVE_STANDARD_ERROR / count.sqrt(), "{things}: {mean}");
        }
    }

    #[test]
    fn a_merge_counts_what_both_have_seen_once() {
        let of = |range: std::ops::Range<u64>| {
            let mut sketch = Sketch::new();
            range.for_each(|i| _ = sketch.add(hash(i)));
            sketch
        };
        let (mut left, right) = (of(0..6_000), of(4_000..10_000));
        assert!(left.merge(&right) && !left.merge(&right));
        assert_eq!(left, of(0..10_000));
        assert!((left.estimate() / 10_000.0 - 1.0).abs() < 4.0 * RELATIVE_STANDARD_ERROR);
    }

    #[test]
    fn a_full_sketch_is_a_huge_number_and_no_nonsense() {
        let full = Sketch::from_ranks(std::iter::repeat_n(HIGHEST_RANK, REGISTERS));
        assert!(full.estimate() > 1e18, "{}", full.estimate());
    }
}
