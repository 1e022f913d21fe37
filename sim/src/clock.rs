//! The scenario clock: business time runs faster than the wall clock, from a fixed first moment.

use std::time::Duration;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use tokio::time::Instant;

/// Milliseconds in a scenario hour.
pub const HOUR_MS: u64 = 3_600_000;

/// Turns elapsed wall time into business time. One scenario second passes in `1/speed` wall seconds.
#[derive(Clone, Debug)]
pub struct ScenarioClock {
    begins: Timestamp,
    started: Instant,
    speed: u64,
}

impl ScenarioClock {
    /// A clock that starts now. A `speed` of 0 counts as 1.
    #[must_use]
    pub fn start(begins: Timestamp, speed: u32) -> Self {
        Self { begins, started: Instant::now(), speed: u64::from(speed.max(1)) }
    }

    /// Scenario milliseconds since the beginning.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        let wall_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        wall_us.saturating_mul(self.speed) / 1000
    }

    /// Wall time since the start.
    #[must_use]
    pub fn wall(&self) -> Duration {
        self.started.elapsed()
    }

    /// The business time some scenario milliseconds after the beginning.
    #[must_use]
    pub fn scenario(&self, scenario_ms: u64) -> Timestamp {
        after(self.begins, scenario_ms)
    }

    /// The business time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        after(self.begins, self.elapsed_ms())
    }

    /// The business day now, in UTC.
    #[must_use]
    pub fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }

    /// How long a scenario span takes on the wall clock.
    #[must_use]
    pub fn wall_span(&self, scenario_ms: u64) -> Duration {
        Duration::from_micros(scenario_ms.saturating_mul(1000) / self.speed)
    }

    /// The wall moment at which the scenario reaches `scenario_ms` after its beginning.
    #[must_use]
    pub fn wall_at(&self, scenario_ms: u64) -> Instant {
        self.started + self.wall_span(scenario_ms)
    }
}

/// `moment` plus milliseconds; the moment itself if that leaves the calendar.
#[must_use]
pub fn after(moment: Timestamp, ms: u64) -> Timestamp {
    i64::try_from(ms)
        .ok()
        .and_then(|ms| moment.as_millisecond().checked_add(ms))
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .unwrap_or(moment)
}

/// A day `days` after `date`; the day itself if that leaves the calendar.
#[must_use]
pub fn days_after(date: Date, days: u64) -> Date {
    let span = jiff::Span::new().try_days(i64::try_from(days).unwrap_or(0));
    span.and_then(|span| date.checked_add(span)).unwrap_or(date)
}

/// `/Date(ms)/`: a day as OData V2 writes it, midnight UTC.
#[must_use]
pub fn odata_day(date: Date) -> String {
    let ms = date.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_millisecond());
    format!("/Date({ms})/")
}

/// `/Date(ms)/`: a moment as OData V2 writes it.
#[must_use]
pub fn odata_moment(moment: Timestamp) -> String {
    format!("/Date({})/", moment.as_millisecond())
}

/// Reads `/Date(ms)/` and `/Date(ms+offset)/`; the offset only says how to show it.
#[must_use]
pub fn read_odata_day(text: &str) -> Option<Date> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let end =
        inner.char_indices().skip(1).find(|(_, c)| *c == '+' || *c == '-').map_or(inner.len(), |(at, _)| at);
    let ms: i64 = inner.get(..end)?.parse().ok()?;
    Some(Timestamp::from_millisecond(ms).ok()?.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odata_dates_survive_a_round_trip() {
        let day = jiff::civil::date(2026, 3, 29);
        assert_eq!(odata_day(day), "/Date(1774742400000)/");
        assert_eq!(read_odata_day("/Date(1774742400000)/"), Some(day));
        assert_eq!(read_odata_day("/Date(1774742400000+0060)/"), Some(day));
        assert_eq!(read_odata_day("2026-03-29"), None);
    }

    #[test]
    fn spans_shrink_by_the_speed() {
        let clock = ScenarioClock::start(Timestamp::UNIX_EPOCH, 3600);
        assert_eq!(clock.wall_span(HOUR_MS), Duration::from_secs(1));
        assert_eq!(days_after(jiff::civil::date(2026, 12, 30), 3), jiff::civil::date(2027, 1, 2));
    }
}
