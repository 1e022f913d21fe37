//! The circuit breaker: leaves a system alone that fails, and asks it with single calls whether it is back.

use std::collections::VecDeque;

use lineshaft_model::Millis;
use serde::{Deserialize, Serialize};

/// When a system is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerRule {
    /// So many failures in a row, or four times as many among at least as many other calls ...
    pub failures: u32,
    /// ... within this time open the breaker ...
    pub window_ms: i64,
    /// ... for so long; then one probe at a time.
    pub cool_down_ms: i64,
    /// How long it takes from the first probe that is answered to all calls again.
    pub ramp_ms: i64,
}

impl Default for BreakerRule {
    fn default() -> Self {
        Self { failures: 5, window_ms: 30_000, cool_down_ms: 15_000, ramp_ms: 10_000 }
    }
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

/// What a person has set the breaker to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forced {
    /// No calls, whatever the system does.
    Open,
    /// Calls go through, whatever the system does.
    Closed,
}

/// Parts of the window in which calls are counted.
const PARTS: i64 = 10;

/// Calls of one part of the window.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    part: i64,
    answered: u32,
    failed: u32,
}

/// The breaker of one system.
#[derive(Debug)]
pub(super) struct Fuse {
    rule: BreakerRule,
    state: Breaker,
    forced: Option<Forced>,
    /// Failures without an answer between them.
    row: VecDeque<Millis>,
    parts: [Part; PARTS as usize],
}

impl Fuse {
    pub(super) fn new(rule: BreakerRule) -> Self {
        Self { rule, state: Breaker::Closed, forced: None, row: VecDeque::new(), parts: Default::default() }
    }

    pub(super) const fn reconfigure(&mut self, rule: BreakerRule) {
        self.rule = rule;
    }

    pub(super) const fn rule(&self) -> BreakerRule {
        self.rule
    }

    /// Where it stands, a person's word first.
    pub(super) fn state(&self) -> Breaker {
        match self.forced {
            Some(Forced::Open) => Breaker::Open { until: Millis(i64::MAX) },
            Some(Forced::Closed) => Breaker::Closed,
            None => self.state,
        }
    }

    pub(super) const fn forced(&self) -> Option<Forced> {
        self.forced
    }

    pub(super) fn force(&mut self, forced: Option<Forced>) {
        self.forced = forced;
        self.close();
    }

    /// After the cool-down the next call is a probe.
    pub(super) fn look(&mut self, now: Millis) -> Breaker {
        if let Breaker::Open { until } = self.state
            && now >= until
        {
            self.state = Breaker::HalfOpen;
        }
        self.state()
    }

    /// Forgets every failure.
    pub(super) fn close(&mut self) {
        self.state = Breaker::Closed;
        self.row.clear();
        self.parts = Default::default();
    }

    /// A call was answered; says whether that closed it. An answer to a call from before it opened does not.
    pub(super) fn answered(&mut self, now: Millis) -> bool {
        self.row.clear();
        match self.state {
            Breaker::HalfOpen => {
                self.close();
                true
            }
            Breaker::Closed => {
                self.part(now).answered += 1;
                false
            }
            Breaker::Open { .. } => false,
        }
    }

    pub(super) fn failed(&mut self, now: Millis) {
        let most = self.rule.failures.max(1);
        self.row.push_back(now);
        while self.row.len() > most as usize
            || self.row.front().is_some_and(|first| now.since(*first) > self.rule.window_ms)
        {
            self.row.pop_front();
        }
        self.part(now).failed += 1;
        let (answered, failed) = self.counts(now);
        let half = failed >= most.saturating_mul(4) && failed >= answered;
        let opens = match self.state {
            Breaker::HalfOpen => true,
            Breaker::Closed => self.row.len() >= most as usize || half,
            Breaker::Open { .. } => false,
        };
        if opens {
            self.close();
            self.state = Breaker::Open { until: now.plus(self.rule.cool_down_ms) };
        }
    }

    fn number(&self, now: Millis) -> i64 {
        now.0.div_euclid((self.rule.window_ms / PARTS).max(1))
    }

    fn part(&mut self, now: Millis) -> &mut Part {
        let number = self.number(now);
        let slot = &mut self.parts[number.rem_euclid(PARTS) as usize];
        if slot.part != number {
            *slot = Part { part: number, ..Part::default() };
        }
        slot
    }

    fn counts(&self, now: Millis) -> (u32, u32) {
        let first = self.number(now) - PARTS;
        let recent = self.parts.iter().filter(|part| part.part > first);
        recent.fold((0, 0), |(answered, failed), part| (answered + part.answered, failed + part.failed))
    }
}
