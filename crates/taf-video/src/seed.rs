use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
/// 2^64 divided by the golden ratio: the step of SplitMix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// Keeps `at(n)` away from every `with(name)`.
const INDEX_DOMAIN: u64 = 0x696e_6465_7800_0001;

/// A place in a tree of independent random streams; everything random in a run grows from one of them.
///
/// A child depends only on its parent, its name or index, never on what was drawn before or on which thread asks:
///
/// ```
/// use taf_video::Seed;
/// let epoch = Seed::new(7).with("train").at(3);
/// let sampling = epoch.with("sampling").at(120).rng();
/// let flipping = epoch.with("transform").at(120).rng();
/// assert_ne!(sampling, flipping);
/// ```
///
/// The derivation (FNV-1a over the name, SplitMix64's finaliser, ChaCha with 8 rounds) is fixed for ever: stored runs name seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(u64);

impl Seed {
    /// The root of a tree, as the user gives it.
    pub const fn new(base: u64) -> Self {
        Self(base)
    }

    /// The child for a purpose, such as `"sampling"`.
    pub const fn with(self, name: &str) -> Self {
        Self(mix(mix(self.0).wrapping_add(fnv1a(name.as_bytes()))))
    }

    /// The child for a number, such as an epoch, a clip or a frame.
    pub const fn at(self, index: usize) -> Self {
        Self(mix(mix(self.0 ^ INDEX_DOMAIN).wrapping_add(mix(index as u64))))
    }

    /// The number that stands for this place; `Seed::new(seed.value()) == seed`.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The random generator of this place, always from its beginning.
    pub fn rng(self) -> ChaCha8Rng {
        let mut key = [0; 32];
        let mut state = self.0;
        for word in key.chunks_exact_mut(8) {
            word.copy_from_slice(&mix(state).to_le_bytes());
            state = state.wrapping_add(GOLDEN);
        }
        ChaCha8Rng::from_seed(key)
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo).
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = FNV_OFFSET;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(FNV_PRIME);
        i += 1;
    }
    hash
}

/// One step of SplitMix64 (Steele, Lea, Flood 2014): a bijection whose output bits all depend on all input bits.
const fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::Rng;

    use super::*;

    #[test]
    fn the_hashes_give_their_published_test_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
        // The first outputs of SplitMix64 from state 1234567, as listed with the reference program.
        let outputs = [0, 1, 2].map(|step: u64| mix(1_234_567_u64.wrapping_add(step.wrapping_mul(GOLDEN))));
        assert_eq!(outputs, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn derived_numbers_never_change_between_versions() {
        // Computed by a second program, written from the definitions of FNV-1a, SplitMix64 and ChaCha8.
        let seed = Seed::new(7).with("train").at(3);
        assert_eq!(seed.value(), 0x471f_1528_486a_31f4);
        let mut rng = seed.rng();
        assert_eq!([rng.next_u64(), rng.next_u64()], [0xb7cf_7769_25ac_3747, 0xe523_db3d_97f8_e0b6]);
    }

    #[test]
    fn a_stream_depends_on_its_place_and_not_on_the_order_of_asking() {
        let root = Seed::new(1);
        let forward: Vec<u64> = (0..50).map(|i| root.at(i).rng().next_u64()).collect();
        let mut backward: Vec<u64> = (0..50).rev().map(|i| root.at(i).rng().next_u64()).collect();
        backward.reverse();
        assert_eq!(forward, backward);
    }

    #[test]
    fn names_indices_and_levels_do_not_collide() {
        let mut seen = HashSet::new();
        for base in 0..20 {
            let root = Seed::new(base);
            assert!(seen.insert(root.value()));
            for name in ["a", "b", "ab", "ba", "0", "1", ""] {
                assert!(seen.insert(root.with(name).value()));
                assert!((0..50).all(|i| seen.insert(root.with(name).at(i).value())));
                assert!((0..50).all(|i| seen.insert(root.at(i).with(name).value())));
            }
            assert!((0..500).all(|i| seen.insert(root.at(i).value())));
        }
    }
}
