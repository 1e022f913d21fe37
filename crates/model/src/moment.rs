//! Times: the hub's own clock in milliseconds, and business times that keep their offset.

use std::fmt;
use std::str::FromStr;

use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::Reason;

/// Milliseconds since 1970-01-01T00:00:00Z: the hub's own time, passed in wherever a decision needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// This time moved on by `delay_ms` milliseconds, saturating.
    #[must_use]
    pub const fn plus(self, delay_ms: i64) -> Self {
        Self(self.0.saturating_add(delay_ms))
    }

    /// Milliseconds from `earlier` to this time, never negative.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        let span = self.0.saturating_sub(earlier.0);
        if span < 0 { 0 } else { span }
    }
}

/// RFC 3339 in UTC with milliseconds.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(stamp) => write!(f, "{stamp:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A business time: an instant and the offset it was written with (RFC 3339).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    instant: jiff::Timestamp,
    offset_seconds: i32,
}

impl Moment {
    /// The moment of a hub time, in UTC.
    #[must_use]
    pub fn from_millis(millis: Millis) -> Self {
        let instant = jiff::Timestamp::from_millisecond(millis.0).unwrap_or_default();
        Self { instant, offset_seconds: 0 }
    }

    /// Milliseconds since 1970, cut to the millisecond.
    #[must_use]
    pub fn millis(&self) -> Millis {
        Millis(self.instant.as_millisecond())
    }
}

impl FromStr for Moment {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        static PARSER: DateTimeParser = DateTimeParser::new();
        let wrong = |why: String| {
            Reason::new("time-malformed", format!("`{}` is not an RFC 3339 time: {why}", clip(text, 64)))
                .hint("write a date, a time and an offset, for instance 2026-11-23T06:30:00+01:00")
        };
        let pieces = PARSER.parse_pieces(text).map_err(|e| wrong(e.to_string()))?;
        let instant = PARSER.parse_timestamp(text).map_err(|e| wrong(e.to_string()))?;
        let offset_seconds = pieces.to_numeric_offset().map_or(0, Offset::seconds);
        Ok(Self { instant, offset_seconds })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Offset::from_seconds(self.offset_seconds) {
            Ok(offset) if self.offset_seconds != 0 => {
                let zoned = self.instant.to_zoned(TimeZone::fixed(offset));
                write!(f, "{}", zoned.strftime("%Y-%m-%dT%H:%M:%S%.f%:z"))
            }
            _ => write!(f, "{}", self.instant),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// At most `most` bytes of `text`, cut at a character, for use in messages.
#[must_use]
pub(crate) fn clip(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_keeps_its_offset() {
        let text = "2026-11-23T06:30:00.25+01:00";
        let moment: Moment = text.parse().unwrap();
        assert_eq!(moment.to_string(), text);
        assert_eq!(moment.millis(), Millis(1_795_411_800_250));
        assert_eq!("2026-11-23T05:30:00Z".parse::<Moment>().unwrap().to_string(), "2026-11-23T05:30:00Z");
    }

    #[test]
    fn a_time_without_offset_is_refused() {
        let error = "2026-11-23T06:30:00".parse::<Moment>().unwrap_err();
        assert_eq!(error.code, "time-malformed");
    }

    #[test]
    fn the_hub_time_prints_in_utc() {
        assert_eq!(Millis(1_795_411_800_250).to_string(), "2026-11-23T05:30:00.250Z");
    }
}
