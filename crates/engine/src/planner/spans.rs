//! Whoever moves an order's start alone moves its end along: the work takes as long as it did.
//!
//! An object's state is what its events say together, member by member, so a later start would stand beside the old end. The
//! order's own events tell which end belonged to which start.

use jiff::tz::TimeZone;
use lineshaft_model::json::Value;
use lineshaft_model::{EventType, Millis};

use super::read::time_of;

/// The dates of an order while its events are gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dates {
    start: Option<Millis>,
    end: Option<Millis>,
}

impl Dates {
    /// What an order's state says.
    pub(super) fn of(state: &Value<'_>, zone: &TimeZone) -> Self {
        let time = |name| state.get(name).and_then(Value::as_str).and_then(|text| time_of(text, zone));
        Self { start: time("start"), end: time("end") }
    }

    /// The dates after an event that says so much of them; the end where only the start was given.
    pub(super) fn after(self, event: Self) -> Self {
        let start = event.start.or(self.start);
        let end = match (event.end, event.start, self.start, self.end) {
            (Some(end), ..) => Some(end),
            (None, Some(now), Some(before), Some(end)) => Some(end.plus(now.0.saturating_sub(before.0))),
            (None, _, _, end) => end,
        };
        Self { start, end }
    }

    /// Whether both are given.
    pub(super) const fn is_whole(self) -> bool {
        self.start.is_some() && self.end.is_some()
    }
}

/// Whether an event of this type may say a part of an order's dates only.
pub(super) fn may_be_partial(event_type: &str) -> bool {
    EventType::parse(event_type).is_ok_and(|event_type| !event_type.is_whole())
}

/// Writes the end into a state when it is another than stands there.
pub(super) fn set_end(state: &mut Value<'static>, dates: Dates, zone: &TimeZone) {
    let Some(end) = dates.end.filter(|_| dates.end != Dates::of(state, zone).end) else { return };
    let Value::Object(members) = state else { return };
    let text = Value::String(end.to_string().into());
    match members.iter_mut().find(|(name, _)| name == "end") {
        Some((_, value)) => *value = text,
        None => members.push(("end".into(), text)),
    }
}
