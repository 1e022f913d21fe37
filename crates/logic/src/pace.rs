//! How fast a system may be called: rate, burst, concurrency, and a breaker that spares a system in trouble.

use std::collections::VecDeque;

use lineshaft_model::Millis;
use serde::{Deserialize, Serialize};

/// Limits of one system, shared by its operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most calls in a thousand seconds (50/s is 50,000), 0 for no limit.
    pub per_1000_s: u64,
    /// Calls that may be made at once after a rest.
    pub burst: u32,
    /// Most calls under way.
    pub concurrency: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_1000_s: 0, burst: 1, concurrency: 8 }
    }
}

/// When a system is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerRule {
    /// So many failures ...
    pub failures: u32,
    /// ... within this time open the breaker ...
    pub window_ms: i64,
    /// ... for so long; then one probe at a time.
    pub cool_down_ms: i64,
}

impl Default for BreakerRule {
    fn default() -> Self {
        Self { failures: 5, window_ms: 30_000, cool_down_ms: 15_000 }
    }
}

/// Whether a call may be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Yes; report how it ended with [`Pace::ended`].
    Go,
    /// Not before this time.
    At(Millis),
    /// Not before a call under way has ended.
    WhenOneEnds,
    /// Not before a person resumes the system.
    Paused,
}

/// How a call ended, as far as the breaker cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The system answered, whatever it said of the request.
    Answered,
    /// The system could not be reached, said it was in trouble, or did not answer.
    Failed,
    /// The call was not made after all.
    Unused,
}

/// Where the breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breaker {
    /// Calls go through.
    Closed,
    /// No calls until this time.
    Open {
        /// When the first probe may go.
        until: Millis,
    },
    /// One probe at a time decides.
    HalfOpen,
}

impl Breaker {
    /// The word used in the API and the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// The pace of one system.
#[derive(Debug)]
pub struct Pace {
    limits: Limits,
    rule: BreakerRule,
    breaker: Breaker,
    paused: bool,
    under_way: u32,
    failures: VecDeque<Millis>,
    /// Theoretical arrival time of the generic cell rate algorithm, in microseconds.
    arrival_us: i64,
    /// Set by a Retry-After of the system as a whole.
    not_before: Millis,
}

impl Pace {
    /// A system at rest.
    #[must_use]
    pub fn new(limits: Limits, rule: BreakerRule) -> Self {
        Self {
            limits,
            rule,
            breaker: Breaker::Closed,
            paused: false,
            under_way: 0,
            failures: VecDeque::new(),
            arrival_us: i64::MIN / 2,
            not_before: Millis(0),
        }
    }

    /// Takes a new configuration; calls under way, failures and the breaker stay.
    pub fn reconfigure(&mut self, limits: Limits, rule: BreakerRule) {
        self.limits = limits;
        self.rule = rule;
    }

    /// Asks to make one call now.
    pub fn start(&mut self, now: Millis) -> Permit {
        if self.paused {
            return Permit::Paused;
        }
        if let Breaker::Open { until } = self.breaker {
            if now < until {
                return Permit::At(until);
            }
            self.breaker = Breaker::HalfOpen;
        }
        if now < self.not_before {
            return Permit::At(self.not_before);
        }
        let most = if self.breaker == Breaker::HalfOpen { 1 } else { self.limits.concurrency.max(1) };
        if self.under_way >= most {
            return Permit::WhenOneEnds;
        }
        if let Some(gap_us) = 1_000_000_000_u64.checked_div(self.limits.per_1000_s) {
            let now_us = now.0.saturating_mul(1000);
            let gap_us = gap_us.max(1) as i64;
            let slack_us = gap_us.saturating_mul(i64::from(self.limits.burst.max(1)) - 1);
            let earliest_us = self.arrival_us.saturating_sub(slack_us);
            if now_us < earliest_us {
                return Permit::At(Millis(earliest_us.saturating_add(999) / 1000));
            }
            self.arrival_us = self.arrival_us.max(now_us).saturating_add(gap_us);
        }
        self.under_way += 1;
        Permit::Go
    }

    /// Learns how a call ended. `hold_ms` is how long the system as a whole asked to be left alone (429, 503).
    pub fn ended(&mut self, now: Millis, ending: Ending, hold_ms: Option<i64>) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(hold_ms) = hold_ms {
            self.not_before = self.not_before.max(now.plus(hold_ms));
        }
        match ending {
            Ending::Unused => {}
            Ending::Answered => {
                self.failures.clear();
                self.breaker = Breaker::Closed;
            }
            Ending::Failed => self.failed(now),
        }
    }

    fn failed(&mut self, now: Millis) {
        self.failures.push_back(now);
        let keep = self.rule.failures.max(1) as usize;
        while self.failures.len() > keep
            || self.failures.front().is_some_and(|first| now.since(*first) > self.rule.window_ms)
        {
            self.failures.pop_front();
        }
        if self.breaker == Breaker::HalfOpen || self.failures.len() >= keep {
            self.breaker = Breaker::Open { until: now.plus(self.rule.cool_down_ms) };
        }
    }

    /// Where the breaker stands.
    #[must_use]
    pub const fn breaker(&self) -> Breaker {
        self.breaker
    }

    /// Calls under way.
    #[must_use]
    pub const fn under_way(&self) -> u32 {
        self.under_way
    }

    /// Whether a person has paused the system.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Pauses or resumes the system. Resuming closes the breaker: the person has looked.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
        if !paused {
            self.breaker = Breaker::Closed;
            self.failures.clear();
            self.not_before = Millis(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(per_1000_s: u64, burst: u32, concurrency: u32) -> Pace {
        Pace::new(
            Limits { per_1000_s, burst, concurrency },
            BreakerRule { failures: 3, window_ms: 1000, cool_down_ms: 500 },
        )
    }

    #[test]
    fn concurrency_is_kept() {
        let mut pace = pace(0, 1, 2);
        assert_eq!([pace.start(Millis(0)), pace.start(Millis(0))], [Permit::Go; 2]);
        assert_eq!(pace.start(Millis(0)), Permit::WhenOneEnds);
        pace.ended(Millis(1), Ending::Answered, None);
        assert_eq!(pace.start(Millis(1)), Permit::Go);
    }

    #[test]
    fn the_breaker_opens_probes_and_closes() {
        let mut pace = pace(0, 1, 10);
        for t in 0..3 {
            assert_eq!(pace.start(Millis(t)), Permit::Go);
            pace.ended(Millis(t), Ending::Failed, None);
        }
        assert_eq!(pace.start(Millis(3)), Permit::At(Millis(502)));
        assert_eq!(pace.start(Millis(502)), Permit::Go);
        assert_eq!((pace.breaker(), pace.start(Millis(502))), (Breaker::HalfOpen, Permit::WhenOneEnds));
        pace.ended(Millis(510), Ending::Failed, None);
        assert_eq!(pace.start(Millis(511)), Permit::At(Millis(1010)));
        assert_eq!(pace.start(Millis(1010)), Permit::Go);
        pace.ended(Millis(1011), Ending::Answered, None);
        assert_eq!(pace.breaker(), Breaker::Closed);
    }

    #[test]
    fn failures_spread_over_time_do_not_open_it() {
        let mut pace = pace(0, 1, 10);
        for t in [0, 900, 1800, 2700] {
            assert_eq!(pace.start(Millis(t)), Permit::Go);
            pace.ended(Millis(t), Ending::Failed, None);
        }
        assert_eq!(pace.breaker(), Breaker::Closed);
    }

    #[test]
    fn a_paused_system_is_not_called_until_resumed() {
        let mut pace = pace(0, 1, 1);
        pace.pause(true);
        assert_eq!(pace.start(Millis(0)), Permit::Paused);
        pace.pause(false);
        assert_eq!(pace.start(Millis(0)), Permit::Go);
    }

    #[test]
    fn a_retry_after_of_the_system_holds_every_call() {
        let mut pace = pace(0, 1, 4);
        assert_eq!(pace.start(Millis(0)), Permit::Go);
        pace.ended(Millis(10), Ending::Answered, Some(2000));
        assert_eq!(pace.start(Millis(11)), Permit::At(Millis(2010)));
    }

    proptest! {
        #[test]
        fn the_rate_is_never_exceeded(per_s in 1u64..200, burst in 1u32..20, gaps in proptest::collection::vec(0i64..50, 1..300)) {
            let mut pace = pace(per_s * 1000, burst, u32::MAX);
            let mut now = 0;
            let mut made = Vec::new();
            for gap in gaps {
                now += gap;
                if pace.start(Millis(now)) == Permit::Go {
                    made.push(now);
                }
            }
            for (i, from) in made.iter().enumerate() {
                for (j, to) in made.iter().enumerate().skip(i) {
                    // In any span: the burst, and one more for each gap that fits, with a millisecond's rounding.
                    let fits = (to - from + 1) * per_s as i64 / 1000 + i64::from(burst) + 1;
                    prop_assert!(((j - i) as i64) < fits, "{} calls in {} ms", j - i + 1, to - from);
                }
            }
        }

        #[test]
        fn a_refused_call_may_be_made_when_promised(per_s in 1u64..2000, burst in 1u32..5, tries in 1usize..50) {
            let mut pace = pace(per_s * 1000, burst, u32::MAX);
            let mut now = Millis(0);
            for _ in 0..tries {
                match pace.start(now) {
                    Permit::At(then) => {
                        prop_assert!(then > now);
                        prop_assert_eq!(pace.start(then), Permit::Go);
                        now = then;
                    }
                    other => prop_assert_eq!(other, Permit::Go),
                }
            }
        }
    }
}
