//! How fast a system may be called, and by which of its lanes next: rate, burst, concurrency, a breaker that spares a system in
//! trouble, a budget for repeats, and a ramp by which a system that is back gets its work.
//!
//! All times here are those of a clock that never goes back: nothing is kept over a restart.

mod breaker;
mod budget;
#[cfg(test)]
mod tests;
mod throttle;

use lineshaft_model::Millis;
use serde::{Deserialize, Serialize};

use breaker::Fuse;
pub use breaker::{Breaker, BreakerRule, Forced};
use budget::Budget;
use throttle::FULL;
pub use throttle::{Fits, Throttle};

use crate::turns::{Seat, Turn, Turns, Wants};

/// Limits of one system, shared by its operations, or of one operation.
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

/// What a lane may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Make this call; report how it ended with [`Pace::ended`].
    Go(Turn),
    /// Nothing before this time.
    At(Millis),
    /// Nothing before a call under way has ended.
    WhenOneEnds,
    /// It is this lane's turn, which is to be woken; look again at this time, if there is one.
    After(Seat, Option<Millis>),
    /// Nothing is wanted by any lane.
    Nothing,
    /// Nothing before a person says so.
    Held,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The system did what was asked, or refused it for good.
    Done,
    /// The system answered, and wants the same again later.
    Deferred,
    /// The system could not be reached, said it was in trouble, or did not answer.
    Failed,
    /// The call was not made after all.
    Unused,
}

/// How a system stands, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where the breaker stands.
    pub breaker: Breaker,
    /// What a person set it to.
    pub forced: Option<Forced>,
    /// When the system asked not to be called before, if that is ahead.
    pub held_until: Option<Millis>,
    /// How much of its limits a system that is back has again, in per cent.
    pub ramp_percent: u32,
    /// Calls under way.
    pub under_way: u32,
    /// Attempts that may be repeated at once.
    pub repeats: u32,
}

/// The pace of one system.
#[derive(Debug)]
pub struct Pace {
    throttle: Throttle,
    fuse: Fuse,
    budget: Budget,
    turns: Turns,
    paused: bool,
    /// Set by a Retry-After of the system as a whole.
    not_before: Millis,
    /// Since when the system is back.
    back_since: Option<Millis>,
}

impl Pace {
    /// A system at rest.
    #[must_use]
    pub fn new(limits: Limits, rule: BreakerRule) -> Self {
        Self {
            throttle: Throttle::new(limits),
            fuse: Fuse::new(rule),
            budget: Budget::new(limits.concurrency),
            turns: Turns::default(),
            paused: false,
            not_before: Millis(i64::MIN),
            back_since: None,
        }
    }

    /// Takes a new configuration; calls under way, failures and the breaker stay.
    pub fn reconfigure(&mut self, limits: Limits, rule: BreakerRule) {
        self.throttle.reconfigure(limits);
        self.budget.reconfigure(limits.concurrency);
        self.fuse.reconfigure(rule);
    }

    /// A place for one more lane.
    pub fn sit(&mut self) -> Seat {
        self.turns.sit()
    }

    /// Asks to make one call now for a lane that wants this. `closed` is when a maintenance window ends that is open now.
    pub fn start(&mut self, seat: Seat, wants: Wants, now: Millis, closed: Option<Millis>) -> Permit {
        self.turns.want(seat, wants);
        let (free, repeats) = match self.gate(now, closed) {
            Ok(open) => open,
            // Whoever wants something sees to it that it looks again.
            Err(permit) if !wants.is_empty() || matches!(permit, Permit::Held | Permit::WhenOneEnds) => {
                return permit;
            }
            Err(_) => {
                return self.turns.next(true).map_or(Permit::Nothing, |turn| Permit::After(turn.seat, None));
            }
        };
        let scarce = self.throttle.limits().per_1000_s > 0 || self.turns.others(seat) >= free as usize;
        let turn = match scarce {
            // Whoever is woken finds out by itself whether it has credit.
            _ if wants.is_empty() => self.turns.next(true),
            true => self.turns.next(repeats),
            false => self.turns.next_of(seat, repeats),
        };
        let without_credit = (!repeats && !wants.again.is_empty()).then(|| self.budget.next());
        match turn {
            Some(turn) if turn.seat == seat => {
                let turn = self.probe(turn, wants);
                self.go(turn, now);
                Permit::Go(turn)
            }
            Some(turn) => Permit::After(turn.seat, without_credit),
            None => match without_credit {
                Some(then) => Permit::At(then),
                // Another lane may wait for credit too; it has its own time to look again.
                None => Permit::Nothing,
            },
        }
    }

    /// Whether a call may be made now, and beside how many free slots; and whether it may be a repeated one.
    fn gate(&mut self, now: Millis, closed: Option<Millis>) -> Result<(u32, bool), Permit> {
        if self.paused || self.fuse.forced() == Some(Forced::Open) {
            return Err(Permit::Held);
        }
        if let Some(until) = closed {
            return Err(Permit::At(until));
        }
        let breaker = self.fuse.look(now);
        if let Breaker::Open { until } = breaker {
            return Err(Permit::At(until));
        }
        if now < self.not_before {
            return Err(Permit::At(self.not_before));
        }
        let share = self.share(now);
        let most =
            if breaker == Breaker::HalfOpen { 1 } else { most(self.throttle.limits().concurrency, share) };
        match self.throttle.fits_within(now, most, share) {
            Fits::Now => {
                let repeats = breaker == Breaker::HalfOpen || self.budget.allows(now);
                Ok((most.max(1) - self.throttle.under_way(), repeats))
            }
            Fits::At(then) => Err(Permit::At(then)),
            Fits::WhenOneEnds => Err(Permit::WhenOneEnds),
        }
    }

    /// A probe is a first attempt where there is one: what has failed before says little about the system.
    fn probe(&self, turn: Turn, wants: Wants) -> Turn {
        if turn.again && self.fuse.state() == Breaker::HalfOpen && wants.fresh.has(turn.class) {
            return Turn { again: false, ..turn };
        }
        turn
    }

    fn go(&mut self, turn: Turn, now: Millis) {
        let share = self.share(now);
        self.throttle.begin_within(now, share);
        if turn.again {
            self.budget.begin(now);
        }
        self.turns.gone(turn);
    }

    /// The lane of a seat has gone: it wants nothing more. Gives the lane to be woken instead.
    pub fn leave(&mut self, seat: Seat) -> Option<Seat> {
        self.turns.want(seat, Wants::default());
        self.turns.next(true).map(|turn| turn.seat)
    }

    /// Learns how a call ended. `again` says whether it was a repeated one, `hold_ms` how long the system as a whole asked to
    /// be left alone (429, 503).
    pub fn ended(&mut self, now: Millis, ending: Ending, again: bool, hold_ms: Option<i64>) {
        self.throttle.end();
        self.budget.ended(ending, again);
        if let Some(hold_ms) = hold_ms {
            self.not_before = self.not_before.max(now.plus(hold_ms));
        }
        match ending {
            Ending::Unused => {}
            Ending::Done | Ending::Deferred => {
                if self.fuse.answered(now) {
                    self.back(now);
                }
            }
            Ending::Failed => self.fuse.failed(now),
        }
    }

    /// The system is back after an outage or a rest: its limits grow back over the ramp.
    pub const fn back(&mut self, now: Millis) {
        self.back_since = if self.fuse.rule().ramp_ms > 0 { Some(now) } else { None };
    }

    /// Pauses or resumes the system. Resuming closes the breaker: the person has looked.
    pub fn pause(&mut self, paused: bool, now: Millis) {
        self.paused = paused;
        if !paused {
            self.fuse.close();
            self.not_before = Millis(i64::MIN);
            self.back(now);
        }
    }

    /// Sets the breaker by a person's word, or leaves it to itself again.
    pub fn force(&mut self, forced: Option<Forced>, now: Millis) {
        let was = self.fuse.state();
        self.fuse.force(forced);
        if was != Breaker::Closed && forced != Some(Forced::Open) {
            self.not_before = Millis(i64::MIN);
            self.back(now);
        }
    }

    /// How the system stands.
    #[must_use]
    pub fn standing(&self, now: Millis) -> Standing {
        Standing {
            breaker: self.fuse.state(),
            forced: self.fuse.forced(),
            held_until: (self.not_before > now).then_some(self.not_before),
            ramp_percent: self.share_at(now) * 100 / FULL,
            under_way: self.throttle.under_way(),
            repeats: self.budget.credit(),
        }
    }

    /// The share of its limits that the system has now, in sixteenths.
    fn share(&mut self, now: Millis) -> u32 {
        let share = self.share_at(now);
        if share == FULL {
            self.back_since = None;
        }
        share
    }

    fn share_at(&self, now: Millis) -> u32 {
        let Some(since) = self.back_since else { return FULL };
        let elapsed = now.since(since).max(0);
        let ramp_ms = self.fuse.rule().ramp_ms.max(1);
        let grown = i64::from(FULL - 1).saturating_mul(elapsed) / ramp_ms;
        u32::try_from(grown + 1).unwrap_or(FULL).min(FULL)
    }
}

/// The calls that may be under way at a share of the limits.
fn most(concurrency: u32, share: u32) -> u32 {
    if share == FULL {
        return concurrency.max(1);
    }
    u32::try_from(u64::from(concurrency) * u64::from(share) / u64::from(FULL)).unwrap_or(concurrency).max(1)
}
