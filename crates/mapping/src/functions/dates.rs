//! Dates and times of the formats we meet, given as RFC 3339 text.

use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp, Zoned};
use lineshaft_model::Reason;

use super::{Arguments, Context};
use crate::datum::{Datum, clip};
use crate::decimal::Exact;

type Answer = Result<Datum<'static>, Reason>;

fn unreadable(text: &str, wanted: &str, error: &dyn std::fmt::Display) -> Reason {
    Reason::new("date-unreadable", format!("`{}` does not read as {wanted}: {error}", clip(text)))
}

fn text<'d>(function: &str, datum: &'d Datum<'_>) -> Result<&'d str, Reason> {
    datum.as_word().ok_or_else(|| datum.unfit(function, "a string"))
}

fn rfc3339(zoned: &Zoned) -> Datum<'static> {
    let offset = zoned.offset();
    let shown = if offset == Offset::UTC && zoned.time_zone() == &TimeZone::UTC {
        zoned.timestamp().to_string()
    } else {
        zoned.timestamp().display_with_offset(offset).to_string()
    };
    Datum::text(shown)
}

fn zone(name: &str) -> Result<TimeZone, Reason> {
    if matches!(name, "Z" | "UTC") {
        return Ok(TimeZone::UTC);
    }
    let fixed = || {
        let parsed = strtime::parse("%:z", name).or_else(|_| strtime::parse("%z", name)).ok()?;
        parsed.offset().map(TimeZone::fixed)
    };
    if name.starts_with(['+', '-']) {
        return fixed().ok_or_else(|| zone_unknown(name));
    }
    TimeZone::get(name).map_err(|_| zone_unknown(name))
}

fn zone_unknown(name: &str) -> Reason {
    Reason::new("time-zone-unknown", format!("`{}` is no time zone", clip(name)))
        .hint("write an IANA name such as Europe/Berlin, an offset such as +01:00, or UTC")
}

/// `datetime(text; format; zone)`: the format is strftime's; a zone or offset in the text goes before the given one.
pub(super) fn datetime(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    if args[0] == Datum::Null {
        return Ok(Datum::Null);
    }
    let (value, format) = (text("datetime", &args[0])?, text("datetime", &args[1])?);
    let parsed = strtime::parse(format, value).map_err(|e| unreadable(value, format, &e))?;
    if parsed.offset().is_some() || parsed.iana_time_zone().is_some() {
        return parsed.to_zoned().map(|z| rfc3339(&z)).map_err(|e| unreadable(value, format, &e));
    }
    let civil = parsed
        .to_datetime()
        .or_else(|_| parsed.to_date().map(|date| date.at(0, 0, 0, 0)))
        .map_err(|e| unreadable(value, format, &e))?;
    let zone = zone(text("datetime", &args[2])?)?;
    civil.to_zoned(zone).map(|z| rfc3339(&z)).map_err(|e| unreadable(value, format, &e))
}

/// `date_only(text; format)` and `date(format)`.
pub(super) fn date_only(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    if args[0] == Datum::Null {
        return Ok(Datum::Null);
    }
    let (value, format) = (text("date_only", &args[0])?, text("date_only", &args[1])?);
    let date = strtime::parse(format, value).and_then(|parsed| parsed.to_date());
    date.map(|date| Datum::text(date.to_string())).map_err(|e| unreadable(value, format, &e))
}

/// `/Date(1492041600000)/`, `/Date(1492041600000+0060)/`: milliseconds in UTC, the offset in minutes only for show.
pub(super) fn odata_date(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    if args[0] == Datum::Null {
        return Ok(Datum::Null);
    }
    let value = text("odata_date", &args[0])?;
    let wrong = || unreadable(value, "/Date(milliseconds)/", &"it has another form");
    let inner = value.strip_prefix("/Date(").and_then(|v| v.strip_suffix(")/")).ok_or_else(wrong)?;
    let sign = inner.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-'));
    let (millis, minutes) = match sign {
        Some((at, _)) => (&inner[..at], inner[at..].parse::<i32>().ok()),
        None => (inner, Some(0)),
    };
    let millis: i64 = millis.parse().map_err(|_| wrong())?;
    let seconds = minutes.and_then(|m| m.checked_mul(60)).ok_or_else(wrong)?;
    let offset =
        Offset::from_seconds(seconds).map_err(|e| unreadable(value, "/Date(milliseconds+minutes)/", &e))?;
    let timestamp =
        Timestamp::from_millisecond(millis).map_err(|e| unreadable(value, "/Date(milliseconds)/", &e))?;
    let zone = if seconds == 0 { TimeZone::UTC } else { TimeZone::fixed(offset) };
    Ok(rfc3339(&timestamp.to_zoned(zone)))
}

/// `YYYYMMDD` or `YYMMDD` (70 to 99 is the twentieth century).
pub(super) fn x12_date(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    if args[0] == Datum::Null {
        return Ok(Datum::Null);
    }
    let value = text("x12_date", &args[0])?;
    let wrong = |error: &dyn std::fmt::Display| unreadable(value, "YYYYMMDD or YYMMDD", error);
    if !value.bytes().all(|b| b.is_ascii_digit()) || !matches!(value.len(), 6 | 8) {
        return Err(wrong(&"it has another form"));
    }
    let number = |range: std::ops::Range<usize>| value[range].parse::<i16>().unwrap_or(0);
    let (year, rest) = if value.len() == 8 {
        (number(0..4), 4)
    } else {
        let year = number(0..2);
        (if year >= 70 { 1900 + year } else { 2000 + year }, 2)
    };
    let part = |from: usize| i8::try_from(number(from..from + 2)).unwrap_or(0);
    let date = Date::new(year, part(rest), part(rest + 2)).map_err(|e| wrong(&e))?;
    Ok(Datum::text(date.to_string()))
}

/// `add_days(d; n)`: of a date or of an RFC 3339 time, whose clock time and offset stay.
pub(super) fn add_days(args: Arguments<'_, '_>, _: Context<'_>) -> Answer {
    if args[0] == Datum::Null {
        return Ok(Datum::Null);
    }
    let value = text("add_days", &args[0])?;
    let days = args[1].as_word().and_then(Exact::parse).and_then(Exact::to_whole);
    let days = days
        .and_then(|d| i32::try_from(d).ok())
        .ok_or_else(|| args[1].unfit("add_days", "a whole number"))?;
    let span = Span::new().try_days(days).map_err(|e| unreadable(value, "a date", &e))?;
    if let Ok(date) =
        value.parse::<Date>().and_then(|_| strtime::parse("%Y-%m-%d", value)).and_then(|p| p.to_date())
    {
        return date
            .checked_add(span)
            .map(|d| Datum::text(d.to_string()))
            .map_err(|e| unreadable(value, "a date", &e));
    }
    let parsed = strtime::parse("%Y-%m-%dT%H:%M:%S%.f%:z", value)
        .or_else(|_| {
            strtime::parse("%Y-%m-%dT%H:%M:%S%.fZ", value).map(|mut parsed| {
                parsed.set_offset(Some(Offset::UTC));
                parsed
            })
        })
        .map_err(|e| unreadable(value, "a date or an RFC 3339 time", &e))?;
    let zoned =
        parsed.to_zoned().map(|z| if value.ends_with('Z') { z.with_time_zone(TimeZone::UTC) } else { z });
    let moved =
        zoned.and_then(|z| z.checked_add(span)).map_err(|e| unreadable(value, "an RFC 3339 time", &e))?;
    Ok(rfc3339(&moved))
}
