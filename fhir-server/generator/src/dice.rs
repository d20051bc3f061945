//! Randomness that never changes: SplitMix64, so that a seed means the same bytes in every release.

/// What a stream of numbers decides; each has numbers of its own, so that one part of the
/// generator can change without moving another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Block = 1,
    Household,
    Person,
    Illness,
    Timeline,
    Values,
    Identity,
    Directory,
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

/// SplitMix64's finisher: every bit of the input reaches every bit of the output.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Dice {
    /// The stream that `(seed, stream, index)` names.
    pub(crate) fn new(seed: u64, stream: Stream, index: u64) -> Self {
        let seed = mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15));
        let stream = mix(seed ^ (stream as u64).wrapping_mul(0xd6e8_feb8_6659_fd93));
        Self(mix(stream ^ index.wrapping_mul(0xa076_1d64_78bd_642f)))
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number under `limit`; 0 where `limit` is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        let span = (i64::from(high) - i64::from(low) + 1).max(1) as u64;
        (i64::from(low) + self.below(span) as i64) as i32
    }

    /// Whether an event of `per_mille` in a thousand happens.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < u64::from(per_mille)
    }

    /// About a normal variate of mean 0 and deviation 1, never beyond ±3.5: four uniform numbers
    /// added up, because logarithms differ from machine to machine.
    pub(crate) fn bell(&mut self) -> f64 {
        let bits = self.next();
        let sum: u64 = (0..4).map(|n| (bits >> (16 * n)) & 0xffff).sum();
        (sum as f64 / 65536.0 - 2.0) * 1.732
    }

    /// One of a table's rows.
    #[expect(clippy::indexing_slicing, reason = "tables are constants and never empty")]
    pub(crate) fn pick<T: Copy>(&mut self, table: &[T]) -> T {
        table[self.below(table.len() as u64) as usize]
    }

    /// One of a table's rows, by weight.
    #[expect(clippy::indexing_slicing, reason = "tables are constants and never empty")]
    pub(crate) fn weighted<'t, T>(&mut self, table: &'t [T], weight: fn(&T) -> u32) -> &'t T {
        let total: u64 = table.iter().map(|row| u64::from(weight(row))).sum();
        let mut left = self.below(total);
        for row in table {
            match left.checked_sub(u64::from(weight(row))) {
                Some(rest) => left = rest,
                None => return row,
            }
        }
        &table[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let first = |stream, index| Dice::new(7, stream, index).next();
        assert_eq!(first(Stream::Person, 1), first(Stream::Person, 1));
        assert_ne!(first(Stream::Person, 1), first(Stream::Person, 2));
        assert_ne!(first(Stream::Person, 1), first(Stream::Values, 1));
        assert_ne!(first(Stream::Person, 1), Dice::new(8, Stream::Person, 1).next());
    }

    #[test]
    fn numbers_stay_in_range_and_spread() {
        let mut dice = Dice::new(1, Stream::Values, 0);
        let mut sum = 0.0;
        let mut squares = 0.0;
        for _ in 0..10_000 {
            assert!((3..=5).contains(&dice.between(3, 5)));
            assert_eq!(dice.below(1), 0);
            let bell = dice.bell();
            assert!(bell.abs() < 3.5);
            sum += bell;
            squares += bell * bell;
        }
        assert!((sum / 10_000.0_f64).abs() < 0.05);
        assert!((squares / 10_000.0 - 1.0).abs() < 0.05);
        let heavy = (0..1000).filter(|_| *dice.weighted(&[1, 9], |w| *w) == 9).count();
        assert!((850..950).contains(&heavy));
    }
}
