//! The hash function of keys: seeded per map, so that who chooses keys cannot choose collisions.
//! Knows no map.

use std::hash::{BuildHasher, RandomState};

use crate::memory::padded_word;

/// Two secrets of a map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed {
    mix: u64,
    multiply: u64,
}

impl Seed {
    /// From the randomness of the process; another one for each call.
    pub(crate) fn random() -> Seed {
        let state = RandomState::new();
        Seed { mix: state.hash_one(0), multiply: state.hash_one(1) | 1 }
    }

    /// The same in every run (`BPF_F_ZERO_SEED`).
    pub(crate) const fn fixed() -> Seed {
        // Digits of e and of pi.
        Seed { mix: 0x2b7e_1516_28ae_d2a6, multiply: 0x2432_f6a8_885a_308d }
    }

    /// Hashes a key: each word is added and spread by a multiplication to 128 bits whose halves
    /// are folded together, so that every bit of it reaches every bit of the result.
    #[inline]
    pub(crate) fn hash(self, key: &[u8]) -> u32 {
        let (words, tail) = key.as_chunks::<8>();
        let mut state = self.mix ^ key.len() as u64;
        for word in words {
            state = fold(state ^ u64::from_ne_bytes(*word), self.multiply);
        }
        if !tail.is_empty() {
            state = fold(state ^ padded_word(tail), self.multiply);
        }
        let state = fold(state, self.mix | 1);
        (state ^ (state >> 32)) as u32
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys that differ in few bits, as indices, addresses and ports do, spread like random ones.
    #[test]
    fn similar_keys_spread() {
        for seed in [Seed::fixed(), Seed::random()] {
            for shift in [0, 3, 8, 16, 24, 40] {
                let mut buckets = [0u32; 256];
                for number in 0..2048u64 {
                    let key = (number << shift).to_le_bytes();
                    buckets[(seed.hash(&key) & 255) as usize] += 1;
                }
                let fullest = buckets.iter().max().unwrap();
                assert!(
                    *fullest < 30,
                    "shift {shift}: {fullest} of 2048 keys in one of 256 buckets"
                );
            }
        }
    }

    #[test]
    fn length_counts() {
        let seed = Seed::fixed();
        assert_ne!(seed.hash(&[0; 3]), seed.hash(&[0; 4]));
        assert_ne!(seed.hash(&[0; 8]), seed.hash(&[0; 16]));
    }

    #[test]
    fn seeds_differ() {
        let hashes: std::collections::HashSet<_> =
            (0..16).map(|_| Seed::random().hash(b"key")).collect();
        assert!(hashes.len() > 8);
    }
}
