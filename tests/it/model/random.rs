//! Choices that a seed repeats, for the test and for the library: the same seed mints the same secrets.

use std::convert::Infallible;

use rand::{TryCryptoRng, TryRng};
use serde::{Deserialize, Serialize};

/// SplitMix64 (Steele, Lea and Flood, 2014): every seed is as good as any other, so a step's number can be part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Random(u64);

impl Random {
    /// The choices of one step of a run. `purpose` tells several sequences of one step apart.
    #[must_use]
    pub fn of(seed: u64, step: u64, purpose: u64) -> Self {
        let mut random = Self(seed);
        for part in [step, purpose] {
            random.0 = random.next() ^ part;
        }
        random
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one, which is at least 1.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number from `from` to `until`, both included.
    pub fn between(&mut self, from: i64, until: i64) -> i64 {
        let width = (until - from).unsigned_abs() + 1;
        from + i64::try_from(self.below(width)).expect("it is below a difference of such numbers")
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these, of which there is at least one.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let index = self.below(from.len() as u64);
        from[usize::try_from(index).expect("it is an index")].clone()
    }

    /// One of these, if there is any.
    pub fn any<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| self.pick(from))
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

// For tests alone: what it makes is as secret as its seed.
impl TryCryptoRng for Random {}
