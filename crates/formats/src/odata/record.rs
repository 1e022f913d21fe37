//! One record in the shape that V2 and V4 have in common.

use std::borrow::Cow;

use lineshaft_model::json::Value;

/// What V2 says of a record in `__metadata`, and what V4 calls it.
const ANNOTATIONS: [(&str, &str); 4] =
    [("uri", "@odata.id"), ("id", "@odata.id"), ("type", "@odata.type"), ("etag", "@odata.etag")];

/// Makes a record plain: lists of navigations without `results`, no navigation that was not asked for, metadata as
/// annotations, dates as RFC 3339. Decimals are texts and stay as they are.
pub(super) fn plain(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Object(members) => object(members),
        Value::Array(values) => Value::Array(values.into_iter().map(plain).collect()),
        Value::String(text) => match date(&text) {
            Some(date) => Value::String(Cow::Owned(date)),
            None => Value::String(text),
        },
        other => other,
    }
}

fn object<'a>(members: Vec<(Cow<'a, str>, Value<'a>)>) -> Value<'a> {
    let is_list = |(name, value): &(Cow<'_, str>, Value<'_>)| name == "results" && value.as_array().is_some();
    // A list may say beside its records how many there are and where the next are.
    if members.iter().any(is_list)
        && members.iter().all(|member| is_list(member) || member.0.starts_with("__"))
    {
        let list = members.into_iter().find(is_list).map(|(_, value)| value);
        return plain(list.unwrap_or_default());
    }
    let mut plain_members = Vec::with_capacity(members.len());
    for (name, value) in members {
        if name == "__metadata" {
            annotate(&value, &mut plain_members);
        } else if value.get("__deferred").is_none() {
            plain_members.push((name, plain(value)));
        }
    }
    Value::Object(plain_members)
}

fn annotate<'a>(metadata: &Value<'a>, members: &mut Vec<(Cow<'a, str>, Value<'a>)>) {
    for (name, annotation) in ANNOTATIONS {
        let is_new = !members.iter().any(|(known, _)| known == annotation);
        if let (Some(value), true) = (metadata.get(name), is_new) {
            members.push((Cow::Borrowed(annotation), value.clone()));
        }
    }
}

/// `/Date(1753142400000)/` or `/Date(1753142400000+0120)/`: milliseconds in UTC, whatever offset stands behind them.
fn date(text: &str) -> Option<String> {
    let inside = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let sign = inside.char_indices().skip(1).find(|(_, found)| matches!(found, '+' | '-')).map(|(at, _)| at);
    let (millis, offset) = inside.split_at(sign.unwrap_or(inside.len()));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let has_offset = offset.is_empty() || is_number(&offset[1..]);
    if !has_offset || !is_number(millis.strip_prefix('-').unwrap_or(millis)) {
        return None;
    }
    // From the year 1 to 9999, which is what the type has.
    let millis: i64 =
        millis.parse().ok().filter(|millis| (-62_135_596_800_000..253_402_300_800_000).contains(millis))?;
    Some(rfc3339(millis))
}

/// The whole range that the type has, so that SAP's `9999-12-31` for an open end comes through.
fn rfc3339(millis: i64) -> String {
    const DAY: i64 = 86_400_000;
    let (days, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    // Days from 1 March of the year 0, so that a leap day is the last of its year; 400 years have the same days.
    let from_march = days + 719_468;
    let (era, of_era) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (seconds, millis) = (rest / 1000, rest % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if millis > 0 { format!(".{millis:03}") } else { String::new() };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

#[cfg(test)]
mod tests {
    use lineshaft_model::moment::{Millis, Moment};
    use proptest::prelude::*;

    proptest! {
        /// The model's own times are the oracle where they reach.
        #[test]
        fn times_are_those_of_the_calendar(millis in -62_135_596_800_000i64..253_402_200_000_000) {
            let expected = Moment::from_millis(Millis(millis)).millis();
            let read: Moment = super::rfc3339(millis).parse().expect("RFC 3339");
            prop_assert_eq!(read.millis(), expected);
        }
    }
}
