//! A growing list of (key, value) pairs that can be searched at any time: sorted runs that are merged as they grow.

/// Pairs added last, searched one by one; as many as cost no more than finding a run's place.
const TAIL: usize = 1024;

/// Pairs in the order of their arrival, except that finished runs are sorted by (key, value).
#[derive(Debug, Default)]
pub(super) struct Runs {
    pairs: Vec<(u64, u32)>,
    /// Where each sorted run ends, shortest run last; what follows the last is the tail.
    ends: Vec<usize>,
}

impl Runs {
    pub(super) fn push(&mut self, key: u64, value: u32) {
        self.pairs.push((key, value));
        if self.pairs.len() - self.ends.last().copied().unwrap_or(0) >= TAIL {
            self.end_run();
        }
    }

    /// Makes a run of the tail, and one of it and the runs before it that are no longer than what they are merged with:
    /// every pair is then merged about as often as the number of pairs doubles.
    fn end_run(&mut self) {
        let mut start = self.ends.last().copied().unwrap_or(0);
        let end = self.pairs.len();
        self.pairs[start..].sort_unstable();
        while let Some(&before) = self.ends.last() {
            let before_start = self.ends.len().checked_sub(2).map_or(0, |at| self.ends[at]);
            if before - before_start > end - start {
                break;
            }
            self.ends.pop();
            start = before_start;
            // The stable sort finds the two runs and merges them.
            self.pairs[start..].sort();
        }
        self.ends.push(end);
    }

    /// Every value in the range of keys, in no order.
    pub(super) fn in_range(&self, from: u64, to: u64, mut found: impl FnMut(u64, u32)) {
        let mut start = 0;
        for &end in &self.ends {
            let run = &self.pairs[start..end];
            let first = run.partition_point(|(key, _)| *key < from);
            for &(key, value) in run[first..].iter().take_while(|(key, _)| *key <= to) {
                found(key, value);
            }
            start = end;
        }
        for &(key, value) in &self.pairs[start..] {
            if (from..=to).contains(&key) {
                found(key, value);
            }
        }
    }

    /// The greatest values of one key below `before`, greatest first, at most `limit`.
    pub(super) fn latest(&self, key: u64, before: u32, limit: usize, values: &mut Vec<u32>) {
        let from = values.len();
        let mut start = 0;
        for &end in &self.ends {
            let run = &self.pairs[start..end];
            let last = run.partition_point(|pair| *pair < (key, before));
            let of_key = run[..last].iter().rev().take_while(|pair| pair.0 == key);
            values.extend(of_key.take(limit).map(|pair| pair.1));
            start = end;
        }
        let tail = self.pairs[start..].iter().filter(|pair| pair.0 == key && pair.1 < before);
        values.extend(tail.map(|pair| pair.1));
        values[from..].sort_unstable_by(|a, b| b.cmp(a));
        values.truncate(from.saturating_add(limit));
    }

    /// All pairs, sorted.
    pub(super) fn sorted(&self) -> Vec<(u64, u32)> {
        let mut pairs = self.pairs.clone();
        pairs.sort();
        pairs
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = u64> + '_ {
        self.pairs.iter().map(|pair| pair.0)
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.pairs.capacity() * size_of::<(u64, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn runs_answer_as_a_scan_does(count in 0usize..6000, keys in 1u64..400, before in 0u32..7000) {
            let pairs: Vec<(u64, u32)> =
                (0..count as u32).map(|n| (u64::from(n).wrapping_mul(0x9e37_79b9) % keys, n)).collect();
            let mut runs = Runs::default();
            for (key, value) in &pairs {
                runs.push(*key, *value);
            }
            let key = keys / 2;
            let mut wanted: Vec<u32> =
                pairs.iter().filter(|p| p.0 == key && p.1 < before).map(|p| p.1).rev().collect();
            wanted.truncate(7);
            let mut got = Vec::new();
            runs.latest(key, before, 7, &mut got);
            prop_assert_eq!(got, wanted);

            let mut got = Vec::new();
            runs.in_range(key, key + 3, |k, v| got.push((k, v)));
            got.sort_unstable();
            let mut wanted: Vec<_> = pairs.iter().copied().filter(|p| (key..=key + 3).contains(&p.0)).collect();
            wanted.sort_unstable();
            prop_assert_eq!(got, wanted);

            let mut wanted = pairs;
            wanted.sort_unstable();
            prop_assert_eq!(runs.sorted(), wanted);
            prop_assert!(runs.ends.len() <= 16);
        }
    }
}
