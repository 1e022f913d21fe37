//! The numbers a source gives what it sends: which of them are missing.

use lineshaft_model::Millis;

/// Ranges of missing numbers that are remembered.
const MOST_RANGES: usize = 200;

/// A number that is missing for less long may only be late.
pub const GRACE_MS: i64 = 30_000;

/// How far the sequence of a source has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    highest: Option<u64>,
    missing: Vec<Missing>,
}

/// Numbers from one to another that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Missing {
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
    /// When they were missed first.
    pub since: Millis,
}

impl Sequence {
    /// Takes in a number. One that was seen already changes nothing; the first number of all after a higher one begins the
    /// sequence anew.
    pub fn note(&mut self, number: u64, now: Millis) {
        match self.highest {
            None => self.highest = Some(number),
            Some(highest) if number > highest => {
                if number - highest > 1 {
                    self.missing.push(Missing { from: highest + 1, to: number - 1, since: now });
                    self.forget();
                }
                self.highest = Some(number);
            }
            Some(highest) if number <= 1 && highest > 1 && !self.misses(number) => {
                *self = Self { highest: Some(number), ..Self::default() };
            }
            Some(_) => self.fill(number),
        }
    }

    fn misses(&self, number: u64) -> bool {
        self.missing.iter().any(|of| (of.from..=of.to).contains(&number))
    }

    /// A number that was missing has come.
    fn fill(&mut self, number: u64) {
        let Some(at) = self.missing.iter().position(|of| (of.from..=of.to).contains(&number)) else { return };
        let Missing { from, to, since } = self.missing.remove(at);
        let before = (from < number).then(|| Missing { from, to: number - 1, since });
        let after = (number < to).then(|| Missing { from: number + 1, to, since });
        self.missing.splice(at..at, before.into_iter().chain(after));
        self.forget();
    }

    /// Gives the oldest up when there are more than are told apart.
    fn forget(&mut self) {
        let over = self.missing.len().saturating_sub(MOST_RANGES);
        self.missing.drain(..over);
    }

    /// What is missing for longer than the grace.
    #[must_use]
    pub fn missing(&self, now: Millis) -> Vec<Missing> {
        // After a clock that was set back, for long enough.
        let late = |of: &&Missing| of.since > now || now.since(of.since) >= GRACE_MS;
        self.missing.iter().filter(late).copied().collect()
    }

    /// As it is kept in the journal: the highest number, then what is missing.
    #[must_use]
    pub fn to_token(&self) -> String {
        let mut token = self.highest.map_or_else(String::new, |highest| highest.to_string());
        for of in &self.missing {
            token.push_str(&format!(";{}-{}@{}", of.from, of.to, of.since.0));
        }
        token
    }

    /// Reads what is kept; what cannot be read begins anew.
    #[must_use]
    pub fn from_token(token: &str) -> Self {
        let mut parts = token.split(';');
        let highest = parts.next().and_then(|text| text.parse().ok());
        let missing = parts.filter_map(|text| {
            let (range, since) = text.split_once('@')?;
            let (from, to) = range.split_once('-')?;
            Some(Missing {
                from: from.parse().ok()?,
                to: to.parse().ok()?,
                since: Millis(since.parse().ok()?),
            })
        });
        Self { highest, missing: missing.collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn numbers(missing: &[Missing]) -> BTreeSet<u64> {
        missing.iter().flat_map(|of| of.from..=of.to).collect()
    }

    #[test]
    fn what_is_only_late_is_not_missing() {
        let mut sequence = Sequence::default();
        [5, 6, 9].into_iter().for_each(|n| sequence.note(n, Millis(0)));
        assert_eq!(sequence.missing(Millis(GRACE_MS - 1)), []);
        sequence.note(7, Millis(10));
        assert_eq!(numbers(&sequence.missing(Millis(GRACE_MS))), BTreeSet::from([8]));
        sequence.note(1, Millis(20));
        sequence.note(2, Millis(20));
        assert_eq!(sequence.missing(Millis(i64::MAX)), [], "it began anew");
    }

    proptest! {
        /// Against a set of all numbers seen.
        #[test]
        fn nothing_is_missed_and_nothing_made_up(given in proptest::collection::vec(2u64..60, 1..80)) {
            let (mut sequence, mut seen) = (Sequence::default(), BTreeSet::new());
            for number in &given {
                sequence.note(*number, Millis(0));
                seen.insert(*number);
                sequence = Sequence::from_token(&sequence.to_token());
            }
            let (first, highest) = (given[0], *seen.last().unwrap());
            let expected: BTreeSet<u64> = (first..=highest).filter(|n| !seen.contains(n)).collect();
            prop_assert_eq!(numbers(&sequence.missing(Millis(GRACE_MS))), expected);
        }
    }
}
