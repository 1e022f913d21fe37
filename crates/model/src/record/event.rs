//! The event record: the envelope, the canonical data, the input it came from and every delivery it owes.

use bytes::Bytes;

use super::wire::{Cursor, WireError, put_bytes, put_int, put_signed, put_str};
use crate::{Envelope, Event, Fingerprint, Millis, ObjectKey, Position, Priority, Raw};

/// What intake decided about an event that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Disposition {
    /// It changes its object and owes its deliveries.
    #[default]
    Accepted = 0,
    /// Its revision is not above the stored one: kept in history, changes nothing.
    Stale = 1,
    /// Our own change coming back from a system it was delivered to: kept in history, stops here.
    Echo = 2,
}

impl Disposition {
    const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Accepted,
            1 => Self::Stale,
            2 => Self::Echo,
            _ => return None,
        })
    }

    /// The word used in the API and the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Stale => "stale",
            Self::Echo => "echo",
        }
    }
}

/// One delivery an event owes, fixed when the event was accepted: a later configuration never changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed<'a> {
    /// The route that asked for it.
    pub route: &'a str,
    /// `system.operation`.
    pub destination: &'a str,
    /// Its class.
    pub priority: Priority,
    /// What keeps its order at the destination.
    pub order_key: &'a str,
    /// Whether a dead letter holds back later deliveries of the same key.
    pub parks: bool,
}

impl Owed<'_> {
    /// The fingerprint of the order key, by which a lane keeps order.
    #[must_use]
    pub fn order(&self) -> u64 {
        Fingerprint::of(&[self.order_key]).short()
    }
}

/// What the source sent, as it lies in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawRef<'a> {
    /// The canonical data is what was sent.
    Same,
    /// The bytes and their media type.
    Inline {
        /// For instance `text/csv`.
        content_type: &'a str,
        /// As sent.
        bytes: &'a [u8],
    },
    /// In the record this many positions before.
    Before(u64),
}

/// What intake adds to an event when it takes it into the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventHead {
    /// What was decided.
    pub disposition: Disposition,
    /// The object's event before this one, zero for none.
    pub previous: Position,
}

/// An event record, borrowed from its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Envelope and Event, where they are described")]
pub struct EventRecord<'a> {
    pub disposition: Disposition,
    pub previous: Position,
    pub received: Millis,
    pub id: &'a str,
    pub source: &'a str,
    pub event_type: &'a str,
    pub subject: &'a str,
    pub tenant: &'a str,
    pub revision: u64,
    pub intake: &'a str,
    pub time: &'a str,
    pub dataschema: &'a str,
    pub site: &'a str,
    pub partitionkey: &'a str,
    pub traceparent: &'a str,
    pub correlationid: &'a str,
    pub causationid: &'a str,
    pub priority: Option<Priority>,
    pub data: &'a [u8],
    pub raw: RawRef<'a>,
    owed: Cursor<'a>,
    owed_count: u8,
    keys: Cursor<'a>,
    keys_count: u8,
}

impl PartialEq for Cursor<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.rest() == other.rest()
    }
}

impl Eq for Cursor<'_> {}

const PARKS: u8 = 1;
const OWN_KEY: u8 = 2;

impl<'a> EventRecord<'a> {
    /// Appends the payload of an event record to `buf`. At most 255 deliveries and 255 further keys are kept: routing and
    /// mapping refuse more before they come here.
    pub fn encode(buf: &mut Vec<u8>, head: EventHead, event: &Event, owed: &[Owed<'_>]) {
        let envelope = &event.envelope;
        buf.reserve(event.data.len() + 384);
        buf.push(head.disposition as u8);
        put_int(buf, head.previous.0);
        put_signed(buf, event.received.0);
        put_str(buf, &envelope.id);
        put_str(buf, &envelope.source);
        put_str(buf, &envelope.event_type);
        put_str(buf, &envelope.subject);
        put_str(buf, &envelope.tenant);
        put_int(buf, envelope.revision);
        put_str(buf, &event.intake);
        let optional = [
            &envelope.time,
            &envelope.dataschema,
            &envelope.site,
            &envelope.partitionkey,
            &envelope.traceparent,
            &envelope.correlationid,
            &envelope.causationid,
        ];
        let mask =
            optional.iter().enumerate().fold(0u8, |mask, (i, text)| mask | (u8::from(!text.is_empty()) << i));
        buf.push(mask);
        for text in optional.into_iter().filter(|text| !text.is_empty()) {
            put_str(buf, text);
        }
        buf.push(envelope.priority.map_or(u8::MAX, |p| p as u8));
        put_bytes(buf, &event.data);
        match &event.raw {
            Raw::Same => buf.push(0),
            Raw::Inline { content_type, bytes } => {
                buf.push(1);
                put_str(buf, content_type);
                put_bytes(buf, bytes);
            }
            Raw::Before(n) => {
                buf.push(2);
                put_int(buf, *n);
            }
        }
        let keys = &event.keys[..event.keys.len().min(255)];
        buf.push(keys.len() as u8);
        for (object_type, key) in keys {
            put_str(buf, object_type);
            put_str(buf, key);
        }
        let owed = &owed[..owed.len().min(255)];
        buf.push(owed.len() as u8);
        for delivery in owed {
            let own_key = delivery.order_key != envelope.order_key();
            put_str(buf, delivery.route);
            put_str(buf, delivery.destination);
            buf.push(delivery.priority as u8);
            buf.push(u8::from(delivery.parks) * PARKS + u8::from(own_key) * OWN_KEY);
            if own_key {
                put_str(buf, delivery.order_key);
            }
        }
    }

    /// Reads the payload of an event record.
    pub fn decode(payload: &'a [u8]) -> Result<Self, WireError> {
        let mut c = Cursor::new(payload);
        let disposition = c.byte()?;
        let disposition = Disposition::from_byte(disposition).ok_or_else(|| c.error("a disposition"))?;
        let previous = Position(c.int()?);
        let received = Millis(c.signed()?);
        let (id, source, event_type, subject, tenant) = (c.str()?, c.str()?, c.str()?, c.str()?, c.str()?);
        let revision = c.int()?;
        let intake = c.str()?;
        let mask = c.byte()?;
        let mut optional = [""; 7];
        for (i, text) in optional.iter_mut().enumerate() {
            if mask & (1 << i) != 0 {
                *text = c.str()?;
            }
        }
        let [time, dataschema, site, partitionkey, traceparent, correlationid, causationid] = optional;
        let priority = match c.byte()? {
            u8::MAX => None,
            byte => Some(Priority::from_byte(byte)),
        };
        let data = c.bytes()?;
        let raw = match c.byte()? {
            0 => RawRef::Same,
            1 => RawRef::Inline { content_type: c.str()?, bytes: c.bytes()? },
            2 => RawRef::Before(c.int()?),
            _ => return Err(c.error("a form of raw input")),
        };
        let keys_count = c.byte()?;
        let keys = c;
        for _ in 0..keys_count {
            c.str()?;
            c.str()?;
        }
        let owed_count = c.byte()?;
        let owed = c;
        for _ in 0..owed_count {
            read_owed(&mut c, "")?;
        }
        Ok(Self {
            disposition,
            previous,
            received,
            id,
            source,
            event_type,
            subject,
            tenant,
            revision,
            intake,
            time,
            dataschema,
            site,
            partitionkey,
            traceparent,
            correlationid,
            causationid,
            priority,
            data,
            raw,
            owed,
            owed_count,
            keys,
            keys_count,
        })
    }

    /// The deliveries it owes, in the order that numbers them.
    pub fn owed(&self) -> impl Iterator<Item = Owed<'a>> + use<'a> {
        let order_key = self.order_key();
        let mut cursor = self.owed;
        (0..self.owed_count).map_while(move |_| read_owed(&mut cursor, order_key).ok())
    }

    /// How many deliveries it owes.
    #[must_use]
    pub const fn owed_count(&self) -> u8 {
        self.owed_count
    }

    /// The delivery with this number.
    #[must_use]
    pub fn owed_at(&self, n: u8) -> Option<Owed<'a>> {
        self.owed().nth(usize::from(n))
    }

    /// Further business keys it can be found by: (object type, key).
    pub fn keys(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut cursor = self.keys;
        (0..self.keys_count).map_while(move |_| Some((cursor.str().ok()?, cursor.str().ok()?)))
    }

    /// What keeps the event's order: the partition key, or the subject.
    #[must_use]
    pub const fn order_key(&self) -> &'a str {
        if self.partitionkey.is_empty() { self.subject } else { self.partitionkey }
    }

    /// What makes it the same event again.
    #[must_use]
    pub fn identity(&self) -> Fingerprint {
        Fingerprint::of(&[self.source, self.id])
    }

    /// The sending system.
    #[must_use]
    pub fn system(&self) -> &'a str {
        crate::event::system_of(self.source)
    }

    /// The object whose state it changes: type and key. `None` for a type that a later version wrote.
    #[must_use]
    pub fn object(&self) -> Option<(&'a str, &'a str)> {
        let event_type = crate::EventType::parse(self.event_type).ok()?;
        Some((event_type.object_type(), event_type.split_subject(self.subject).0))
    }

    /// The object's fingerprint, as [`ObjectKey::fingerprint`].
    #[must_use]
    pub fn object_fingerprint(&self) -> Option<Fingerprint> {
        self.object().map(|(object_type, key)| Fingerprint::of(&[self.tenant, object_type, key]))
    }

    /// The owned object key.
    #[must_use]
    pub fn object_key(&self) -> Option<ObjectKey> {
        self.object().map(|(object_type, key)| ObjectKey::new(self.tenant, object_type, key))
    }

    /// The owned envelope.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        Envelope {
            id: self.id.to_owned(),
            source: self.source.to_owned(),
            event_type: self.event_type.to_owned(),
            subject: self.subject.to_owned(),
            time: self.time.to_owned(),
            dataschema: self.dataschema.to_owned(),
            tenant: self.tenant.to_owned(),
            site: self.site.to_owned(),
            partitionkey: self.partitionkey.to_owned(),
            revision: self.revision,
            traceparent: self.traceparent.to_owned(),
            priority: self.priority,
            correlationid: self.correlationid.to_owned(),
            causationid: self.causationid.to_owned(),
        }
    }

    /// The owned event, as it came to the journal.
    #[must_use]
    pub fn to_event(&self) -> Event {
        let raw = match self.raw {
            RawRef::Same => Raw::Same,
            RawRef::Inline { content_type, bytes } => {
                Raw::Inline { content_type: content_type.to_owned(), bytes: Bytes::copy_from_slice(bytes) }
            }
            RawRef::Before(n) => Raw::Before(n),
        };
        Event {
            envelope: self.envelope(),
            data: Bytes::copy_from_slice(self.data),
            raw,
            intake: self.intake.to_owned(),
            keys: self.keys().map(|(t, k)| (t.to_owned(), k.to_owned())).collect(),
            received: self.received,
        }
    }
}

fn read_owed<'a>(c: &mut Cursor<'a>, order_key: &'a str) -> Result<Owed<'a>, WireError> {
    let (route, destination) = (c.str()?, c.str()?);
    let priority = Priority::from_byte(c.byte()?);
    let flags = c.byte()?;
    let order_key = if flags & OWN_KEY == 0 { order_key } else { c.str()? };
    Ok(Owed { route, destination, priority, order_key, parks: flags & PARKS != 0 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(text: &str, raw: Raw, keys: Vec<(String, String)>) -> Event {
        Event {
            envelope: Envelope {
                id: format!("id-{text}"),
                source: "urn:lineshaft:main:wms".into(),
                event_type: "lineshaft.inventory.counted.v1".into(),
                subject: format!("BOLT/{text}"),
                tenant: "main".into(),
                revision: 7,
                site: text.to_owned(),
                priority: Some(Priority::High),
                ..Envelope::default()
            },
            data: Bytes::from(format!("{{\"text\":{text:?}}}")),
            raw,
            intake: "wms/counts".into(),
            keys,
            received: Millis(-5),
        }
    }

    proptest! {
        #[test]
        fn an_event_reads_back(text in ".{0,20}", keys in proptest::collection::vec((".{0,5}", ".{0,5}"), 0..4),
                               raw in prop_oneof![Just(Raw::Same), any::<u64>().prop_map(Raw::Before),
                                   any::<Vec<u8>>().prop_map(|b| Raw::Inline { content_type: "text/csv".into(), bytes: b.into() })]) {
            let event = event(&text, raw, keys);
            let owed = [
                Owed { route: "a", destination: "erp.post", priority: Priority::Bulk, order_key: event.envelope.order_key(), parks: true },
                Owed { route: "b", destination: "aps.put", priority: Priority::Critical, order_key: "other", parks: false },
            ];
            let head = EventHead { disposition: Disposition::Echo, previous: Position(9) };
            let mut buf = Vec::new();
            EventRecord::encode(&mut buf, head, &event, &owed);
            let record = EventRecord::decode(&buf).unwrap();
            prop_assert_eq!(record.to_event(), event.clone());
            prop_assert_eq!((record.disposition, record.previous), (head.disposition, head.previous));
            prop_assert_eq!(record.owed().collect::<Vec<_>>(), owed);
            prop_assert_eq!(record.owed_at(1), Some(owed[1]));
        }

        #[test]
        fn any_payload_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(record) = EventRecord::decode(&bytes) {
                prop_assert_eq!(record.owed().count(), usize::from(record.owed_count()));
            }
        }

        #[test]
        fn a_cut_payload_is_refused(cut in 0usize..80) {
            let mut buf = Vec::new();
            EventRecord::encode(&mut buf, EventHead::default(), &event("x", Raw::Same, vec![]), &[]);
            prop_assert!(EventRecord::decode(&buf[..cut.min(buf.len() - 1)]).is_err());
        }
    }
}
