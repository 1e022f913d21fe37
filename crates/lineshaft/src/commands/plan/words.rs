//! Answers of the planner in words: times to the minute, amounts without idle zeros, spans in days.

use serde_json::Value;

/// What stands at a pointer, as text; nothing for what is missing.
pub(in crate::commands) fn at(row: &Value, pointer: &str) -> String {
    match row.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A decimal without zeros at its end.
pub(in crate::commands) fn amount(row: &Value, pointer: &str) -> String {
    let text = at(row, pointer);
    match text.parse::<rust_decimal::Decimal>() {
        Ok(decimal) => decimal.normalize().to_string(),
        Err(_) => text,
    }
}

/// An amount in the unit that is told beside all of them.
pub(in crate::commands) fn quantity(row: &Value, whole: &Value, pointer: &str) -> String {
    format!("{} {}", amount(row, pointer), at(whole, "/unit"))
}

/// A time to the minute, in UTC.
pub(in crate::commands) fn moment(row: &Value, pointer: &str) -> String {
    let text = at(row, pointer);
    text.get(..16).map_or(text.clone(), |text| text.replace('T', " "))
}

/// How many there are of a list.
pub(in crate::commands) fn count(row: &Value, pointer: &str) -> String {
    row.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len).to_string()
}

/// The texts of a list, the first few.
pub(in crate::commands) fn names(row: &Value, pointer: &str) -> String {
    let all: Vec<&str> = row
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let first: Vec<&str> = all.iter().take(4).copied().collect();
    match all.len() - first.len() {
        0 => first.join(" "),
        more => format!("{} and {more} more", first.join(" ")),
    }
}

/// A span of milliseconds in days and hours, with its sign; nothing when it is not known.
pub(in crate::commands) fn slip(row: &Value, pointer: &str) -> String {
    row.pointer(pointer).and_then(Value::as_i64).map(span).unwrap_or_default()
}

fn span(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "+" };
    let minutes = ms.unsigned_abs() / 60_000;
    let (days, hours, rest) = (minutes / 1_440, minutes % 1_440 / 60, minutes % 60);
    match (days, hours, rest) {
        (0, 0, rest) => format!("{sign}{rest}min"),
        (0, hours, 0) => format!("{sign}{hours}h"),
        (0, hours, rest) => format!("{sign}{hours}h{rest}min"),
        (days, 0, _) => format!("{sign}{days}d"),
        (days, hours, _) => format!("{sign}{days}d{hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans_are_told_in_their_largest_units() {
        let told = |minutes: i64| span(minutes * 60_000);
        assert_eq!(
            [told(0), told(59), told(90), told(-120), told(1_440), told(2_000)],
            ["+0min", "+59min", "+1h30min", "-2h", "+1d", "+1d9h"]
        );
    }

    #[test]
    fn what_is_missing_is_nothing() {
        let row = json!({ "a": null, "b": "2026-12-01T06:30:00.000Z", "c": "5.500", "d": ["x", "y"] });
        assert_eq!(
            (at(&row, "/a"), moment(&row, "/b"), amount(&row, "/c")),
            (String::new(), "2026-12-01 06:30".into(), "5.5".into())
        );
        assert_eq!(
            (names(&row, "/d"), count(&row, "/d"), count(&row, "/e")),
            ("x y".into(), "2".into(), "0".into())
        );
    }
}
