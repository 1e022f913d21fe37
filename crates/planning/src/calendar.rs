//! Working time: a calendar as sorted open stretches, so that adding hours is two binary searches.

use lineshaft_model::Reason;

use crate::record::{Calendar, Exception, OffsetStep};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;
/// 1970-01-01 was a Thursday.
const FIRST_DAY: i64 = 3;
const LONGEST_MS: i64 = 20 * 366 * DAY_MS;
/// Ten thousand years, as far as dates can be written.
const FARTHEST_MS: u64 = 320_000_000_000_000;
const MOST_SHIFTS: usize = 100;
const MOST_EXCEPTIONS: usize = 1_000;
const MOST_OFFSETS: usize = 100;

/// Open stretches between two instants; before and after them everything is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Working {
    from: i64,
    until: i64,
    /// Begin, end, and the open time before the begin; sorted, apart from one another.
    open: Vec<(i64, i64, i64)>,
    total: i64,
}

impl Working {
    /// A calendar made ready, or what is wrong with it.
    pub(crate) fn of(calendar: &Calendar) -> Result<Self, Reason> {
        check(calendar)?;
        let (from, until) = (calendar.from.0, calendar.until.0);
        let mut stretches = shifts(calendar);
        stretches.sort_unstable();
        let mut open = merged(&stretches);
        for exception in &calendar.exceptions {
            except(&mut open, exception);
        }
        let mut total = 0;
        let open = open
            .into_iter()
            .map(|(begin, end)| (begin.max(from), end.min(until)))
            .filter(|(begin, end)| begin < end)
            .map(|(begin, end)| {
                let before = total;
                total += end - begin;
                (begin, end, before)
            })
            .collect();
        Ok(Self { from, until, open, total })
    }

    /// The first instant from `at` on that is open.
    pub(crate) fn next_open(&self, at: i64) -> i64 {
        if at < self.from || at >= self.until {
            return at;
        }
        let next = self.open.partition_point(|(_, end, _)| *end <= at);
        self.open.get(next).map_or(self.until, |(begin, ..)| at.max(*begin))
    }

    /// The stretches between two instants that are not open.
    pub(crate) fn closed(&self, from: i64, until: i64) -> Vec<(i64, i64)> {
        let (from, until) = (from.max(self.from), until.min(self.until));
        let mut closed = Vec::new();
        let mut at = from;
        for &(begin, end, _) in &self.open[self.open.partition_point(|(_, end, _)| *end <= from)..] {
            if at >= until {
                break;
            }
            if at < begin {
                closed.push((at, begin.min(until)));
            }
            at = at.max(end);
        }
        if at < until {
            closed.push((at, until));
        }
        closed
    }

    /// Open time since the calendar's begin, negative before it.
    fn worked_until(&self, at: i64) -> i64 {
        if at <= self.from {
            return at.saturating_sub(self.from);
        }
        if at >= self.until {
            return self.total.saturating_add(at - self.until);
        }
        let next = self.open.partition_point(|(_, end, _)| *end <= at);
        self.open.get(next).map_or(self.total, |(begin, _, before)| before + (at - begin).max(0))
    }

    /// Open time between two instants.
    pub(crate) fn between(&self, from: i64, until: i64) -> i64 {
        (self.worked_until(until) - self.worked_until(from)).max(0)
    }

    /// The first instant by which this much open time has passed since `at`.
    pub(crate) fn after(&self, at: i64, working_ms: i64) -> i64 {
        if working_ms <= 0 {
            return at;
        }
        let goal = self.worked_until(at).saturating_add(working_ms);
        if goal <= 0 {
            return self.from.saturating_add(goal);
        }
        if goal > self.total {
            return self.until.saturating_add(goal - self.total);
        }
        let last = self.open.partition_point(|(.., before)| *before < goal) - 1;
        let (begin, _, before) = self.open[last];
        begin + (goal - before)
    }
}

fn check(calendar: &Calendar) -> Result<(), Reason> {
    let wrong = |what: &str, hint: &str| {
        Err(Reason::new("calendar-malformed", format!("calendar `{}`: {what}", calendar.key)).hint(hint))
    };
    let span = calendar.until.0.checked_sub(calendar.from.0);
    let near = calendar.from.0.unsigned_abs() <= FARTHEST_MS;
    if !(near && span.is_some_and(|span| (0..=LONGEST_MS).contains(&span))) {
        return wrong(
            "it ends before it begins or spans more than 20 years",
            "cut it to the years that are planned",
        );
    }
    let sound = |day: u8, from: u16, until: u16| {
        (1..=7).contains(&day) && from < 1_440 && from < until && until <= 2_880
    };
    if !calendar.shifts.iter().all(|shift| sound(shift.day, shift.from_minute, shift.until_minute)) {
        return wrong(
            "a shift has no day from 1 to 7, or ends before it begins",
            "use ISO days and minutes of the day",
        );
    }
    if calendar.shifts.len() > MOST_SHIFTS
        || calendar.exceptions.len() > MOST_EXCEPTIONS
        || calendar.offsets.len() > MOST_OFFSETS
    {
        return wrong("more than 100 shifts, 100 offsets or 1000 exceptions", "leave out what is long past");
    }
    if calendar.exceptions.iter().any(|exception| exception.from > exception.until) {
        return wrong("an exception ends before it begins", "swap its ends");
    }
    if calendar.offsets.windows(2).any(|pair| pair[0].from > pair[1].from) {
        return wrong("its offsets are out of order", "list the earliest first");
    }
    Ok(())
}

fn shifts(calendar: &Calendar) -> Vec<(i64, i64)> {
    // A day more at both ends, because local days and shifts over midnight reach across.
    let first = calendar.from.0.div_euclid(DAY_MS) - 3;
    let last = calendar.until.0.div_euclid(DAY_MS) + 2;
    let mut stretches = Vec::new();
    for day in first..=last {
        let weekday = (day + FIRST_DAY).rem_euclid(7) + 1;
        for shift in calendar.shifts.iter().filter(|shift| i64::from(shift.day) == weekday) {
            let local = |minute: u16| day * DAY_MS + i64::from(minute) * MINUTE_MS;
            let begin = to_utc(&calendar.offsets, local(shift.from_minute));
            let end = to_utc(&calendar.offsets, local(shift.until_minute));
            if begin < end {
                stretches.push((begin, end));
            }
        }
    }
    stretches
}

/// The instant of a local time. In the hour a clock is put back it is the later one, in the hour left out the earlier offset holds.
fn to_utc(offsets: &[OffsetStep], local: i64) -> i64 {
    let shifted = |step: &OffsetStep| local - i64::from(step.minutes) * MINUTE_MS;
    let holds = offsets.iter().rev().find(|step| shifted(step) >= step.from.0);
    holds.or(offsets.first()).map_or(local, shifted)
}

fn merged(sorted: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut open: Vec<(i64, i64)> = Vec::with_capacity(sorted.len());
    for &(begin, end) in sorted {
        match open.last_mut() {
            Some(last) if begin <= last.1 => last.1 = last.1.max(end),
            _ => open.push((begin, end)),
        }
    }
    open
}

/// Opens or closes a stretch, touching only what it meets.
fn except(open: &mut Vec<(i64, i64)>, exception: &Exception) {
    let (from, until) = (exception.from.0, exception.until.0);
    if from >= until {
        return;
    }
    let first = open.partition_point(|(_, end)| *end < from);
    let last = open.partition_point(|(begin, _)| *begin <= until);
    let met = open.get(first..last.max(first)).unwrap_or_default();
    let mut instead = Vec::with_capacity(2);
    if exception.open {
        let begin = met.first().map_or(from, |(begin, _)| from.min(*begin));
        let end = met.last().map_or(until, |(_, end)| until.max(*end));
        instead.push((begin, end));
    } else {
        instead.extend(
            met.first().filter(|(begin, _)| *begin < from).map(|(begin, end)| (*begin, from.min(*end))),
        );
        instead
            .extend(met.last().filter(|(_, end)| *end > until).map(|(begin, end)| (until.max(*begin), *end)));
    }
    open.splice(first..last.max(first), instead);
}

#[cfg(test)]
mod tests {
    use lineshaft_model::Millis;
    use proptest::prelude::*;

    use super::*;
    use crate::record::Shift;

    const HOUR: i64 = 3_600_000;
    /// Monday 2026-11-23 00:00 UTC.
    const MONDAY: i64 = 1_795_392_000_000;

    fn weekdays() -> Calendar {
        Calendar {
            key: "day".to_owned(),
            from: Millis(MONDAY),
            until: Millis(MONDAY + 28 * DAY_MS),
            shifts: (1..=5).map(|day| Shift { day, from_minute: 480, until_minute: 960 }).collect(),
            offsets: Vec::new(),
            exceptions: Vec::new(),
        }
    }

    #[test]
    fn eight_hours_from_friday_noon_end_on_monday() {
        let working = Working::of(&weekdays()).unwrap();
        let friday_noon = MONDAY + 4 * DAY_MS + 12 * HOUR;
        assert_eq!(working.after(friday_noon, 8 * HOUR), MONDAY + 7 * DAY_MS + 12 * HOUR);
        assert_eq!(working.next_open(MONDAY + 5 * DAY_MS), MONDAY + 7 * DAY_MS + 8 * HOUR);
        assert_eq!(working.between(MONDAY, MONDAY + 7 * DAY_MS), 40 * HOUR);
        let holiday =
            Exception { from: Millis(MONDAY + 7 * DAY_MS), until: Millis(MONDAY + 8 * DAY_MS), open: false };
        let working = Working::of(&Calendar { exceptions: vec![holiday], ..weekdays() }).unwrap();
        assert_eq!(working.after(friday_noon, 8 * HOUR), MONDAY + 8 * DAY_MS + 12 * HOUR);
    }

    #[test]
    fn a_shift_follows_the_clock_of_the_site() {
        // Central European Time until 2027-03-28T01:00Z, an hour more from then on.
        let spring = 1_806_195_600_000;
        let calendar = Calendar {
            from: Millis(spring - 7 * DAY_MS),
            until: Millis(spring + 7 * DAY_MS),
            offsets: vec![
                OffsetStep { from: Millis(0), minutes: 60 },
                OffsetStep { from: Millis(spring), minutes: 120 },
            ],
            ..weekdays()
        };
        let working = Working::of(&calendar).unwrap();
        let midnight = |at: i64| at.div_euclid(DAY_MS) * DAY_MS;
        assert_eq!(
            working.next_open(midnight(spring) - 2 * DAY_MS),
            midnight(spring) - 2 * DAY_MS + 7 * HOUR
        );
        assert_eq!(working.next_open(midnight(spring)), midnight(spring) + DAY_MS + 6 * HOUR);
    }

    #[test]
    fn what_is_not_a_calendar_is_refused() {
        let shift = Shift { day: 8, from_minute: 0, until_minute: 1 };
        assert_eq!(
            Working::of(&Calendar { shifts: vec![shift], ..weekdays() }).unwrap_err().code,
            "calendar-malformed"
        );
        assert!(Working::of(&Calendar { until: Millis(i64::MAX), ..weekdays() }).is_err());
        assert!(Working::of(&Calendar { from: Millis(i64::MIN), ..weekdays() }).is_err());
    }

    proptest! {
        /// Against counting open minutes one by one.
        #[test]
        fn agrees_with_counting_minutes(
            start in -2_000_i64..45_000,
            minutes in 0_i64..6_000,
            exceptions in prop::collection::vec((0_i64..40_000, 0_i64..4_000, any::<bool>()), 0..6),
        ) {
            let at = |minute: i64| Millis(MONDAY + minute * MINUTE_MS);
            let exceptions: Vec<Exception> = exceptions
                .into_iter()
                .map(|(from, length, open)| Exception { from: at(from), until: at(from + length), open })
                .collect();
            let calendar = Calendar { exceptions, ..weekdays() };
            let working = Working::of(&calendar).unwrap();
            let is_open = |minute: i64| {
                if !(0..28 * 1_440).contains(&minute) {
                    return true;
                }
                let (day, of_day) = (minute / 1_440 % 7, minute % 1_440);
                let shift = day < 5 && (480..960).contains(&of_day);
                calendar.exceptions.iter().fold(shift, |open, exception| {
                    let met = exception.from <= at(minute) && at(minute) < exception.until;
                    if met { exception.open } else { open }
                })
            };
            let mut minute = start;
            while !is_open(minute) {
                minute += 1;
            }
            prop_assert_eq!(working.next_open(at(start).0), at(minute).0);
            let (mut left, mut minute) = (minutes, start);
            while left > 0 {
                left -= i64::from(is_open(minute));
                minute += 1;
            }
            prop_assert_eq!(working.after(at(start).0, minutes * MINUTE_MS), at(minute).0);
            prop_assert_eq!(working.between(at(start).0, at(minute).0), minutes * MINUTE_MS);
        }
    }
}
