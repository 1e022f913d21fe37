//! Since when a poll asks: read from the records themselves, never from the hub's clock.

use lineshaft_model::json::{Pointer, Value};
use lineshaft_model::{Millis, Moment, Reason};

use super::super::request::percent_encode;
use crate::settings::Section;

/// `since` of a poll.
#[derive(Clone, Debug)]
pub(super) struct Since {
    /// Where a record says when it was changed.
    at: String,
    written: Written,
    /// Where the first poll of all starts.
    pub(super) start: i64,
    /// How far before the highest value so far every poll starts: what is committed late lies there.
    pub(super) overlap: i64,
    /// Whether the system gives records in the order of their values, so that the place moves on with each page.
    pub(super) ordered: bool,
}

/// How a value is written in the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// `2026-11-28T06:30:00.000Z`
    Utc,
    /// `2026-11-28T06:30:00Z`
    Seconds,
    /// `2026-11-28T06:30:00`
    Bare,
    /// `2026-11-28`
    Date,
    /// Seconds since 1970.
    Epoch,
    /// Milliseconds since 1970.
    EpochMs,
    /// A number that only grows.
    Number,
}

const DAY_MS: u64 = 86_400_000;

impl Since {
    /// Reads `since`.
    pub(super) fn parse(mut section: Section<'_>) -> Option<Self> {
        let at = section
            .required_text("at", "name the field that says when a record was changed: at: /changed_at");
        let at = at.map(str::to_owned).filter(|at| {
            let good = !at.is_empty() && Pointer::parse(at).is_some();
            if !good {
                let hint = "write a JSON pointer into a record, for instance /changed_at";
                section.problem("at", "pointer-malformed", "this is not a JSON pointer", hint);
            }
            good
        });
        let words = [
            ("utc", Written::Utc),
            ("seconds", Written::Seconds),
            ("bare", Written::Bare),
            ("date", Written::Date),
            ("epoch", Written::Epoch),
            ("epoch-ms", Written::EpochMs),
            ("number", Written::Number),
        ];
        let written = section.choice("written", Written::Utc, &words);
        let start = section.value("start").map(|value| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            written.read_text(&text).unwrap_or_else(|| {
                let hint = "write it as the records have it, for instance \"2026-01-01T00:00:00Z\"";
                section.problem("start", "since-malformed", "this is no value to start from", hint);
                0
            })
        });
        let overlap = match written {
            Written::Number => match section.value("overlap").map(serde_json::Value::as_u64) {
                None => 100,
                Some(Some(count)) => i64::try_from(count).unwrap_or(i64::MAX),
                Some(None) => {
                    section.problem(
                        "overlap",
                        "setting-type",
                        "this is not a number",
                        "write for instance overlap: 100",
                    );
                    0
                }
            },
            Written::Date => millis(section.duration_ms("overlap", DAY_MS, 0..=366 * DAY_MS)),
            _ => millis(section.duration_ms("overlap", 300_000, 0..=366 * DAY_MS)),
        };
        let ordered = section.choice("order", false, &[("ascending", true), ("any", false)]);
        section.finish();
        Some(Self { at: at?, written, start: start.unwrap_or(0), overlap, ordered })
    }

    /// The value of a record; `None` when it has none.
    pub(super) fn of(&self, record: &Value<'_>) -> Result<Option<i64>, Reason> {
        let Some(value) = record.pointer(&self.at).filter(|value| !value.is_null()) else { return Ok(None) };
        let text = value.as_str().or_else(|| value.as_number()).unwrap_or_default();
        self.written.read_text(text).map(Some).ok_or_else(|| {
            Reason::new("since-malformed", format!("{} of a record says no time or number", self.at))
                .at(self.at.clone())
                .hint("check `since.at` and `since.written`; times need no offset, but a date and a time")
        })
    }

    /// A value as it stands in the query, encoded.
    pub(super) fn query(&self, value: i64) -> String {
        percent_encode(&self.written.write(value))
    }

    /// Whether values are times, which the answer's own date bounds.
    pub(super) fn is_time(&self) -> bool {
        self.written != Written::Number
    }
}

impl Written {
    fn write(self, value: i64) -> String {
        let utc = || Millis(value).to_string();
        let cut = |length: usize| utc().get(..length).unwrap_or_default().to_owned();
        match self {
            Self::Utc => utc(),
            Self::Seconds => format!("{}Z", cut(19)),
            Self::Bare => cut(19),
            Self::Date => cut(10),
            Self::Epoch => value.div_euclid(1_000).to_string(),
            Self::EpochMs | Self::Number => value.to_string(),
        }
    }

    fn read_text(self, text: &str) -> Option<i64> {
        let text = text.trim();
        if let Some(inner) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
            // Milliseconds in UTC, whatever offset stands behind them.
            let end =
                inner.get(1..).and_then(|rest| rest.find(['+', '-'])).map_or(inner.len(), |end| end + 1);
            return inner.get(..end)?.parse().ok();
        }
        if let Ok(number) = text.parse::<i64>() {
            return match self {
                Self::Epoch => number.checked_mul(1_000),
                _ => Some(number),
            };
        }
        if self == Self::Number {
            return None;
        }
        let whole = match text.len() {
            10 => format!("{text}T00:00:00Z"),
            _ => text.replacen(' ', "T", 1),
        };
        let moment = whole.parse::<Moment>().or_else(|_| format!("{whole}Z").parse::<Moment>());
        moment.ok().map(|moment| moment.millis().0)
    }
}

fn millis(span: u64) -> i64 {
    i64::try_from(span).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_out_no_later_than_it_came_in() {
        let at = |written: Written, text: &str| written.read_text(text).unwrap();
        let time = at(Written::Utc, "2026-11-28T07:30:00.789+01:00");
        assert_eq!(Written::Utc.write(time), "2026-11-28T06:30:00.789Z");
        assert_eq!(Written::Seconds.write(time), "2026-11-28T06:30:00Z");
        assert_eq!(Written::Bare.write(time), "2026-11-28T06:30:00");
        assert_eq!(Written::Date.write(time), "2026-11-28");
        assert_eq!(Written::Epoch.write(time), "1795847400");
        assert_eq!(Written::EpochMs.write(time), "1795847400789");
        for text in [
            "2026-11-28T06:30:00.789",
            "2026-11-28 06:30:00.789",
            "/Date(1795847400789+0060)/",
            "1795847400789",
        ] {
            assert_eq!(at(Written::Bare, text), time, "{text}");
        }
        assert_eq!(at(Written::Epoch, "1795847400"), time - 789);
        assert_eq!(at(Written::Date, "2026-11-28"), time - time.rem_euclid(86_400_000));
        assert_eq!(at(Written::Number, "4711"), 4_711);
        for bad in ["", "soon", "2026-13-01", "/Date(x)/", "1.5", "2026-11-28T06:30"] {
            assert_eq!(Written::Number.read_text(bad), None, "{bad}");
        }
    }
}
