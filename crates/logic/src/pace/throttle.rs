//! Rate, burst and concurrency: the generic cell rate algorithm (ITU-T I.371) beside a count of calls under way.

use lineshaft_model::Millis;

use super::Limits;

/// Parts into which a recovery is cut.
pub(super) const FULL: u32 = 16;

/// Whether a call fits now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fits {
    /// Yes.
    Now,
    /// Not before this time.
    At(Millis),
    /// Not before a call under way has ended.
    WhenOneEnds,
}

/// What is held within [`Limits`]: a system, or one of its operations.
#[derive(Debug)]
pub struct Throttle {
    limits: Limits,
    under_way: u32,
    /// Theoretical arrival time, in microseconds.
    arrival_us: i64,
}

impl Throttle {
    /// At rest.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, under_way: 0, arrival_us: i64::MIN / 2 }
    }

    /// Takes new limits; calls under way stay.
    pub const fn reconfigure(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The limits it keeps.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Calls under way.
    #[must_use]
    pub const fn under_way(&self) -> u32 {
        self.under_way
    }

    /// Whether one more call fits.
    #[must_use]
    pub fn fits(&self, now: Millis) -> Fits {
        self.fits_within(now, self.limits.concurrency, FULL)
    }

    /// Whether one more call fits beside `most` at a share of the rate, in sixteenths.
    pub(super) fn fits_within(&self, now: Millis, most: u32, share: u32) -> Fits {
        if self.under_way >= most.max(1) {
            return Fits::WhenOneEnds;
        }
        let Some(gap_us) = self.gap_us(share) else { return Fits::Now };
        let slack_us = gap_us.saturating_mul(i64::from(self.limits.burst.max(1)) - 1);
        let earliest_us = self.arrival_us.saturating_sub(slack_us);
        if now.0.saturating_mul(1000) < earliest_us {
            Fits::At(Millis(earliest_us.saturating_add(999) / 1000))
        } else {
            Fits::Now
        }
    }

    /// Begins a call.
    pub fn begin(&mut self, now: Millis) {
        self.begin_within(now, FULL);
    }

    pub(super) fn begin_within(&mut self, now: Millis, share: u32) {
        self.under_way += 1;
        if let Some(gap_us) = self.gap_us(share) {
            self.arrival_us = self.arrival_us.max(now.0.saturating_mul(1000)).saturating_add(gap_us);
        }
    }

    /// Ends a call.
    pub const fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Between two calls, without a burst; `None` for no limit.
    fn gap_us(&self, share: u32) -> Option<i64> {
        let gap_us = 1_000_000_000_u64.checked_div(self.limits.per_1000_s)?.max(1);
        let gap_us = gap_us.saturating_mul(u64::from(FULL)) / u64::from(share.clamp(1, FULL));
        Some(i64::try_from(gap_us).unwrap_or(i64::MAX))
    }
}
