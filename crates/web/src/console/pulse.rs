//! What the counters were a moment ago, so that the map can show rates.

use std::collections::{BTreeMap, VecDeque};

use lineshaft_model::Millis;
use lineshaft_model::shown::SystemRow;
use parking_lot::Mutex;

/// How far back a rate looks, in milliseconds.
const WINDOW_MS: i64 = 10_000;
/// A sample this old says nothing of now: nobody has looked for a while.
const STALE_MS: i64 = 30_000;
/// Samples are at least this far apart, however many browsers look.
const STEP_MS: i64 = 900;

/// Counters by flow, as they were when somebody looked.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    samples: Mutex<VecDeque<(Millis, Counters)>>,
}

type Counters = BTreeMap<String, u64>;

/// Rates by flow, a second, times 100; empty when nothing is known yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates(BTreeMap<String, u64>);

impl Rates {
    /// What a system sends.
    pub(super) fn sent(&self, system: &str) -> Option<u64> {
        self.0.get(&format!("{system}>")).copied()
    }

    /// What a system is sent, through all its operations.
    pub(super) fn delivered(&self, system: &str) -> Option<u64> {
        self.0.get(&format!(">{system}")).copied()
    }
}

impl Pulse {
    /// Notes the counters as they are now and tells the rates since those of a few seconds ago.
    pub(super) fn rates(&self, now: Millis, systems: &[SystemRow]) -> Rates {
        self.note(now, counters(systems))
    }

    fn note(&self, now: Millis, counters: Counters) -> Rates {
        let mut samples = self.samples.lock();
        samples.retain(|(at, _)| now.since(*at) <= STALE_MS && *at <= now);
        while samples.get(1).is_some_and(|(at, _)| now.since(*at) >= WINDOW_MS) {
            samples.pop_front();
        }
        let mut rates = BTreeMap::new();
        if let Some((at, before)) = samples.front()
            && now.since(*at) >= STEP_MS
        {
            let passed_ms = u64::try_from(now.since(*at)).unwrap_or(1).max(1);
            for (flow, count) in &counters {
                let more = count.saturating_sub(before.get(flow).copied().unwrap_or_default());
                rates.insert(flow.clone(), more.saturating_mul(100_000) / passed_ms);
            }
        }
        if samples.back().is_none_or(|(at, _)| now.since(*at) >= STEP_MS) {
            samples.push_back((now, counters));
        }
        Rates(rates)
    }
}

fn counters(systems: &[SystemRow]) -> Counters {
    let mut counters = Counters::new();
    for system in systems {
        counters.insert(format!("{}>", system.name), system.received);
        let delivered = system.lanes.iter().map(|lane| lane.delivered).sum();
        counters.insert(format!(">{}", system.name), delivered);
    }
    counters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(received: u64) -> Vec<SystemRow> {
        vec![SystemRow { name: String::from("erp"), received, ..SystemRow::default() }]
    }

    #[test]
    fn a_rate_needs_two_looks_and_forgets_old_ones() {
        let pulse = Pulse::default();
        let at = |ms: i64| Millis(1_000_000 + ms);
        assert_eq!(pulse.rates(at(0), &seen(100)).sent("erp"), None);
        assert_eq!(pulse.rates(at(500), &seen(110)).sent("erp"), None, "too soon to tell");
        assert_eq!(pulse.rates(at(2_000), &seen(120)).sent("erp"), Some(1_000));
        assert_eq!(pulse.rates(at(20_000), &seen(120)).sent("erp"), Some(0), "measured from the newer look");
        assert_eq!(
            pulse.rates(at(90_000), &seen(900)).sent("erp"),
            None,
            "an hour without a look says nothing"
        );
    }
}
