//! How many attempts may be spent on repeating others.
//!
//! Every attempt that comes to nothing costs one, every one that is done earns a fifth. As long as there is credit, what is
//! due is repeated at once; without it once a second. So a target in trouble is asked at most 1.2 times as often as it would be
//! without repeats, and one that recovers is given everything that waits, because success costs nothing.

use lineshaft_model::Millis;

use super::Ending;

/// Thousandths of an attempt.
const ONE: i64 = 1_000;
/// What an attempt earns that is done.
const EARNED: i64 = ONE / 5;
/// Credit to begin with, and most of it, unless the system takes more calls at once.
const CREDIT: i64 = 10;
/// Most debt: first attempts that fail cost as well, and what they cost is not forgotten at once.
const DEBT: i64 = 5;
/// Without credit, repeats go at this distance.
const TRICKLE_MS: i64 = 1_000;

/// The credit of one system.
#[derive(Debug)]
pub(super) struct Budget {
    credit: i64,
    most: i64,
    trickle: Millis,
}

impl Budget {
    pub(super) fn new(concurrency: u32) -> Self {
        let most = most(concurrency);
        Self { credit: most, most, trickle: Millis(i64::MIN) }
    }

    pub(super) fn reconfigure(&mut self, concurrency: u32) {
        self.most = most(concurrency);
        self.credit = self.credit.min(self.most);
    }

    /// Whether something may be repeated now.
    pub(super) fn allows(&self, now: Millis) -> bool {
        self.credit >= ONE || now >= self.trickle
    }

    /// When something may be repeated at the latest.
    pub(super) const fn next(&self) -> Millis {
        self.trickle
    }

    /// Whole attempts in credit.
    pub(super) fn credit(&self) -> u32 {
        u32::try_from(self.credit / ONE).unwrap_or(0)
    }

    /// A repeated attempt begins: it costs one, which comes back if it is done.
    pub(super) fn begin(&mut self, now: Millis) {
        if self.credit < ONE {
            self.trickle = now.plus(TRICKLE_MS);
        }
        self.credit = (self.credit - ONE).max(-DEBT * ONE);
    }

    pub(super) fn ended(&mut self, ending: Ending, again: bool) {
        let change = match (ending, again) {
            (Ending::Done, true) => ONE + EARNED,
            (Ending::Done, false) => EARNED,
            (Ending::Unused, true) => ONE,
            (Ending::Unused, false) | (Ending::Deferred | Ending::Failed, true) => 0,
            (Ending::Deferred | Ending::Failed, false) => -ONE,
        };
        self.credit = (self.credit + change).clamp(-DEBT * ONE, self.most);
    }
}

fn most(concurrency: u32) -> i64 {
    i64::from(concurrency).max(CREDIT) * ONE
}
