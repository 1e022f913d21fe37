//! Maintenance windows: times in which a system is not there on purpose, by the clock of the place where it stands.
//!
//! A window begins where a cron expression says so (five fields: minute, hour, day of the month, month, day of the week; the two
//! kinds of days are alternatives when both are restricted, as in Vixie cron) and lasts so long. A beginning that the clock
//! skips when summer time comes is moved behind the gap; one that it shows twice when summer time goes counts once, at the first.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use lineshaft_model::Millis;

/// The longest window.
pub const LONGEST_MS: i64 = 31 * 86_400_000;

/// Days that are looked ahead for the next beginning: 29 February may be eight years away.
const DAYS_AHEAD: i64 = 8 * 366 + 1;

/// The times at which something begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether either kind of day is enough.
    either: bool,
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    /// Reads five fields: numbers, names (`SUN`, `JAN`), ranges, lists, steps and `*`.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!("it has {} fields, not 5", fields.len()));
        };
        let weekdays = field(weekday, "weekday", 0, 7, &WEEKDAYS, 0)?;
        let cron = Self {
            minutes: field(minute, "minute", 0, 59, &[], 0)?,
            hours: field(hour, "hour", 0, 23, &[], 0)?,
            days: field(day, "day", 1, 31, &[], 0)?,
            months: field(month, "month", 1, 12, &MONTHS, 1)?,
            // Seven is Sunday as well.
            weekdays: (weekdays | (weekdays >> 7)) & 0x7f,
            either: !day.starts_with('*') && !weekday.starts_with('*'),
        };
        let any = Date::new(2024, 1, 1).is_ok_and(|first| cron.next_day(first).is_some());
        if any { Ok(cron) } else { Err("no calendar has such a day".to_owned()) }
    }

    /// When it begins next after this time, by the clock of a place.
    #[must_use]
    pub fn next_after(&self, now: Millis, zone: &TimeZone) -> Option<Millis> {
        Window { cron: self.clone(), lasts_ms: 0, zone: zone.clone() }.next(now)
    }

    fn takes(&self, day: Date) -> bool {
        let has = |set: u64, n: i8| u32::try_from(n).is_ok_and(|n| set & (1 << n) != 0);
        let by_date = has(self.days, day.day());
        let by_weekday = has(self.weekdays, day.weekday().to_sunday_zero_offset());
        let by_day = if self.either { by_date || by_weekday } else { by_date && by_weekday };
        has(self.months, day.month()) && by_day
    }

    /// The first day that it takes, from this one on.
    fn next_day(&self, from: Date) -> Option<Date> {
        let mut day = from;
        for _ in 0..DAYS_AHEAD {
            if self.takes(day) {
                return Some(day);
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// The beginnings of a day, in order.
    fn on(&self, day: Date) -> impl DoubleEndedIterator<Item = DateTime> {
        let of = |set: u64| (0..60_i8).filter(move |n| set & (1 << n) != 0);
        let (hours, minutes) = (self.hours, self.minutes);
        of(hours).flat_map(move |hour| of(minutes).map(move |minute| day.at(hour, minute, 0, 0)))
    }
}

/// The values that a field takes, as bits.
fn field(text: &str, what: &str, least: u32, most: u32, names: &[&str], first: u32) -> Result<u64, String> {
    let bad = |part: &str| {
        format!("`{part}` is no {what}: write {least} to {most}, a range, a list, a step or `*`")
    };
    let value = |part: &str| -> Result<u32, String> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(part));
        let named = named.and_then(|at| u32::try_from(at).ok()).map(|at| at + first);
        let plain = (!part.is_empty() && part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse().ok());
        named.or(plain.flatten()).filter(|n| (least..=most).contains(n)).ok_or_else(|| bad(part))
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (value(from)?, value(to)?),
            None if step.is_some() => (value(range)?, most),
            None => (value(range)?, value(range)?),
        };
        let step = match step {
            None => 1,
            Some(step) => value_of_step(step, most).ok_or_else(|| bad(part))?,
        };
        if from > to {
            return Err(bad(part));
        }
        let mut n = from;
        while n <= to {
            bits |= 1 << n;
            n += step;
        }
    }
    Ok(bits)
}

fn value_of_step(text: &str, most: u32) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|step| plain && (1..=most).contains(step))
}

/// One kind of maintenance window.
#[derive(Clone, Debug)]
pub struct Window {
    /// When it begins.
    pub cron: Cron,
    /// How long it lasts, in milliseconds.
    pub lasts_ms: i64,
    /// By whose clock it begins.
    pub zone: TimeZone,
}

impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        (&self.cron, self.lasts_ms, self.zone.iana_name())
            == (&other.cron, other.lasts_ms, other.zone.iana_name())
    }
}

impl Window {
    /// When the window ends that is open at this time.
    fn open_until(&self, now: Millis) -> Option<Millis> {
        let zoned = Timestamp::from_millisecond(now.0).ok()?.to_zoned(self.zone.clone());
        // A day more than it lasts, because a day may have more than 24 hours.
        let days = self.lasts_ms / 86_400_000 + 2;
        let mut day = zoned.date();
        for _ in 0..=days {
            if self.cron.takes(day) {
                for begins in self.cron.on(day).rev() {
                    let Some(begins) = self.instant(begins).filter(|begins| *begins <= now) else { continue };
                    let ends = begins.plus(self.lasts_ms);
                    return (now < ends).then_some(ends);
                }
            }
            day = day.yesterday().ok()?;
        }
        None
    }

    /// When it begins next, after this time.
    fn next(&self, now: Millis) -> Option<Millis> {
        let zoned = Timestamp::from_millisecond(now.0).ok()?.to_zoned(self.zone.clone());
        let mut day = zoned.date();
        // Today's beginnings may all be past.
        for _ in 0..3 {
            day = self.cron.next_day(day)?;
            let begins =
                self.cron.on(day).filter_map(|begins| self.instant(begins)).find(|begins| *begins > now);
            if begins.is_some() {
                return begins;
            }
            day = day.checked_add(Span::new().days(1)).ok()?;
        }
        None
    }

    fn instant(&self, begins: DateTime) -> Option<Millis> {
        let zoned = self.zone.to_ambiguous_zoned(begins).compatible().ok()?;
        Some(Millis(zoned.timestamp().as_millisecond()))
    }
}

/// Every kind of maintenance window of one system.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Maintenance {
    windows: Vec<Window>,
}

/// How maintenance stands at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// When the window ends that is open; the latest of several that overlap.
    pub until: Option<Millis>,
    /// When the next window begins.
    pub next: Option<Millis>,
}

impl Maintenance {
    /// From its kinds.
    #[must_use]
    pub const fn new(windows: Vec<Window>) -> Self {
        Self { windows }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// How it stands now. A window that begins before the one ends that is open lengthens it.
    #[must_use]
    pub fn at(&self, now: Millis) -> Hold {
        let mut until = self.windows.iter().filter_map(|window| window.open_until(now)).max();
        while let Some(end) = until {
            let longer = self.windows.iter().filter_map(|window| window.open_until(end)).max();
            // Windows without an end between them would otherwise be followed for ever.
            if longer.is_none_or(|longer| longer <= end || longer.since(now) > LONGEST_MS) {
                break;
            }
            until = longer;
        }
        let next = self.windows.iter().filter_map(|window| window.next(until.unwrap_or(now))).min();
        Hold { until, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(cron: &str, lasts_ms: i64, zone: &str) -> Maintenance {
        let zone = TimeZone::get(zone).unwrap();
        Maintenance::new(vec![Window { cron: Cron::parse(cron).unwrap(), lasts_ms, zone }])
    }

    fn at(text: &str) -> Millis {
        Millis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn shown(hold: Hold) -> (Option<String>, Option<String>) {
        (hold.until.map(|t| t.to_string()), hold.next.map(|t| t.to_string()))
    }

    const HOUR: i64 = 3_600_000;

    /// The beginnings between two times, found by asking every minute.
    fn beginnings(maintenance: &Maintenance, from: &str, to: &str) -> Vec<String> {
        let (mut now, end) = (at(from), at(to));
        let (mut found, mut open) = (Vec::new(), maintenance.at(now).until.is_some());
        while now < end {
            now = now.plus(60_000);
            let is_open = maintenance.at(now).until.is_some();
            if is_open && !open {
                found.push(now.to_string());
            }
            open = is_open;
        }
        found
    }

    #[test]
    fn a_window_opens_by_the_clock_of_its_place() {
        let sunday = window("0 2 * * SUN", 2 * HOUR, "Europe/Berlin");
        // In winter two o'clock in Berlin is one o'clock UTC.
        assert_eq!(sunday.at(at("2026-11-29T00:59:59Z")).until, None);
        assert_eq!(sunday.at(at("2026-11-29T01:00:00Z")).until, Some(at("2026-11-29T03:00:00Z")));
        assert_eq!(sunday.at(at("2026-11-29T02:59:59Z")).until, Some(at("2026-11-29T03:00:00Z")));
        assert_eq!(
            sunday.at(at("2026-11-29T03:00:00Z")),
            Hold { until: None, next: Some(at("2026-12-06T01:00:00Z")) }
        );
    }

    #[test]
    fn a_beginning_that_the_clock_skips_comes_after_the_gap() {
        let skipped = window("30 2 * * *", HOUR, "Europe/Berlin");
        // On 29 March 2026 the clock goes from 02:00 to 03:00, at 01:00 UTC.
        assert_eq!(
            beginnings(&skipped, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"),
            [at("2026-03-29T01:30:00Z").to_string()]
        );
    }

    #[test]
    fn a_beginning_that_the_clock_shows_twice_counts_once() {
        let twice = window("30 2 * * *", HOUR / 2, "Europe/Berlin");
        // On 25 October 2026 the clock shows 02:30 at 00:30 and at 01:30 UTC.
        assert_eq!(
            beginnings(&twice, "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z"),
            [at("2026-10-25T00:30:00Z").to_string()]
        );
    }

    #[test]
    fn a_window_over_midnight_and_over_the_change_lasts_as_long_as_it_says() {
        let night = window("0 23 * * SAT", 6 * HOUR, "Europe/Berlin");
        let hold = night.at(at("2026-03-29T01:30:00Z"));
        assert_eq!(hold.until, Some(at("2026-03-29T04:00:00Z")), "six hours from 22:00 UTC");
    }

    #[test]
    fn windows_that_overlap_are_one() {
        let zone = TimeZone::UTC;
        let kinds = [("0 1 * * *", 2 * HOUR), ("30 2 * * *", HOUR)];
        let windows = kinds.map(|(cron, lasts_ms)| Window {
            cron: Cron::parse(cron).unwrap(),
            lasts_ms,
            zone: zone.clone(),
        });
        let hold = Maintenance::new(windows.into()).at(at("2026-05-01T01:00:00Z"));
        assert_eq!(
            shown(hold),
            (Some("2026-05-01T03:30:00.000Z".into()), Some("2026-05-02T01:00:00.000Z".into()))
        );
    }

    #[test]
    fn both_kinds_of_days_are_alternatives() {
        let either = window("0 0 13 * FRI", HOUR, "UTC");
        let next = |from: &str| either.at(at(from)).next.unwrap().to_string();
        assert_eq!(next("2026-11-10T00:30:00Z"), "2026-11-13T00:00:00.000Z");
        assert_eq!(next("2026-11-13T01:30:00Z"), "2026-11-20T00:00:00.000Z");
        assert_eq!(next("2026-12-11T01:30:00Z"), "2026-12-13T00:00:00.000Z");
    }

    #[test]
    fn the_fields_are_those_of_cron() {
        let parse = |text: &str| Cron::parse(text);
        assert_eq!(parse("*/15 1-3,5 1 jan,JUL 1-5"), parse("0,15,30,45 1,2,3,5 1 1,7 MON-FRI"));
        assert_eq!(parse("0 0 * * 7"), parse("0 0 * * 0"));
        assert_eq!(parse("10/20 0 * * *"), parse("10,30,50 0 * * *"));
        let wrong = |text: &str| parse(text).unwrap_err();
        assert_eq!(wrong("0 2 * *"), "it has 4 fields, not 5");
        assert!(wrong("60 2 * * *").contains("`60` is no minute"), "{}", wrong("60 2 * * *"));
        for bad in [
            "-1 2 * * *",
            "0 24 * * *",
            "0 0 0 * *",
            "0 0 * 13 *",
            "0 0 * * 8",
            "a 0 * * *",
            "5-1 0 * * *",
            "*/0 0 * * *",
            ", 0 * * *",
            "0 0 * * SUN-",
            "+1 0 * * *",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(wrong("0 0 31 2 *"), "no calendar has such a day");
        assert!(parse("0 0 29 2 *").is_ok());
    }

    #[test]
    fn the_farthest_day_is_found() {
        let leap = window("0 0 29 2 *", HOUR, "UTC");
        assert_eq!(leap.at(at("2097-01-01T00:00:00Z")).next, Some(at("2104-02-29T00:00:00Z")));
    }
}
