//! On what terms things are had and done: sources of supply, substitutes, calendars.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lineshaft_model::{Millis, Reason};
use lineshaft_planning::Record;
use lineshaft_planning::record::{
    Calendar, Exception, OffsetStep, Origin, Shift, Site, Source, Substitution,
};
use rust_decimal::Decimal;

use super::{Part, Places, Read};

/// `item`, `site`, `supplier` or `from_site`, `lead_time_days`, `minimum`, `lot_size`, `price`, `expedite_days`,
/// `expedite_price`, `valid_from`, `valid_to`.
pub(super) fn source_of_supply(places: &Places, key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let reasons = &mut read.reasons;
    if matches!(part.text("status"), Some("blocked" | "closed" | "retired")) {
        return read;
    }
    let from = match (part.text("supplier"), part.text("from_site")) {
        (Some(supplier), None) => Some(Origin::Supplier(supplier.to_owned())),
        (None, Some(site)) => Some(Origin::Site(site.to_owned())),
        _ => None,
    };
    let (Some(item), Some(from), Some(lead_time_ms)) =
        (part.text("item"), from, part.days_ms("lead_time_days", reasons))
    else {
        let why = "a source of supply has `item`, `lead_time_days`, and either `supplier` or `from_site`";
        part.note("", "attribute-missing", why, reasons);
        return read;
    };
    let site = places.site(part);
    let zone = places.zone(site);
    read.records.push(Record::Source(Source {
        key: key.to_owned(),
        item: item.to_owned(),
        site: site.to_owned(),
        from,
        lead_time_ms,
        minimum: part.quantity("minimum", reasons),
        multiple: part.quantity("lot_size", reasons),
        price: part.money("price", reasons),
        expedite_ms: part.days_ms("expedite_days", reasons),
        expedite_price: part.money("expedite_price", reasons),
        valid_from: part.time(&["valid_from"], zone, reasons),
        valid_until: part.time(&["valid_to"], zone, reasons),
    }));
    read
}

/// `item`, `substitute`, `site`, `ratio`, `preference`, `automatic`, `valid_from`, `valid_to`.
pub(super) fn substitution(places: &Places, key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let reasons = &mut read.reasons;
    if matches!(part.text("status"), Some("closed" | "retired")) {
        return read;
    }
    let (Some(item), Some(substitute)) = (part.text("item"), part.text("substitute")) else {
        part.note("", "attribute-missing", "a substitution has `item` and `substitute`", reasons);
        return read;
    };
    let site = part.text("site");
    let zone = places.zone(site.unwrap_or(&places.site));
    read.records.push(Record::Substitution(Substitution {
        key: key.to_owned(),
        item: item.to_owned(),
        substitute: substitute.to_owned(),
        site: site.map(str::to_owned),
        ratio: part.decimal("ratio", reasons).unwrap_or(Decimal::ONE),
        preference: part.whole("preference", reasons).unwrap_or(0),
        automatic: part.flag("automatic"),
        valid_from: part.time(&["valid_from"], zone, reasons),
        valid_until: part.time(&["valid_to"], zone, reasons),
    }));
    read
}

/// `site` whose calendar it is (none: work centres name it), `shifts: [{days, from, until}]` in the site's time, `closed` and
/// `open`: days, or `{from, until}`; `valid_from`, `valid_to`.
pub(super) fn calendar(places: &Places, key: &str, part: &Part<'_>) -> Read {
    let mut read = Read::default();
    let reasons = &mut read.reasons;
    let site = part.text("site");
    let zone = places.zone(site.unwrap_or(&places.site));
    let from = part.time(&["valid_from"], zone, reasons).unwrap_or(places.calendars.0);
    let until = part.time(&["valid_to"], zone, reasons).unwrap_or(places.calendars.1);
    let mut shifts = Vec::new();
    for shift in part.each("shifts") {
        read_shift(&shift, &mut shifts, reasons);
    }
    let mut exceptions = Vec::new();
    for (name, open) in [("closed", false), ("open", true)] {
        for stretch in part.each(name) {
            match read_stretch(&stretch, zone, reasons) {
                Some((from, until)) => exceptions.push(Exception { from, until, open }),
                None => {
                    let why = "a closure or opening is a day, or has `from` and `until`";
                    stretch.note("", "calendar-malformed", why, reasons);
                }
            }
        }
    }
    read.records.push(Record::Calendar(Calendar {
        key: key.to_owned(),
        from,
        until,
        shifts,
        offsets: offsets(zone, from, until),
        exceptions,
    }));
    if let Some(site) = site {
        read.records.push(Record::Site(Site { key: site.to_owned(), calendar: Some(key.to_owned()) }));
    }
    read
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn read_shift(shift: &Part<'_>, shifts: &mut Vec<Shift>, reasons: &mut Vec<Reason>) {
    let minutes = |name: &str| minute_of(shift.text(name)?);
    let (Some(from_minute), Some(until)) = (minutes("from"), minutes("until")) else {
        let why = "a shift has `from` and `until`, for instance 06:00 and 14:00";
        return shift.note("", "calendar-malformed", why, reasons);
    };
    // What ends at or before its begin reaches into the next day.
    let until_minute = if until <= from_minute { until + 1_440 } else { until };
    let mut known = 0;
    for day in shift.each("days") {
        let number = day.own_text().and_then(|name| {
            let by_name = DAYS.iter().position(|day| *day == name).map(|place| place + 1);
            by_name.or_else(|| name.parse().ok().filter(|day| (1..=7).contains(day)))
        });
        match number.and_then(|number| u8::try_from(number).ok()) {
            Some(day) => {
                known += 1;
                shifts.push(Shift { day, from_minute, until_minute });
            }
            None => day.note("", "calendar-malformed", "a day is mon to sun, or 1 to 7", reasons),
        }
    }
    if known == 0 {
        shift.note("days", "calendar-malformed", "a shift has `days`", reasons);
    }
}

fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.get(..2)?.parse::<u16>().ok()?);
    (hour <= 24 && minute < 60 && hour * 60 + minute <= 1_440).then_some(hour * 60 + minute)
}

/// A whole day of the zone, or a stretch of its own.
fn read_stretch(part: &Part<'_>, zone: &TimeZone, reasons: &mut Vec<Reason>) -> Option<(Millis, Millis)> {
    if let Some(text) = part.own_text() {
        let day: jiff::civil::Date = text.parse().ok()?;
        let midnight = |day: jiff::civil::Date| {
            let zoned = zone.to_ambiguous_zoned(day.to_datetime(jiff::civil::Time::midnight()));
            Some(Millis(zoned.compatible().ok()?.timestamp().as_millisecond()))
        };
        return Some((midnight(day)?, midnight(day.tomorrow().ok()?)?));
    }
    Some((part.time(&["from"], zone, reasons)?, part.time(&["until"], zone, reasons)?))
}

/// The zone's offsets over a stretch of time, the one that holds at its begin first.
fn offsets(zone: &TimeZone, from: Millis, until: Millis) -> Vec<OffsetStep> {
    let Ok(begin) = Timestamp::from_millisecond(from.0) else { return Vec::new() };
    let minutes = |offset: jiff::tz::Offset| i16::try_from(offset.seconds() / 60).unwrap_or(0);
    let first = OffsetStep { from, minutes: minutes(zone.to_offset(begin)) };
    let later = zone.following(begin).map(|change| OffsetStep {
        from: Millis(change.timestamp().as_millisecond()),
        minutes: minutes(change.offset()),
    });
    std::iter::once(first).chain(later.take_while(|step| step.from < until).take(99)).collect()
}
