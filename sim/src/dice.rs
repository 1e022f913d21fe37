//! The seeded dice behind every choice of the factory: SplitMix64, written out so that a seed means the same
//! choices with every version of every library (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).

/// A small deterministic generator. Not for secrets.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The same seed always rolls the same numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Dice for one named thing, so that its choices do not depend on what else was rolled before it.
    #[must_use]
    pub fn for_name(seed: u64, name: &str) -> Self {
        // FNV-1a spreads the name; SplitMix64 mixes it thoroughly.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed;
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self::new(hash)
    }

    /// The next 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of `low..=high`. With `high` below `low` it is `low`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        match high.checked_sub(low).and_then(|span| span.checked_add(1)) {
            Some(span) => low + self.roll() % span,
            None => low,
        }
    }

    /// True in `permille` of a thousand rolls.
    pub fn chance(&mut self, permille: u64) -> bool {
        self.roll() % 1000 < permille
    }

    /// One of the given things; `None` of nothing.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(things.len()).ok().filter(|&n| n > 0)?;
        usize::try_from(self.roll() % count).ok().and_then(|index| things.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_rolls_the_same() {
        let mut dice = Dice::new(1_234_567);
        // The reference values of the published algorithm for this seed.
        assert_eq!(dice.roll(), 6_457_827_717_110_365_317);
        assert_eq!(dice.roll(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn ranges_hold_their_ends() {
        let mut dice = Dice::new(7);
        let rolled: Vec<u64> = (0..500).map(|_| dice.between(3, 5)).collect();
        assert!([3, 4, 5].iter().all(|n| rolled.contains(n)));
        assert!(rolled.iter().all(|n| (3..=5).contains(n)));
        assert_eq!(dice.between(9, 2), 9);
        assert_eq!(dice.pick::<u8>(&[]), None);
    }

    #[test]
    fn a_name_has_its_own_dice() {
        assert_eq!(Dice::for_name(1, "a").roll(), Dice::for_name(1, "a").roll());
        assert_ne!(Dice::for_name(1, "a").roll(), Dice::for_name(1, "b").roll());
        assert_ne!(Dice::for_name(1, "a").roll(), Dice::for_name(2, "a").roll());
    }
}
