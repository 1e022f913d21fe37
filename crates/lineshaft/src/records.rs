//! Records of the journal as JSON, for its export.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lineshaft_model::record::{
    Amended, Carried, Defined, EventRecord, OutcomeRecord, Quarantine, RawRef, RecordKind, Replayed, Step,
};
use lineshaft_ports::journal::Record;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The payload of a record as JSON; `None` for kinds that are JSON already or not known, and for what cannot be read.
#[must_use]
pub fn as_json(record: &Record) -> Option<Box<RawValue>> {
    let value = match RecordKind::from_byte(record.kind)? {
        RecordKind::Amended => {
            let (head, data) = Amended::decode(&record.payload).ok()?;
            let mut value = serde_json::to_value(head).ok()?;
            value.as_object_mut()?.extend([bytes("data", data)]);
            value
        }
        RecordKind::Event => event(&record.payload)?,
        RecordKind::Outcome => outcome(&OutcomeRecord::decode(&record.payload).ok()?),
        RecordKind::Quarantine => {
            let (head, raw) = Quarantine::decode(&record.payload).ok()?;
            let mut value = serde_json::to_value(head).ok()?;
            value.as_object_mut()?.extend([bytes("raw", raw)]);
            value
        }
        RecordKind::Carried => {
            let (head, data) = Carried::decode(&record.payload).ok()?;
            let mut value = serde_json::to_value(head).ok()?;
            value.as_object_mut()?.extend([bytes("data", data)]);
            value
        }
        RecordKind::Replayed => {
            let (head, _) = Replayed::decode(&record.payload).ok()?;
            let mut value = serde_json::to_value(head).ok()?;
            let event = lineshaft_store::reading::event_in(record)?.ok()?;
            value.as_object_mut()?.insert("event".to_owned(), event_json(&event)?);
            value
        }
        RecordKind::Step => {
            let (head, state) = Step::decode(&record.payload).ok()?;
            let mut value = serde_json::to_value(head).ok()?;
            value.as_object_mut()?.insert("state".to_owned(), serde_json::from_slice(state).ok()?);
            value
        }
        RecordKind::Defined => {
            let (head, source) = Defined::decode(&record.payload).ok()?;
            let mut value = serde_json::to_value(head).ok()?;
            value.as_object_mut()?.insert("definition".to_owned(), serde_json::from_slice(source).ok()?);
            value
        }
        RecordKind::Action
        | RecordKind::Job
        | RecordKind::Configured
        | RecordKind::Token
        | RecordKind::Tally
        | RecordKind::Dropped => return None,
    };
    serde_json::value::to_raw_value(&value).ok()
}

fn outcome(record: &OutcomeRecord<'_>) -> Value {
    json!({"delivery": record.delivery.to_string(), "outcome": record.kind.as_str(), "attempt": record.attempt,
        "at": record.at.to_string(), "due": record.due.to_string(), "status": record.status, "reason": record.reason(),
        "foreign_key": record.foreign_key, "actor": record.actor})
}

fn event(payload: &[u8]) -> Option<Value> {
    event_json(&EventRecord::decode(payload).ok()?)
}

fn event_json(record: &EventRecord<'_>) -> Option<Value> {
    let mut value = serde_json::to_value(record.envelope()).ok()?;
    let members = value.as_object_mut()?;
    let owed: Vec<Value> = record
        .owed()
        .map(|owed| {
            json!({"route": owed.route, "destination": owed.destination, "priority": owed.priority.as_str(),
                "order_key": owed.order_key, "parks": owed.parks})
        })
        .collect();
    members.insert("status".to_owned(), json!(record.disposition.as_str()));
    members.insert("previous".to_owned(), json!(record.previous));
    members.insert("received".to_owned(), json!(record.received.to_string()));
    members.insert("intake".to_owned(), json!(record.intake));
    members.insert("deliveries".to_owned(), Value::Array(owed));
    members.insert("keys".to_owned(), record.keys().map(|(kind, key)| json!([kind, key])).collect());
    // As text: numbers in it must not pass through a float.
    members.extend([bytes("data", record.data)]);
    match record.raw {
        RawRef::Same => {}
        RawRef::Inline { content_type, bytes: raw } => {
            members.insert("raw_content_type".to_owned(), json!(content_type));
            members.extend([bytes("raw", raw)]);
        }
        RawRef::Before(back) => {
            members.insert("raw_in_record_before".to_owned(), json!(back));
        }
    }
    Some(value)
}

/// Bytes as text when they are text, in base64 under another name otherwise.
fn bytes(name: &str, bytes: &[u8]) -> (String, Value) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (name.to_owned(), json!(text)),
        Err(_) => (format!("{name}_base64"), json!(STANDARD.encode(bytes))),
    }
}
