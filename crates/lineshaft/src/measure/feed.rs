//! Events to send: canonical, of 1 KiB, with random ids and keys from a given number of objects.

use bytes::Bytes;
use lineshaft_model::event::source_urn;
use lineshaft_model::record::{EventHead, EventRecord, Owed};
use lineshaft_model::{Envelope, Event, Millis, Priority, Raw};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Objects that the events speak of.
pub const OBJECTS: u32 = 100_000;

/// The three routes of the benchmarks, and where they lead.
pub const ROUTES: [(&str, &str); 3] =
    [("positions-to-erp", "erp.post"), ("positions-to-wms", "wms.post"), ("positions-to-aps", "aps.put")];

const EVENT_TYPE: &str = "lineshaft.inventory.positioned.v1";
const TENANT: &str = "main";

/// Makes events. The same seed makes the same events.
#[derive(Debug)]
pub struct Feed {
    rng: SmallRng,
    bytes: usize,
}

impl Feed {
    /// Events that are `bytes` long as JSON, the attributes included.
    #[must_use]
    pub fn new(seed: u64, bytes: usize) -> Self {
        Self { rng: SmallRng::seed_from_u64(seed), bytes }
    }

    /// One event as structured CloudEvents JSON, with its key.
    fn event(&mut self, text: &mut String) -> u32 {
        use std::fmt::Write as _;
        let key = self.rng.random_range(0..OBJECTS);
        let (id, start) = (self.rng.random::<u128>(), text.len());
        // Writing into a String does not fail.
        let _ = write!(
            text,
            r#"{{"specversion":"1.0","id":"{id:032x}","source":"{}","type":"{EVENT_TYPE}","subject":"{}","data":"#,
            source_urn(TENANT, "mes"),
            subject(key),
        );
        let room = self.bytes.saturating_sub(text.len() - start + 1);
        self.data(key, room, text);
        text.push('}');
        key
    }

    /// Canonical data of about `bytes` bytes.
    fn data(&mut self, key: u32, bytes: usize, text: &mut String) {
        use std::fmt::Write as _;
        let (start, quantity) = (text.len(), self.rng.random_range(1..100_000u32));
        let _ = write!(
            text,
            r#"{{"item":"ITEM-{:06}","location":"A-{:02}-{:02}","quantity":{{"value":"{}.{:03}","unit":"C62"}},"counted":true,"lots":["#,
            key % 5000,
            key % 30,
            key % 50,
            quantity / 1000,
            quantity % 1000,
        );
        let closing = "]}".len();
        let mut n = 0;
        while bytes.saturating_sub(text.len() - start + closing) >= 72 {
            let comma = if n == 0 { "" } else { "," };
            let (a, b) = (self.rng.random::<u32>(), self.rng.random_range(0..1000u32));
            let _ = write!(
                text,
                r#"{comma}{{"number":"L{a:010}","quantity":"{b}","state":"free","bin":"{n:04}"}}"#
            );
            n += 1;
        }
        text.push_str("]}");
    }

    /// A CloudEvents batch of so many events.
    pub fn batch(&mut self, events: usize) -> Bytes {
        let mut text = String::with_capacity(events * (self.bytes + 64));
        text.push('[');
        for n in 0..events {
            if n > 0 {
                text.push(',');
            }
            self.event(&mut text);
        }
        text.push(']');
        Bytes::from(text)
    }

    /// One event as structured CloudEvents JSON.
    pub fn one(&mut self) -> Bytes {
        let mut text = String::with_capacity(self.bytes + 64);
        self.event(&mut text);
        Bytes::from(text)
    }

    /// The record that the hub would write for one event.
    pub fn record(&mut self, head: EventHead, received: Millis, owes: bool, buf: &mut Vec<u8>) {
        let key = self.rng.random_range(0..OBJECTS);
        let id = self.rng.random::<u128>();
        let mut data = String::with_capacity(self.bytes);
        // The attributes of the JSON form take so much beside the data.
        self.data(key, self.bytes.saturating_sub(175), &mut data);
        let envelope = Envelope {
            id: format!("{id:032x}"),
            source: source_urn(TENANT, "mes"),
            event_type: EVENT_TYPE.to_owned(),
            subject: subject(key),
            tenant: TENANT.to_owned(),
            traceparent: format!("00-{id:032x}-{:016x}-01", id as u64),
            ..Envelope::default()
        };
        let order_key = envelope.subject.clone();
        let keys = vec![("item".to_owned(), format!("ITEM-{:06}", key % 5000))];
        let data = Bytes::from(data);
        let event = Event { envelope, data, raw: Raw::Same, intake: "events".to_owned(), keys, received };
        let owed = ROUTES.map(|(route, destination)| Owed {
            route,
            destination,
            priority: Priority::Normal,
            order_key: &order_key,
            parks: true,
        });
        EventRecord::encode(buf, head, &event, if owes { &owed } else { &[] });
    }
}

/// The business key of an object.
#[must_use]
pub fn subject(key: u32) -> String {
    format!("PLANT-{key:08}")
}
