//! Events and deliveries for each second of the last minute.

use lineshaft_model::Millis;
use parking_lot::Mutex;

const SECONDS: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    second: i64,
    events: u64,
    deliveries: u64,
}

/// A ring of the last minute's seconds.
#[derive(Debug)]
pub struct Rates {
    ring: Mutex<[Second; SECONDS]>,
}

impl Default for Rates {
    fn default() -> Self {
        Self { ring: Mutex::new([Second::default(); SECONDS]) }
    }
}

impl Rates {
    /// Counts.
    pub fn count(&self, now: Millis, events: u64, deliveries: u64) {
        let second = now.0.div_euclid(1000);
        let mut ring = self.ring.lock();
        let slot = &mut ring[second.rem_euclid(SECONDS as i64) as usize];
        if slot.second != second {
            *slot = Second { second, ..Second::default() };
        }
        slot.events += events;
        slot.deliveries += deliveries;
    }

    /// Events and deliveries a second over the last ten whole seconds, times 100.
    #[must_use]
    pub fn per_second_x100(&self, now: Millis) -> (u64, u64) {
        let end = now.0.div_euclid(1000);
        let ring = self.ring.lock();
        let recent = ring.iter().filter(|s| s.second < end && s.second >= end - 10);
        recent.fold((0, 0), |(e, d), s| (e + s.events * 10, d + s.deliveries * 10))
    }

    /// Events in each of the last sixty whole seconds, newest last.
    #[must_use]
    pub fn history(&self, now: Millis) -> Vec<u64> {
        let end = now.0.div_euclid(1000);
        let ring = self.ring.lock();
        (end - 60..end)
            .map(|second| {
                let slot = ring[second.rem_euclid(SECONDS as i64) as usize];
                if slot.second == second { slot.events } else { 0 }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_recent_seconds_count() {
        let rates = Rates::default();
        rates.count(Millis(1_000_500), 20, 5);
        rates.count(Millis(1_001_500), 80, 5);
        assert_eq!(rates.per_second_x100(Millis(1_002_000)), (1000, 100));
        assert_eq!(rates.per_second_x100(Millis(1_001_999)), (200, 50));
        assert_eq!(rates.history(Millis(1_002_000)).split_off(58), [20, 80]);
        rates.count(Millis(1_065_000), 1, 0);
        assert_eq!(rates.history(Millis(1_066_000)).iter().sum::<u64>(), 1);
    }
}
