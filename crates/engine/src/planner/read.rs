//! Reads what planning needs from an object's state, and says what it could not read.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use lineshaft_model::json::Value;
use lineshaft_model::money::Currency;
use lineshaft_model::{Millis, Moment, Money, Quantity, Reason, Unit};
use rust_decimal::Decimal;

/// A part of an object's state, with where it stands and where to note what is wrong with it.
pub(super) struct Part<'a> {
    value: &'a Value<'a>,
    at: String,
}

impl<'a> Part<'a> {
    pub(super) const fn new(value: &'a Value<'a>) -> Self {
        Self { value, at: String::new() }
    }

    fn member(&self, name: &str) -> Option<&'a Value<'a>> {
        self.value.get(name).filter(|value| !value.is_null())
    }

    /// A text; numbers count as the text they are written with.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let value = self.member(name)?;
        value.as_str().or_else(|| value.as_number()).filter(|text| !text.is_empty())
    }

    /// The text that this part is itself.
    pub(super) fn own_text(&self) -> Option<&'a str> {
        self.value.as_str().or_else(|| self.value.as_number()).filter(|text| !text.is_empty())
    }

    /// Whether a member says true.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.member(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The first of some members that is there.
    pub(super) fn text_of(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.text(name))
    }

    /// The elements of an array, each with its place.
    pub(super) fn each(&self, name: &str) -> impl Iterator<Item = Part<'a>> {
        let at = format!("{}/{name}", self.at);
        let elements = self.member(name).and_then(Value::as_array).unwrap_or_default();
        elements.iter().enumerate().map(move |(n, value)| Part { value, at: format!("{at}/{n}") })
    }

    /// A member that is an object.
    pub(super) fn part(&self, name: &str) -> Option<Part<'a>> {
        let value = self.member(name).filter(|value| value.as_object().is_some())?;
        Some(Part { value, at: format!("{}/{name}", self.at) })
    }

    /// Whether the member is an array, be it empty.
    pub(super) fn has_list(&self, name: &str) -> bool {
        self.member(name).is_some_and(|value| value.as_array().is_some())
    }

    /// The members of an object, in order.
    pub(super) fn members(&self, name: &str) -> impl Iterator<Item = (&'a str, Part<'a>)> {
        let at = format!("{}/{name}", self.at);
        let members = self.member(name).and_then(Value::as_object).unwrap_or_default();
        members.iter().map(move |(key, value)| (&**key, Part { value, at: format!("{at}/{key}") }))
    }

    /// A quantity, `{"value": "5", "unit": "C62"}`.
    pub(super) fn quantity(&self, name: &str, reasons: &mut Vec<Reason>) -> Option<Quantity> {
        let value = self.member(name)?;
        let read = || {
            let number = value.get("value")?.as_str()?.parse::<Decimal>().ok()?;
            Some(Quantity { value: number, unit: Unit::parse(value.get("unit")?.as_str()?).ok()? })
        };
        let read = read();
        if read.is_none() {
            let why = "a quantity is an exact decimal and a unit, both texts";
            self.note(name, "quantity-malformed", why, reasons);
        }
        read
    }

    /// Money, `{"amount": "48.95", "currency": "EUR"}`.
    pub(super) fn money(&self, name: &str, reasons: &mut Vec<Reason>) -> Option<Money> {
        let value = self.member(name)?;
        let read = || {
            let amount = value.get("amount")?.as_str()?.parse::<Decimal>().ok()?;
            Some(Money { amount, currency: Currency::parse(value.get("currency")?.as_str()?).ok()? })
        };
        let read = read();
        if read.is_none() {
            let why = "money is an exact decimal and a currency, both texts";
            self.note(name, "money-malformed", why, reasons);
        }
        read
    }

    /// A decimal written as a text or a number.
    pub(super) fn decimal(&self, name: &str, reasons: &mut Vec<Reason>) -> Option<Decimal> {
        let text = self.text(name)?;
        let read = text.parse().ok();
        if read.is_none() {
            self.note(name, "decimal-malformed", "not an exact decimal", reasons);
        }
        read
    }

    /// A whole number, for instance a priority.
    pub(super) fn whole(&self, name: &str, reasons: &mut Vec<Reason>) -> Option<u32> {
        let text = self.text(name)?;
        let read = text.parse().ok();
        if read.is_none() {
            self.note(name, "number-not-whole", "not a whole number", reasons);
        }
        read
    }

    /// Days, as milliseconds.
    pub(super) fn days_ms(&self, name: &str, reasons: &mut Vec<Reason>) -> Option<i64> {
        self.whole(name, reasons).map(|days| i64::from(days) * 86_400_000)
    }

    /// A time with an offset, or a date, which begins at the site's midnight.
    pub(super) fn time(&self, names: &[&str], zone: &TimeZone, reasons: &mut Vec<Reason>) -> Option<Millis> {
        let (name, text) = names.iter().find_map(|name| Some((*name, self.text(name)?)))?;
        let read = time_of(text, zone);
        if read.is_none() {
            self.note(name, "time-malformed", "neither a date nor an RFC 3339 time", reasons);
        }
        read
    }

    pub(super) fn note(&self, name: &str, code: &str, why: &str, reasons: &mut Vec<Reason>) {
        let at = if name.is_empty() { self.at.clone() } else { format!("{}/{name}", self.at) };
        reasons.push(Reason::new(code, why).at(at).hint("mend the mapping that makes this object"));
    }
}

pub(super) fn time_of(text: &str, zone: &TimeZone) -> Option<Millis> {
    if let Ok(moment) = text.parse::<Moment>() {
        return Some(moment.millis());
    }
    let date: Date = text.parse().ok().filter(|_| text.len() == 10)?;
    let midnight =
        zone.to_ambiguous_zoned(date.to_datetime(jiff::civil::Time::midnight())).compatible().ok()?;
    Some(Millis(midnight.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_begins_at_the_sites_midnight() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(time_of("2026-11-23", &berlin), time_of("2026-11-22T23:00:00Z", &berlin));
        assert_eq!(time_of("2026-11-23T06:30:00", &berlin), None);
        assert_eq!(time_of("soon", &berlin), None);
    }
}
