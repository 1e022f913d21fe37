//! Latencies of the last minute, good to a few per cent, in constant memory and without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// Sixteen steps for each doubling, up to 2^40 microseconds.
const STEPS: usize = 16;
const BUCKETS: usize = 40 * STEPS;

/// Two halves that take turns: [`Latency::turn`] is called every half minute.
#[derive(Debug)]
pub struct Latency {
    halves: [Box<[AtomicU64]>; 2],
    current: AtomicU64,
}

impl Default for Latency {
    fn default() -> Self {
        let half = || (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Self { halves: [half(), half()], current: AtomicU64::new(0) }
    }
}

impl Latency {
    /// Records one, in microseconds.
    pub fn record(&self, took_us: u64) {
        let half = &self.halves[(self.current.load(Ordering::Relaxed) & 1) as usize];
        half[bucket(took_us)].fetch_add(1, Ordering::Relaxed);
    }

    /// Starts the other half afresh.
    pub fn turn(&self) {
        let next = self.current.load(Ordering::Relaxed) + 1;
        for bucket in &self.halves[(next & 1) as usize] {
            bucket.store(0, Ordering::Relaxed);
        }
        self.current.store(next, Ordering::Relaxed);
    }

    /// The value below which `per_mille` of a thousand lie, in microseconds; 0 when nothing was recorded.
    #[must_use]
    pub fn quantile_us(&self, per_mille: u64) -> u64 {
        let count = |i: usize| self.halves.iter().map(|half| half[i].load(Ordering::Relaxed)).sum::<u64>();
        let total: u64 = (0..BUCKETS).map(count).sum();
        if total == 0 {
            return 0;
        }
        let rank = (total * per_mille).div_ceil(1000).max(1);
        let mut below = 0;
        for i in 0..BUCKETS {
            below += count(i);
            if below >= rank {
                return upper(i);
            }
        }
        upper(BUCKETS - 1)
    }
}

fn bucket(us: u64) -> usize {
    let us = us.max(STEPS as u64);
    let doubling = us.ilog2() as usize;
    let step = (us >> (doubling - 4)) as usize & (STEPS - 1);
    ((doubling - 4) * STEPS + step).min(BUCKETS - 1)
}

fn upper(bucket: usize) -> u64 {
    let (doubling, step) = (bucket / STEPS + 4, bucket % STEPS);
    ((STEPS + step + 1) as u64) << (doubling - 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near() {
        let latency = Latency::default();
        for us in 1..=10_000 {
            latency.record(us);
        }
        let p50 = latency.quantile_us(500);
        let p99 = latency.quantile_us(990);
        assert!((4_900..5_400).contains(&p50), "{p50}");
        assert!((9_800..10_600).contains(&p99), "{p99}");
        latency.turn();
        latency.turn();
        assert_eq!(latency.quantile_us(500), 0, "what is older than both halves is forgotten");
        latency.record(u64::MAX);
        assert!(latency.quantile_us(500) > 1 << 40);
    }
}
