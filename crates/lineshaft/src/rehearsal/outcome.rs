//! What came of a case, in the form that tests name it and snapshots keep it.

use std::borrow::Cow;

use bytes::Bytes;
use lineshaft_model::json::{Limits, Value};
use lineshaft_model::record::Quarantine;
use lineshaft_model::{Event, Reason};

/// Everything that happened, in its order.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Events that were taken.
    pub(super) events: Vec<Value<'static>>,
    /// What was sent, or would have been.
    pub(super) deliveries: Vec<Value<'static>>,
    /// What nobody got.
    pub(super) dropped: Vec<Value<'static>>,
    /// What was refused and kept aside.
    pub(super) quarantined: Vec<Value<'static>>,
}

impl Outcome {
    /// A list by its name.
    pub(super) fn list(&self, name: &str) -> &[Value<'static>] {
        match name {
            "events" => &self.events,
            "deliveries" => &self.deliveries,
            "dropped" => &self.dropped,
            "quarantined" => &self.quarantined,
            _ => &[],
        }
    }

    /// All of it as one document.
    pub(super) fn to_value(&self) -> Value<'static> {
        let lists = super::case::LISTS.into_iter();
        Value::Object(lists.map(|name| (name.into(), Value::Array(self.list(name).to_vec()))).collect())
    }
}

/// The members of an object being put together; what is empty is left out.
#[derive(Debug, Default)]
pub(super) struct Members(Vec<(Cow<'static, str>, Value<'static>)>);

impl Members {
    pub(super) fn text(mut self, name: &'static str, text: &str) -> Self {
        if !text.is_empty() {
            self.0.push((name.into(), Value::String(text.to_owned().into())));
        }
        self
    }

    pub(super) fn value(mut self, name: &'static str, value: Value<'static>) -> Self {
        if !value.is_null() {
            self.0.push((name.into(), value));
        }
        self
    }

    pub(super) fn reason(self, reason: Option<&Reason>) -> Self {
        match reason {
            Some(reason) => self.value("reason", told(reason)),
            None => self,
        }
    }

    pub(super) fn done(self) -> Value<'static> {
        Value::Object(self.0)
    }
}

/// An event's attributes and data.
pub(super) fn event(event: &Event) -> Members {
    let e = &event.envelope;
    let revision = if e.revision > 0 { e.revision.to_string() } else { String::new() };
    let keys = event.keys.iter().map(|(name, key)| Value::String(format!("{name}:{key}").into())).collect();
    Members::default()
        .text("type", &e.event_type)
        .text("subject", &e.subject)
        .text("id", &e.id)
        .text("system", e.system())
        .text("time", &e.time)
        .text("dataschema", &e.dataschema)
        .text("tenant", &e.tenant)
        .text("site", &e.site)
        .text("partitionkey", &e.partitionkey)
        .text("sequence", &revision)
        .text("priority", e.priority.map_or("", |priority| priority.as_str()))
        .text("correlationid", &e.correlationid)
        .text("causationid", &e.causationid)
        .value("keys", Value::Array(keys))
        .value("data", document(&event.data))
}

/// A refusal.
pub(super) fn quarantined(quarantine: &Quarantine) -> Value<'static> {
    let head = &quarantine.head;
    let first = head.reasons.first();
    let (code, at, message) = first.map_or(("", "", ""), |r| (&*r.code, &*r.at, &*r.message));
    let further = head.reasons.iter().skip(1).map(told).collect::<Vec<_>>();
    let further = if further.is_empty() { Value::Null } else { Value::Array(further) };
    Members::default()
        .text("in", &head.intake)
        .text("origin", &head.origin)
        .text("code", code)
        .text("at", at)
        .text("message", message)
        .value("further", further)
        .done()
}

fn told(reason: &Reason) -> Value<'static> {
    Members::default()
        .text("code", &reason.code)
        .text("at", &reason.at)
        .text("message", &reason.message)
        .done()
}

/// A body: the document it is, or its text.
pub(super) fn document(bytes: &Bytes) -> Value<'static> {
    match Value::parse(bytes, &Limits::DEFAULT) {
        Ok(value) => value.into_owned(),
        Err(_) => Value::String(String::from_utf8_lossy(bytes).into_owned().into()),
    }
}
