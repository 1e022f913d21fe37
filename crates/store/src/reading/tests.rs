//! What is shown, on a small story: an order is released, confirmed in part, changed, counted wrong once; its deliveries are
//! delivered, retried, dead and discarded.

mod seen;

use std::sync::Arc;

use bytes::Bytes;
use lineshaft_model::record::{
    Action, Disposition, EventHead, JsonPayload, Owed, Quarantine, QuarantineHead, RecordKind,
};
use lineshaft_model::{
    DeliveryId, DeliveryState, Envelope, Event, Millis, OutcomeKind, Position, Priority, Raw, Reason,
};

use super::{DeliveryFilter, EventFilter, ObjectFilter, Reading, ReadingError};
use crate::applied::held::{Held, outcome_of};
use crate::index::{Index, Span};
use crate::views::Projector;

const ORDER: &str = "purchase-order";

struct Story {
    held: Held,
    reading: Reading,
    projector: Projector,
    _dir: tempfile::TempDir,
}

fn event(event_type: &str, subject: &str, system: &str, data: &str, at: i64) -> Event {
    Event {
        envelope: Envelope {
            id: format!("{system}-{at}"),
            source: format!("urn:lineshaft:main:{system}"),
            event_type: format!("lineshaft.{event_type}.v1"),
            subject: subject.into(),
            tenant: "main".into(),
            ..Envelope::default()
        },
        data: Bytes::from(data.to_owned()),
        raw: Raw::Same,
        intake: format!("{system}/feed"),
        keys: Vec::new(),
        received: Millis(at),
    }
}

fn owed<'a>(destination: &'a str, order_key: &'a str) -> Owed<'a> {
    Owed { route: "orders", destination, priority: Priority::Normal, order_key, parks: true }
}

fn chained(previous: u64) -> EventHead {
    EventHead { disposition: Disposition::Accepted, previous: Position(previous) }
}

/// Positions are counted in the comments.
fn story() -> Story {
    let held = Held::default();
    // 1: the order, from its owner, with the bytes it came in.
    let mut released = event(
        "purchase-order.released",
        "4711",
        "erp",
        r#"{"status":"open","total":1.10,"lines":{"10":{"quantity":"5.000"}},"note":"old"}"#,
        1000,
    );
    released.envelope.revision = 3;
    released.envelope.correlationid = "C-1".into();
    released.keys = vec![("item".into(), "BOLT".into()), ("ref:aps".into(), "A-4711".into())];
    released.raw = Raw::Inline { content_type: "text/csv".into(), bytes: Bytes::from_static(b"4711;\xff") };
    held.event(chained(0), &released, &[owed("wms.expect", "4711"), owed("aps.plan", "4711")]);
    // 2, 3: delivered to both, one after a failure.
    let to = |event, n| DeliveryId { event: Position(event), n };
    held.outcome(&outcome_of(to(1, 0), OutcomeKind::Delivered, Millis(1010), Some("W-99".into())));
    held.outcome(&outcome_of(to(1, 1), OutcomeKind::Again, Millis(1020), None));
    held.outcome(&outcome_of(to(1, 1), OutcomeKind::Delivered, Millis(1520), None));
    // 5: a confirmation, kept below the order; it came in the same input as 1.
    let mut confirmed = event(
        "purchase-order.confirmed",
        "4711/10/AB1",
        "procurement",
        r#"{"status":"partial","quantity":"3"}"#,
        2000,
    );
    confirmed.raw = Raw::Before(4);
    held.event(chained(1), &confirmed, &[owed("erp.confirm", "4711/10/AB1")]);
    // 6: a change; a member goes, another comes.
    let mut changed = event(
        "purchase-order.changed",
        "4711",
        "erp",
        r#"{"note":null,"total":1.2e1,"status":"changed"}"#,
        3000,
    );
    changed.envelope.revision = 4;
    held.event(chained(5), &changed, &[owed("wms.expect", "4711"), owed("aps.plan", "4711")]);
    // 7: a stale one changes nothing.
    let stale = event("purchase-order.changed", "4711", "erp", r#"{"status":"wrong"}"#, 3100);
    held.event(EventHead { disposition: Disposition::Stale, previous: Position(6) }, &stale, &[]);
    // 8: dead; 9: another event that mentions the order, its delivery parked behind the dead letter.
    held.outcome(&outcome_of(to(6, 0), OutcomeKind::Dead, Millis(3200), None));
    let mut shipment = event("shipment.notified", "ASN-1", "procurement", r#"{"items":["BOLT"]}"#, 4000);
    shipment.keys = vec![(ORDER.into(), "4711".into())];
    held.event(chained(0), &shipment, &[owed("wms.expect", "4711")]);
    // 10: a refused input about the order.
    let head = QuarantineHead {
        tenant: "main".into(),
        intake: "erp/feed".into(),
        content_type: "text/csv".into(),
        identity: String::new(),
        origin: "orders.csv line 3".into(),
        received: Millis(4100),
        reasons: vec![Reason::new("csv-columns", "3 columns instead of 4")],
        subject: "4711".into(),
        event_type: String::new(),
        traceparent: String::new(),
    };
    let mut payload = Vec::new();
    Quarantine { head, raw: Bytes::from_static(b"4711;x") }.encode(&mut payload);
    held.push(RecordKind::Quarantine, payload);

    let dir = tempfile::tempdir().unwrap();
    let journal: Arc<dyn lineshaft_ports::journal::JournalRead> = Arc::new(held.clone());
    let span = Span { first: Position(1), last: journal.end() };
    let index = Index::open(&dir.path().join("i"), 1, &[span], Arc::clone(&journal), &mut |_| {}).unwrap();
    let (mut projector, views) = Projector::open(dir.path(), 1, journal.end(), index.clone()).unwrap();
    projector.catch_up(&*journal, &mut |_| {}).unwrap();
    let reading = Reading::new(journal, views, index);
    Story { held, reading, projector, _dir: dir }
}

#[test]
fn an_object_is_what_its_events_say_together() {
    let story = story();
    let order = story.reading.object("main", ORDER, "4711", None).unwrap().unwrap();
    // Numbers keep their text; what a confirmation says stands below the order.
    assert_eq!(
        order.data.get(),
        r#"{"status":"changed","total":1.2e1,"lines":{"10":{"quantity":"5.000"}},"confirmed":{"10/AB1":{"status":"partial","quantity":"3"}}}"#
    );
    assert_eq!((order.row.revision, order.row.position, order.row.updated), (4, Position(6), Millis(3000)));
    assert_eq!(order.row.status.as_deref(), Some("changed"));
    let references: Vec<_> = order.references.iter().map(|(s, k)| (s.as_str(), k.as_str())).collect();
    assert_eq!(references, [("aps", "A-4711"), ("wms", "W-99")]);
    let listed = story.reading.views.object_row("main", ORDER, "4711").unwrap().unwrap();
    assert_eq!((listed.status, listed.revision), (order.row.status, 4));
}

#[test]
fn types_are_those_that_events_have_spoken_of() {
    let story = story();
    assert_eq!(story.reading.object_types("main"), [ORDER, "shipment"]);
    assert!(story.reading.object_types("other").is_empty());
}

#[test]
fn an_object_can_be_seen_as_it_was() {
    let story = story();
    let at = |at| story.reading.object("main", ORDER, "4711", Some(Millis(at))).unwrap();
    assert!(at(999).is_none());
    let first = at(1500).unwrap();
    assert_eq!(
        (first.row.revision, first.row.status.as_deref(), first.row.position),
        (3, Some("open"), Position(1))
    );
    assert!(first.data.get().contains(r#""note":"old""#) && !first.data.get().contains("confirmed"));
    assert!(at(2000).unwrap().data.get().contains("AB1"));
}

#[test]
fn history_walks_the_chain_page_by_page() {
    let story = story();
    let page = |cursor: Option<&str>| story.reading.history("main", ORDER, "4711", cursor, 3).unwrap();
    let first = page(None).unwrap();
    let told: Vec<_> = first.items.iter().map(|row| (row.position.0, row.status)).collect();
    let accepted = Disposition::Accepted;
    assert_eq!(told, [(7, Disposition::Stale), (6, accepted), (5, accepted)]);
    let last = page(first.next.as_deref()).unwrap();
    assert_eq!((last.items.len(), last.items[0].position, last.next), (1, Position(1), None));
    // A cursor into another object's chain is no page of this one.
    assert!(page(Some("9")).is_none());
    assert!(matches!(
        story.reading.history("main", ORDER, "4711", Some("x"), 3),
        Err(ReadingError::Views(crate::views::ViewsError::Cursor(_)))
    ));
    assert!(story.reading.history("main", ORDER, "other", None, 3).unwrap().is_none());
}

#[test]
fn an_event_shows_its_raw_input_and_every_attempt() {
    let story = story();
    let event = story.reading.event(Position(1)).unwrap().unwrap();
    assert_eq!((event.raw.text, event.raw.base64.as_deref(), event.raw.bytes), (None, Some("NDcxMTv/"), 6));
    let states: Vec<_> = event.deliveries.iter().map(|d| (d.state, d.attempts, d.outcomes.len())).collect();
    assert_eq!(states, [(DeliveryState::Delivered, 11, 1), (DeliveryState::Delivered, 21, 2)]);
    assert_eq!(event.deliveries[1].outcomes[0].due, Some(Millis(1520)));
    // The bytes are kept once for all events of an input.
    let confirmed = story.reading.event(Position(5)).unwrap().unwrap();
    assert_eq!(confirmed.raw.content_type, "text/csv");
    assert_eq!((confirmed.deliveries[0].state, confirmed.previous), (DeliveryState::Pending, Position(1)));
    assert!(story.reading.event(Position(2)).unwrap().is_none());
    assert!(story.reading.event(Position(999)).unwrap().is_none());
}

#[test]
fn events_are_listed_newest_first_and_filtered() {
    let story = story();
    let all = |filter: &EventFilter| {
        let (mut positions, mut cursor) = (Vec::new(), None);
        loop {
            let page = story.reading.events(filter, cursor.as_deref(), 2).unwrap();
            assert!(page.items.len() <= 2);
            positions.extend(page.items.iter().map(|row| row.position.0));
            cursor = page.next;
            if cursor.is_none() {
                return positions;
            }
        }
    };
    let filter = EventFilter::default;
    assert_eq!(all(&filter()), [9, 7, 6, 5, 1]);
    assert_eq!(all(&EventFilter { subject: Some("4711".into()), ..filter() }), [7, 6, 1]);
    assert_eq!(all(&EventFilter { system: Some("procurement".into()), ..filter() }), [9, 5]);
    let of_type = Some("lineshaft.purchase-order.changed.v1".into());
    assert_eq!(all(&EventFilter { event_type: of_type, ..filter() }), [7, 6]);
    assert_eq!(all(&EventFilter { since: Some(Position(6)), ..filter() }), [9, 7, 6]);
    assert_eq!(all(&EventFilter { since_time: Some(Millis(2000)), ..filter() }), [9, 7, 6, 5]);
    assert_eq!(all(&EventFilter { tenant: Some("other".into()), ..filter() }), [0; 0]);
    let (after, reached) = story.reading.events_after(Position(5), 2).unwrap();
    assert_eq!(after.iter().map(|row| row.position.0).collect::<Vec<_>>(), [6, 7]);
    assert_eq!(reached, Position(7));
    assert_eq!(story.reading.events_after(Position(9), 2).unwrap().1, Position(10));
    // A record that cannot be read hides no other.
    story.held.push(RecordKind::Event, vec![0xff]);
    assert_eq!(all(&filter()), [9, 7, 6, 5, 1]);
    assert_eq!(story.reading.events_after(Position(9), 2).unwrap().1, Position(11));
    assert!(matches!(story.reading.event(Position(11)), Err(ReadingError::Record { .. })));
}

#[test]
fn dead_letters_say_what_waits_behind_them() {
    let story = story();
    let page = story.reading.dead_letters(Some("wms.expect"), true, None, 1).unwrap();
    let letter = &page.items[0];
    assert_eq!(
        (letter.delivery.id.to_string().as_str(), letter.since, letter.parked),
        ("6.0", Millis(3200), 1)
    );
    assert_eq!(letter.delivery.reason.as_ref().unwrap().code, "refused");
    let next = story.reading.dead_letters(Some("wms.expect"), true, page.next.as_deref(), 1).unwrap();
    assert!(next.items.is_empty());
    assert_eq!(story.reading.dead_letter(letter.delivery.id).unwrap().unwrap().delivery.outcomes.len(), 1);
    assert!(story.reading.dead_letter(DeliveryId { event: Position(6), n: 1 }).unwrap().is_none());
    assert!(story.reading.dead_letters(None, false, Some("5"), 1).is_err());

    let filter = DeliveryFilter { destination: Some("wms.expect".into()), state: None };
    let rows = story.reading.deliveries(&filter, None, 10).unwrap().items;
    let told: Vec<_> = rows.iter().map(|row| (row.id.event.0, row.state)).collect();
    assert_eq!(told, [(9, DeliveryState::Parked), (6, DeliveryState::Dead)]);
    let parked = DeliveryFilter { state: Some(DeliveryState::Parked), destination: None };
    assert_eq!(story.reading.deliveries(&parked, None, 10).unwrap().items.len(), 1);
}

#[test]
fn the_timeline_goes_through_all_systems() {
    let story = story();
    let timeline = story.reading.timeline("main", ORDER, "4711", 100).unwrap().unwrap();
    let told: Vec<_> = timeline.iter().map(|e| format!("{} {} {}", e.at.0, e.system, e.what)).collect();
    assert_eq!(
        told,
        [
            "1000 erp event",
            "1010 wms delivered",
            "1020 aps again",
            "1520 aps delivered",
            "2000 procurement event",
            "3000 erp event",
            "3100 erp event",
            "3200 wms dead",
            "4000 procurement event",
            "4100 erp quarantined",
        ]
    );
    assert_eq!(timeline[0].title, "Purchase order released");
    assert_eq!(
        (timeline[3].after_ms, timeline[7].reason.as_ref().unwrap().code.as_str()),
        (Some(520), "refused")
    );
    let latest = story.reading.timeline("main", ORDER, "4711", 2).unwrap().unwrap();
    assert_eq!(latest.iter().map(|e| e.at.0).collect::<Vec<_>>(), [4000, 4100]);
    assert!(story.reading.timeline("main", ORDER, "nothing", 9).unwrap().is_none());
    assert!(story.reading.timeline("other", ORDER, "4711", 9).unwrap().is_none());
}

#[test]
fn anything_is_found_by_any_number() {
    let story = story();
    let find = |text: &str| {
        let hits = story.reading.search("main", text, 10).unwrap();
        hits.into_iter().map(|hit| (hit.object.object_type, hit.object.key, hit.held)).collect::<Vec<_>>()
    };
    let order = (ORDER.to_owned(), "4711".to_owned(), true);
    for text in ["4711", " 4711 ", "C-1", "erp-1000", "A-4711", "W-99", "4711/10/AB1", "471"] {
        assert_eq!(find(text), std::slice::from_ref(&order), "{text}");
    }
    assert_eq!(find("BOLT"), [("item".to_owned(), "BOLT".to_owned(), false)]);
    assert_eq!(find("ASN-1"), [("shipment".to_owned(), "ASN-1".to_owned(), true)]);
    assert_eq!(find("nothing"), []);
    assert_eq!(find(""), []);
    assert!(story.reading.search("other", "4711", 10).unwrap().is_empty());
    assert_eq!(story.reading.search("main", "4711", 10).unwrap()[0].events, 5);
}

#[test]
fn each_system_is_shown_with_where_it_stands() {
    let story = story();
    let systems = story.reading.object_systems("main", ORDER, "4711").unwrap().unwrap();
    let told: Vec<_> = systems
        .iter()
        .map(|s| (s.system.as_str(), s.sent.map(|p| p.0), s.delivered.map(|p| p.0), s.unfinished, s.state))
        .collect();
    let (pending, dead) = (Some(DeliveryState::Pending), Some(DeliveryState::Dead));
    assert_eq!(
        told,
        [
            ("aps", None, Some(1), 1, pending),
            ("erp", Some(7), None, 1, pending),
            ("procurement", Some(5), None, 0, None),
            ("wms", None, Some(1), 1, dead),
        ]
    );
    assert_eq!(systems[3].key.as_deref(), Some("W-99"));
}

#[test]
fn a_refused_input_is_listed_shown_and_closed() {
    let mut story = story();
    let page = story.reading.quarantine(true, None, 10).unwrap();
    assert_eq!((page.items.len(), page.items[0].position, page.next), (1, Position(10), None));
    assert!(page.items[0].raw.is_none() && page.items[0].open);
    let one = story.reading.quarantined(Position(10)).unwrap().unwrap();
    assert_eq!(one.raw.unwrap().text.as_deref(), Some("4711;x"));
    let action = Action {
        actor: "kim".into(),
        action: "quarantine.discard".into(),
        target: "10".into(),
        reason: "sent again".into(),
        at: Millis(5000),
        events: Vec::new(),
    };
    let mut payload = Vec::new();
    JsonPayload::encode(&action, &mut payload);
    story.held.push(RecordKind::Action, payload);
    story.projector.catch_up(&story.held, &mut |_| {}).unwrap();
    assert!(story.reading.quarantine(true, None, 10).unwrap().items.is_empty());
    assert!(!story.reading.quarantine(false, None, 10).unwrap().items[0].open);
    assert!(story.reading.quarantined(Position(9)).unwrap().is_none());
}

#[test]
fn objects_are_listed_by_key_and_filtered() {
    let held = Held::default();
    for n in 0..30u64 {
        let system = if n % 3 == 0 { "wms" } else { "erp" };
        let data = format!(r#"{{"status":"s{}"}}"#, n % 2);
        let item = event("item.created", &format!("K{n:02}"), system, &data, 1000 + n as i64);
        held.event(chained(0), &item, &[]);
    }
    let dir = tempfile::tempdir().unwrap();
    let journal: Arc<dyn lineshaft_ports::journal::JournalRead> = Arc::new(held);
    let span = Span { first: Position(1), last: journal.end() };
    let index = Index::open(&dir.path().join("i"), 1, &[span], Arc::clone(&journal), &mut |_| {}).unwrap();
    let (mut projector, views) = Projector::open(dir.path(), 1, journal.end(), index.clone()).unwrap();
    projector.catch_up(&*journal, &mut |_| {}).unwrap();
    let reading = Reading::new(journal, views, index);
    let base = ObjectFilter { tenant: "main".into(), object_type: "item".into(), ..ObjectFilter::default() };
    let all = |filter: &ObjectFilter| {
        let (mut keys, mut cursor) = (Vec::new(), None);
        loop {
            let page = reading.objects(filter, cursor.as_deref(), 4).unwrap();
            keys.extend(page.items.into_iter().map(|row| row.object.key));
            cursor = page.next;
            if cursor.is_none() {
                return keys;
            }
        }
    };
    assert_eq!(all(&base), (0..30).map(|n| format!("K{n:02}")).collect::<Vec<_>>());
    let prefix = ObjectFilter { key_prefix: Some("K1".into()), ..base.clone() };
    assert_eq!(all(&prefix).len(), 10);
    let filter = ObjectFilter {
        system: Some("wms".into()),
        status: Some("s0".into()),
        changed_since: Some(Millis(1010)),
        ..base.clone()
    };
    assert_eq!(all(&filter), ["K12", "K18", "K24"]);
    assert!(all(&ObjectFilter { tenant: "other".into(), ..base }).is_empty());
}
