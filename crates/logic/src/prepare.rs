//! From an input's documents to events with all they will owe: check, map, complete, own, route. Pure; whether an event is
//! new is decided later, at the moment of writing.

use std::borrow::Cow;

use bytes::Bytes;
use lineshaft_mapping::{Budget, Contract, Expression, Input, References, Vars};
use lineshaft_model::json::{Limits, Value};
use lineshaft_model::record::{Quarantine, QuarantineHead};
use lineshaft_model::{Event, Fingerprint, Millis, Priority, Raw, Reason, Reasons};

use crate::draft::{Draft, Sender};
use crate::plan::{Plan, SourcePlan};

/// What is the same for all documents of one input.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The running configuration.
    pub plan: &'a Plan,
    /// `system/source`, or `events`.
    pub intake: &'a str,
    /// Media type of the input.
    pub content_type: &'a str,
    /// Headers worth keeping, names in lower case.
    pub headers: &'a [(String, String)],
    /// W3C trace context that came with it.
    pub traceparent: &'a str,
    /// The hub's time, and the same as RFC 3339 text.
    pub now: Millis,
    /// As text.
    pub now_text: &'a str,
    /// Cross references.
    pub references: &'a dyn References,
}

impl std::fmt::Debug for Around<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Around").field("intake", &self.intake).finish_non_exhaustive()
    }
}

/// One document of an input.
#[derive(Clone, Debug)]
pub struct Document {
    /// JSON text.
    pub json: Bytes,
    /// The bytes it was made from.
    pub raw: Bytes,
    /// Where it stood, for people.
    pub origin: String,
    /// Its identity within the source; empty to derive it from the bytes.
    pub identity: String,
}

/// One event ready to be written, or a refusal to be kept.
#[derive(Debug)]
pub enum Prepared {
    /// An event and the routes it takes.
    Event {
        /// The event.
        event: Box<Event>,
        /// What it will owe.
        owes: Vec<Owes>,
    },
    /// A refusal.
    Quarantine(Box<Quarantine>),
}

/// One delivery an event will owe.
#[derive(Clone, Debug)]
pub struct Owes {
    /// Index of the route in the plan.
    pub route: usize,
    /// Its class.
    pub priority: Priority,
    /// What keeps its order; `None` for the event's own order key.
    pub order_key: Option<String>,
}

/// Prepares one document of a source: one event or several, or one refusal.
#[must_use]
pub fn document(around: &Around<'_>, source: &SourcePlan, document: &Document) -> Vec<Prepared> {
    let outcome = drafts(around, source, document).and_then(|drafts| {
        let mut events = Vec::with_capacity(drafts.len());
        for draft in drafts {
            around.plan.ownership.check(&draft.envelope).map_err(one)?;
            events.push(event(around, draft, raw_of(around, document))?);
        }
        Ok(events)
    });
    outcome.unwrap_or_else(|reasons| vec![refusal(around, document, reasons)])
}

/// Prepares one event of the CloudEvents API. The sender's system is in the event's `source`.
#[must_use]
pub fn cloud_event(
    around: &Around<'_>,
    sender: Sender<'_>,
    bytes: &Bytes,
    draft: Result<Draft, Reasons>,
) -> Prepared {
    let document =
        Document { json: bytes.clone(), raw: bytes.clone(), origin: String::new(), identity: String::new() };
    let outcome = draft.and_then(|mut draft| {
        draft.complete(sender)?;
        around.plan.ownership.check(&draft.envelope).map_err(one)?;
        event(around, draft, Raw::Same)
    });
    outcome.unwrap_or_else(|reasons| refusal(around, &document, reasons))
}

/// Prepares one event that the hub itself has come to. It says what follows from what others said, so nobody owns it.
#[must_use]
pub fn derived(around: &Around<'_>, sender: Sender<'_>, mut draft: Draft) -> Prepared {
    let document = Document {
        json: draft.data.clone(),
        raw: draft.data.clone(),
        origin: String::new(),
        identity: String::new(),
    };
    let outcome = draft.complete(sender).and_then(|()| event(around, draft, Raw::Same));
    outcome.unwrap_or_else(|reasons| refusal(around, &document, reasons))
}

/// The numbers that an expression gives events in the sequence of their source; none for what it gives no whole number for.
#[must_use]
pub fn numbers(around: &Around<'_>, sequence: &Expression, prepared: &[Prepared]) -> Vec<u64> {
    let vars = Vars {
        tenant: &around.plan.tenant,
        now: around.now_text,
        headers: around.headers,
        references: around.references,
        ..Vars::default()
    };
    let number = |prepared: &Prepared| {
        let Prepared::Event { event, .. } = prepared else { return None };
        let data = Value::parse(&event.data, &Limits::DEFAULT).ok()?;
        let whole = crate::route::cloud_event(&event.envelope, data);
        sequence.text(&whole, &vars, &Budget::DEFAULT).ok()?.parse().ok()
    };
    prepared.iter().filter_map(number).collect()
}

/// An input that is still to be decoded.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// As sent.
    pub bytes: &'a Bytes,
    /// Its identity within the source; empty for none.
    pub identity: &'a str,
    /// Where it stood, for people.
    pub origin: &'a str,
}

/// The documents an input comes to by its source's format, in their order; what cannot be decoded is refused by itself.
pub fn documents<'a>(
    around: &'a Around<'a>,
    source: &'a SourcePlan,
    input: Whole<'a>,
) -> impl Iterator<Item = Result<Document, Prepared>> + 'a {
    lineshaft_formats::decode(&source.format, input.bytes).enumerate().map(move |(n, found)| {
        found.map(|found| cut(input, found, n)).map_err(|error| {
            let origin = place(input.origin, &error.at.to_string());
            let raw = Bytes::copy_from_slice(&error.raw);
            broken(around, raw, origin, one(error.into()))
        })
    })
}

/// Decodes an input by its source's format and prepares every document; what cannot be decoded is refused by itself.
#[must_use]
pub fn whole(around: &Around<'_>, source: &SourcePlan, input: Whole<'_>) -> Vec<Prepared> {
    let mut prepared = Vec::new();
    for found in documents(around, source, input) {
        match found {
            Ok(found) => prepared.extend(document(around, source, &found)),
            Err(refused) => prepared.push(refused),
        }
        // Two bytes can be a document, and its refusal a record of hundreds.
        if prepared.len() > around.plan.batch_events.max(1) {
            return vec![too_many(around, input.bytes, input.origin)];
        }
    }
    prepared
}

/// The refusal of a whole input that comes to more events and refused parts than one request may bring; its bytes are kept.
#[must_use]
pub fn too_many(around: &Around<'_>, bytes: &Bytes, origin: &str) -> Prepared {
    let message = format!("more than {} events in one request", around.plan.batch_events);
    let reason = Reason::new("batch-too-long", message).hint("send fewer at once, or raise limits.batch");
    broken(around, bytes.clone(), origin.to_owned(), one(reason))
}

/// One document of an input. A document that is the whole input has its identity, one of several a part of it.
fn cut(input: Whole<'_>, found: lineshaft_formats::Document<'_>, n: usize) -> Document {
    let length = input.bytes.len();
    let start = usize::try_from(found.at.offset).unwrap_or(usize::MAX).min(length);
    let end = start.saturating_add(found.raw.len()).min(length);
    let is_whole = start == 0 && end == length;
    let identity = match (input.identity.is_empty(), is_whole) {
        (true, _) => String::new(),
        (false, true) => input.identity.to_owned(),
        (false, false) => format!("{}#{n}", input.identity),
    };
    let origin = if is_whole { input.origin.to_owned() } else { place(input.origin, &found.at.to_string()) };
    let json = match found.json {
        Cow::Borrowed(json) => input.bytes.slice_ref(json),
        Cow::Owned(json) => Bytes::from(json),
    };
    Document { json, raw: input.bytes.slice(start..end), origin, identity }
}

fn place(origin: &str, at: &str) -> String {
    if origin.is_empty() { at.to_owned() } else { format!("{origin} {at}") }
}

/// A part of an input that could not even be decoded.
#[must_use]
pub fn broken(around: &Around<'_>, raw: Bytes, origin: String, reasons: Reasons) -> Prepared {
    refusal(around, &Document { json: Bytes::new(), raw, origin, identity: String::new() }, reasons)
}

/// At most so many violations of a contract are kept for one document.
const MOST_VIOLATIONS: usize = 20;

pub(crate) fn meets(contract: &Contract, input: &Input<'_>) -> Result<(), Reasons> {
    let violations = contract.validate(input, MOST_VIOLATIONS);
    violations.map_err(|violations| violations.iter().map(|v| v.to_reason(contract.name())).collect())
}

fn raw_of(around: &Around<'_>, document: &Document) -> Raw {
    Raw::Inline { content_type: around.content_type.to_owned(), bytes: document.raw.clone() }
}

/// Checks and maps a document, and gives every event what it needs to be recognised again.
fn drafts(around: &Around<'_>, source: &SourcePlan, document: &Document) -> Result<Vec<Draft>, Reasons> {
    let limits = Limits { bytes: around.plan.document_bytes, ..Limits::DEFAULT };
    let input = Input::parse_within(&document.json, &limits).map_err(one)?;
    if let Some(contract) = &source.contract {
        meets(contract, &input)?;
    }
    let vars = Vars {
        system: &source.system,
        source: &source.source,
        tenant: &source.tenant,
        site: (!source.site.is_empty()).then_some(source.site.as_str()),
        file: (!document.origin.is_empty()).then_some(document.origin.as_str()),
        line: None,
        now: around.now_text,
        headers: around.headers,
        references: around.references,
    };
    let outputs = match &source.mapping {
        Some(mapping) => mapping.run(&input, &vars, &Budget::DEFAULT).map_err(|error| one(error.into()))?,
        None => vec![document.json.clone()],
    };
    let sender = Sender { tenant: &source.tenant, system: &source.system, site: &source.site };
    let several = outputs.len() > 1;
    let mut drafts = Vec::with_capacity(outputs.len());
    for (n, output) in outputs.iter().enumerate() {
        let mut draft = read_output(output, &limits).map_err(one)?;
        draft.complete(sender)?;
        check_emits(source, &draft).map_err(one)?;
        if draft.envelope.id.is_empty() {
            draft.envelope.id = derived_id(source, document, several.then_some(n));
        }
        if draft.envelope.priority.is_none() {
            draft.envelope.priority = source.priority;
        }
        drafts.push(draft);
    }
    if drafts.is_empty() && source.mapping.is_none() {
        return Err(one(Reason::new("document-empty", "the document holds no event")));
    }
    Ok(drafts)
}

/// An id for an event whose source gives none: the same bytes from the same source give the same id.
fn derived_id(source: &SourcePlan, document: &Document, n: Option<usize>) -> String {
    let fingerprint = if document.identity.is_empty() {
        let text = String::from_utf8_lossy(&document.raw);
        Fingerprint::of(&[&source.system, &source.source, &text])
    } else {
        Fingerprint::of(&[&source.system, &source.source, &document.identity])
    };
    match n {
        Some(n) => format!("{fingerprint:?}-{n}"),
        None => format!("{fingerprint:?}"),
    }
}

fn check_emits(source: &SourcePlan, draft: &Draft) -> Result<(), Reason> {
    let given = &draft.envelope.event_type;
    if source.emits.is_empty() || source.emits.contains(given) {
        return Ok(());
    }
    Err(Reason::new(
        "type-not-announced",
        format!("the source {}/{} does not announce `{given}`", source.system, source.source),
    )
    .at("/type")
    .hint(format!("add it to `emits` in systems/{}.yaml, or mend the mapping", source.system)))
}

/// Reads one output of a mapping: `{type, subject, data, ...}` with attributes by their CloudEvents names, `revision`, `keys`.
fn read_output(output: &Bytes, limits: &Limits) -> Result<Draft, Reason> {
    let mut draft = Draft::default();
    let members = lineshaft_model::json::members(output, limits).map_err(|error| {
        Reason::from(error).hint("a mapping gives objects with `type`, `subject` and `data`")
    })?;
    for member in members {
        match &*member.key {
            "data" => draft.data = output.slice(member.offset..member.offset + member.value.len()),
            "keys" => read_keys(member.value, &mut draft)?,
            name => {
                let text = match Value::parse(member.value.as_bytes(), limits)? {
                    Value::String(text) | Value::Number(text) => text,
                    Value::Null => Cow::Borrowed(""),
                    _ => {
                        return Err(Reason::new("attribute-malformed", format!("`{name}` is not a text"))
                            .at(format!("/{name}")));
                    }
                };
                if !text.is_empty() && !draft.set(name, &text)? {
                    return Err(Reason::new(
                        "attribute-unknown",
                        format!("an event has no attribute `{name}`"),
                    )
                    .at(format!("/{name}"))
                    .hint("put what belongs to the business into `data`"));
                }
            }
        }
    }
    if draft.data.is_empty() {
        return Err(Reason::new("attribute-missing", "the event has no `data`").at("/data"));
    }
    Ok(draft)
}

/// `{"item": "BOLT", "supplier": ["A", "B"]}`.
fn read_keys(text: &str, draft: &mut Draft) -> Result<(), Reason> {
    let value = Value::parse(text.as_bytes(), &Limits::DEFAULT)?;
    let wrong =
        || Reason::new("keys-malformed", "`keys` maps object types to a key or an array of keys").at("/keys");
    for (object_type, keys) in value.as_object().ok_or_else(wrong)? {
        let single = std::slice::from_ref(keys);
        for key in keys.as_array().unwrap_or(single) {
            let key = key.as_str().ok_or_else(wrong)?;
            if !key.is_empty() {
                draft.keys.push((object_type.clone().into_owned(), key.to_owned()));
            }
        }
    }
    Ok(())
}

/// Checks the canonical event and decides where it goes.
fn event(around: &Around<'_>, mut draft: Draft, raw: Raw) -> Result<Prepared, Reasons> {
    let limits = Limits { bytes: around.plan.document_bytes, ..Limits::DEFAULT };
    if draft.envelope.traceparent.is_empty() {
        around.traceparent.clone_into(&mut draft.envelope.traceparent);
    }
    let data = draft.data.clone();
    let input = Input::parse_within(&data, &limits)
        .map_err(|reason| one(Reason { at: format!("/data {}", reason.at), ..reason }))?;
    if let Some(contract) = around.plan.contracts.get(&draft.envelope.event_type) {
        meets(contract, &input)?;
    }
    draft.gather_keys(input.tree());
    let owes = crate::route::owes(around, &draft, &input)?;
    let event = Event {
        envelope: draft.envelope,
        data: draft.data,
        raw,
        intake: around.intake.to_owned(),
        keys: draft.keys,
        received: around.now,
    };
    Ok(Prepared::Event { event: Box::new(event), owes })
}

fn refusal(around: &Around<'_>, document: &Document, reasons: Reasons) -> Prepared {
    let head = QuarantineHead {
        tenant: around.plan.tenant.clone(),
        intake: around.intake.to_owned(),
        content_type: around.content_type.to_owned(),
        origin: document.origin.clone(),
        identity: document.identity.clone(),
        received: around.now,
        reasons,
        subject: String::new(),
        event_type: String::new(),
        traceparent: around.traceparent.to_owned(),
    };
    Prepared::Quarantine(Box::new(Quarantine { head, raw: document.raw.clone() }))
}

fn one(reason: Reason) -> Reasons {
    vec![reason]
}
