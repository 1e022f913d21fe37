//! Durations: the DSL's own form, ISO 8601, or an expression that gives either.

use jiff::{Span, Timestamp, tz::TimeZone};
use lineshaft_model::Millis;
use lineshaft_model::json::Value;

use crate::doc::Doc;
use crate::expression::{Arguments, Expression};

/// The longest anything lasts: a hundred years, in milliseconds.
const LONGEST_MS: i64 = 100 * 366 * 86_400_000;

/// How long something lasts.
#[derive(Debug)]
pub(crate) enum Lasts {
    Fixed(Span),
    Computed(Expression),
}

impl Lasts {
    /// When it is over. Months and years go by the calendar in UTC.
    pub(crate) fn end(
        &self,
        start: Millis,
        input: &Doc,
        arguments: &dyn Arguments,
    ) -> Result<Millis, String> {
        match self {
            Self::Fixed(span) => Ok(later(start, *span)),
            Self::Computed(expression) => {
                let value = expression.run(input, arguments)?;
                Ok(later(start, span_of(&value.value())?))
            }
        }
    }

    pub(crate) const fn span(&self) -> Option<Span> {
        match self {
            Self::Fixed(span) => Some(*span),
            Self::Computed(_) => None,
        }
    }
}

/// A time moved on by a span; never back.
pub(crate) fn later(start: Millis, span: Span) -> Millis {
    let end = Timestamp::from_millisecond(start.0)
        .ok()
        .and_then(|stamp| stamp.to_zoned(TimeZone::UTC).checked_add(span).ok())
        .map_or(start.plus(LONGEST_MS), |zoned| Millis(zoned.timestamp().as_millisecond()));
    end.clamp(start, start.plus(LONGEST_MS))
}

/// Reads a duration.
pub(crate) fn span_of(value: &Value<'_>) -> Result<Span, String> {
    match value {
        Value::String(text) => {
            let wrong =
                || format!("`{}` is not an ISO 8601 duration such as PT30S", crate::expression::clip(text));
            if !text.starts_with('P') {
                return Err(wrong());
            }
            text.parse::<Span>().map_err(|_| wrong())
        }
        Value::Object(members) if !members.is_empty() => {
            let mut milliseconds = 0_i64;
            for (key, amount) in members {
                let unit = match &**key {
                    "days" => 86_400_000,
                    "hours" => 3_600_000,
                    "minutes" => 60_000,
                    "seconds" => 1000,
                    "milliseconds" => 1,
                    other => {
                        return Err(format!("`{}` is no unit of a duration", crate::expression::clip(other)));
                    }
                };
                let amount: i64 = amount
                    .as_number()
                    .and_then(|number| number.parse().ok())
                    .filter(|amount| *amount >= 0)
                    .ok_or_else(|| format!("`{key}` must be a whole number that is not negative"))?;
                milliseconds = milliseconds.saturating_add(amount.saturating_mul(unit));
            }
            Ok(Span::new().milliseconds(milliseconds.min(LONGEST_MS)))
        }
        other => Err(format!("{} is no duration", other.kind())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Result<i64, String> {
        let doc = Doc::parse(text).unwrap();
        span_of(&doc.value()).map(|span| later(Millis(0), span).0)
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(end(r#"{"seconds":30}"#), Ok(30_000));
        assert_eq!(end(r#"{"days":1,"hours":2,"minutes":3,"milliseconds":4}"#), Ok(93_780_004));
        assert_eq!(end(r#""PT30S""#), Ok(30_000));
        assert_eq!(end(r#""PT0.25S""#), Ok(250));
        assert_eq!(end(r#""P1M""#), Ok(31 * 86_400_000), "January has 31 days");
        assert_eq!(end(r#"{"days":9999999999}"#), Ok(LONGEST_MS));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            [r#""30s""#, r#"{}"#, r#"{"weeks":1}"#, r#"{"seconds":-1}"#, r#"{"seconds":1.5}"#, "3", r#""P""#]
        {
            assert!(end(text).is_err(), "{text}");
        }
    }
}
