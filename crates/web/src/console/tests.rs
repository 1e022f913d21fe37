//! Pages drawn from made-up values: what a person reads is there, and what systems sent stays text.
#![allow(clippy::disallowed_methods)] // Where to write pages for looking at is told by the environment.

use std::collections::BTreeMap;

use askama::Template;
use lineshaft_model::record::Disposition;
use lineshaft_model::shown::*;
use lineshaft_model::{
    DeliveryId, DeliveryState, Envelope, Millis, OutcomeKind, Position, Priority, Reason,
};

use super::pulse::Rates;
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::{books, dead_letters, deliveries, event, events, object, overview, quarantine, search, systems};
use crate::access::{Caller, Scope};

const NOW: Millis = Millis(1_795_420_800_000);

/// What a hostile system would send.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

fn shell(section: Section, scopes: &[Scope]) -> Shell {
    let caller =
        Caller { name: String::from("night-shift"), scopes: scopes.to_vec(), system: String::new() };
    Shell {
        title: String::from("A page"),
        section,
        viewer: Viewer {
            caller,
            form_token: String::from("0f0e0d0c0b0a09080706050403020100"),
            fragment: false,
        },
        now: NOW,
        dead: 2,
        quarantined: 1,
        stopped: None,
        query: String::new(),
        every_ms: 1_000,
    }
}

fn operator(section: Section) -> Shell {
    shell(section, &[Scope::Read, Scope::Operate])
}

fn ago(ms: i64) -> Millis {
    NOW.plus(-ms)
}

fn reason() -> Reason {
    Reason::new("http-refused", "The target answered 422: quantity exceeds what was ordered")
        .at("POST /material-documents")
        .hint("mend the order in the ERP or the count in the warehouse, then retry")
}

fn lane(destination: &str, delivered: u64) -> LaneRow {
    LaneRow {
        destination: destination.to_owned(),
        breaker: String::from("closed"),
        in_flight: 2,
        delivered,
        ..LaneRow::default()
    }
}

fn system(name: &str, title: &str, health: &str, lanes: Vec<LaneRow>) -> SystemRow {
    SystemRow {
        name: name.to_owned(),
        title: title.to_owned(),
        connector: String::from("http"),
        health: health.to_owned(),
        paused: (health == "paused").then(|| String::from("stocktaking until six")),
        received: 48_211,
        last_received: Some(ago(800)),
        sources: vec![String::from("orders"), String::from("changes")],
        lanes,
    }
}

fn some_systems() -> Vec<SystemRow> {
    let mut dead = lane("erp.post-inventory-difference", 18_044);
    (dead.dead, dead.parked, dead.pending) = (2, 7, 3);
    (dead.oldest, dead.last_failure) = (Some(ago(14 * 60_000)), Some(reason().message));
    let mut open = lane("scheduler.put-order", 9_300);
    (open.breaker, open.pending) = (String::from("open"), 1_204);
    (open.oldest, open.last_failure) = (Some(ago(95_000)), Some(String::from("connection refused")));
    vec![
        system("erp", "ERP", "dead-letters", vec![dead, lane("erp.post-receipt", 5_120)]),
        system("wms", "Warehouse management", "healthy", vec![lane("wms.reserve", 22_871)]),
        system("scheduler", "Production scheduling", "open", vec![open]),
        system("procurement", "Supplier network", "paused", vec![lane("procurement.send-order", 1_877)]),
        system("counts", "Hand-held counts", "idle", Vec::new()),
    ]
}

fn some_overview() -> Overview {
    Overview {
        now: NOW,
        position: Position(1_204_551),
        applied: Position(1_204_549),
        events_per_second_x100: 1_834,
        deliveries_per_second_x100: 4_120,
        acknowledged_p50_us: 1_420,
        acknowledged_p99_us: 4_870,
        delivered_p50_us: 3_310,
        delivered_p99_us: 18_400,
        dead: 2,
        parked: 7,
        pending: 1_207,
        quarantined: 1,
        stopped: None,
        systems: some_systems(),
        flows: Vec::new(),
        history: (0..60).map(|second: u64| 14 + (second * 7) % 11 + u64::from(second == 33) * 12).collect(),
    }
}

fn outcome(kind: OutcomeKind, attempt: u16, ms: i64) -> OutcomeRow {
    let failed = matches!(kind, OutcomeKind::Again | OutcomeKind::Dead | OutcomeKind::Unknown);
    OutcomeRow {
        position: Position(1_203_990 + u64::from(attempt)),
        kind,
        attempt,
        at: ago(ms),
        due: (kind == OutcomeKind::Again).then(|| ago(ms - 4_000)),
        status: if failed { 422 } else { 200 },
        reason: failed.then(reason),
        actor: (kind == OutcomeKind::Retried).then(|| String::from("night-shift")),
    }
}

fn delivery(n: u8, state: DeliveryState) -> DeliveryRow {
    DeliveryRow {
        id: DeliveryId { event: Position(1_203_977), n },
        route: String::from("counts-to-erp"),
        destination: String::from("erp.post-inventory-difference"),
        priority: Priority::High,
        order_key: String::from("M-4711/P100/0001"),
        state,
        attempts: 3,
        due: (state == DeliveryState::Retrying).then(|| NOW.plus(9_000)),
        event_type: String::from("lineshaft.inventory.counted.v1"),
        subject: String::from("M-4711/P100/0001"),
        received: ago(14 * 60_000),
        settled: Some(ago(9 * 60_000)),
        reason: (state != DeliveryState::Delivered).then(reason),
        outcomes: vec![
            outcome(OutcomeKind::Again, 1, 14 * 60_000),
            outcome(OutcomeKind::Unknown, 2, 13 * 60_000),
            outcome(if state == DeliveryState::Delivered { OutcomeKind::Delivered } else { OutcomeKind::Dead }, 3, 9 * 60_000),
        ],
    }
}

fn row(position: u64) -> EventRow {
    EventRow {
        position: Position(position),
        received: ago(14 * 60_000),
        status: Disposition::Accepted,
        envelope: Envelope {
            id: String::from("count-2026-11-23-0042"),
            source: String::from("urn:lineshaft:main:wms"),
            event_type: String::from("lineshaft.inventory.counted.v1"),
            subject: String::from("M-4711/P100/0001"),
            time: String::from("2026-11-23T06:30:00+01:00"),
            tenant: String::from("main"),
            correlationid: String::from("PO-4500012345"),
            revision: 7,
            ..Envelope::default()
        },
        intake: String::from("wms/counts"),
        owes: 2,
    }
}

fn raw(text: &str) -> RawShown {
    RawShown {
        content_type: String::from("application/json"),
        bytes: text.len(),
        text: Some(text.to_owned()),
        base64: None,
    }
}

fn json(text: &str) -> Box<serde_json::value::RawValue> {
    serde_json::value::RawValue::from_string(text.to_owned()).expect("it is JSON")
}

fn reference() -> ObjectRef {
    ObjectRef { object_type: String::from("purchase-order"), key: String::from("PO-4500012345") }
}

fn some_event(text: &str) -> EventDetail {
    EventDetail {
        row: row(1_203_977),
        object: Some(reference()),
        previous: Position(1_198_004),
        data: json(&serde_json::json!({"item": "M-4711", "counted": {"value": "118.50", "unit": "KGM"}, "note": text}).to_string()),
        raw: raw(&format!("{{\"matnr\":\"M-4711\",\"menge\":118.50,\"bem\":\"{text}\"}}")),
        keys: vec![ObjectRef { object_type: String::from("item"), key: String::from("M-4711") }],
        deliveries: vec![delivery(0, DeliveryState::Dead), delivery(1, DeliveryState::Delivered)],
    }
}

fn happening(what: &str, system: &str, title: &str, ms: i64) -> TimelineEntry {
    let event = what == "event";
    TimelineEntry {
        at: ago(ms),
        position: Position(u64::try_from(2_000_000 - ms / 100).unwrap_or_default()),
        what: what.to_owned(),
        system: system.to_owned(),
        title: title.to_owned(),
        event: Position(1_203_977),
        delivery: (!event).then_some(DeliveryId { event: Position(1_203_977), n: 0 }),
        reason: matches!(what, "again" | "dead").then(reason),
        after_ms: (!event).then_some(412),
    }
}

fn known(text: &str) -> object::Known {
    let state = |system: &str, state| ObjectSystem {
        system: system.to_owned(),
        key: Some(format!("{system}-00815")),
        sent: Some(Position(1)),
        sent_at: Some(ago(3_600_000)),
        delivered: Some(Position(2)),
        delivered_at: Some(ago(3_590_000)),
        unfinished: 2,
        state,
    };
    object::Known {
        detail: Some(ObjectDetail {
            row: ObjectRow {
                object: reference(),
                tenant: String::from("main"),
                revision: 7,
                position: Position(1_203_977),
                event_type: String::from("lineshaft.purchase-order.changed.v1"),
                system: String::from("erp"),
                updated: ago(14 * 60_000),
                status: Some(String::from("confirmed")),
            },
            data: json(&serde_json::json!({"supplier": text, "currency": "EUR", "lines": [{"item": "M-4711", "quantity": "120.00"}]}).to_string()),
            references: BTreeMap::from([(String::from("procurement"), String::from("SN-77120"))]),
        }),
        systems: vec![state("erp", None), state("wms", Some(DeliveryState::Dead)), state("procurement", None)],
        timeline: vec![
            happening("event", "erp", "Purchase order released", 7_200_000),
            happening("delivered", "procurement", "Purchase order released: delivered (send-order)", 7_199_000),
            happening("event", "procurement", "Supplier confirmation received", 3_600_000),
            happening("again", "erp", "Supplier confirmation received: again (post-confirmation)", 3_500_000),
            happening("delivered", "erp", "Supplier confirmation received: delivered (post-confirmation)", 3_400_000),
            happening("event", "wms", text, 840_000),
            happening("dead", "erp", "Inventory counted: dead (post-inventory-difference)", 540_000),
        ],
        history: Page { items: vec![row(1_203_977), row(1_198_004)], next: None },
    }
}

fn letter(n: u8) -> DeadLetter {
    DeadLetter { delivery: delivery(n, DeliveryState::Dead), since: ago(9 * 60_000), parked: u64::from(n) * 7 }
}

fn refused(text: &str) -> QuarantineRow {
    QuarantineRow {
        position: Position(1_203_501),
        intake: String::from("procurement/confirmations"),
        origin: String::from("line 7"),
        received: ago(3_600_000),
        reasons: vec![reason(), Reason::new("contract-violation", text).at("/lines/0/quantity")],
        event_type: String::from("lineshaft.purchase-order.confirmed.v1"),
        subject: String::from("PO-4500012345"),
        open: true,
        raw: Some(raw(text)),
    }
}

fn some_books() -> Balance {
    let counts = lineshaft_model::record::Counts { accepted: 48_211, duplicate: 112, quarantined: 1, ..Default::default() };
    Balance {
        position: Position(1_204_551),
        applied: Position(1_204_551),
        inputs: BTreeMap::from([(String::from("erp/orders"), counts)]),
        destinations: vec![DestinationBooks {
            destination: String::from("erp.post-inventory-difference"),
            routed: 18_056,
            delivered: 18_044,
            pending: 3,
            parked: 7,
            dead: 2,
            ..DestinationBooks::default()
        }],
        balanced: true,
    }
}

/// Every page, with a text that a system sent.
fn pages(text: &str) -> Vec<(&'static str, String)> {
    let hit = Hit { object: reference(), events: 4, latest: Position(7), at: ago(60_000), held: true };
    let mut searched = operator(Section::Other);
    searched.query = text.to_owned();
    let list = |section| operator(section);
    let drawn = [
        ("overview", overview::Page::new(list(Section::Overview), some_overview(), &Rates::default(), Some(ago(540_000))).render()),
        ("search", search::Page { shell: searched, hits: vec![hit], event: Some(row(7)), too_long: false }.render()),
        ("object", object::Page::new(list(Section::Objects), reference(), known(text), String::new()).render()),
        ("event", event::Page::new(list(Section::Events), some_event(text), "").render()),
        ("events", events::Page {
            shell: list(Section::Events),
            rows: Page { items: (0..12).map(|n| row(1_203_977 - n)).collect(), next: None },
            event_type: text.to_owned(),
            system: String::new(),
            next: Some(String::from("/events?cursor=1")),
        }.render()),
        ("deliveries", deliveries::Page {
            shell: list(Section::Deliveries),
            rows: Page { items: (0..5).map(|n| delivery(n, DeliveryState::ALL[usize::from(n)])).collect(), next: None },
            state: None,
            destination: text.to_owned(),
            next: None,
        }.render()),
        ("dead-letters", dead_letters::Listing {
            shell: list(Section::DeadLetters),
            rows: Page { items: vec![letter(0), letter(1)], next: None },
            destination: String::new(),
            oldest: true,
            next: None,
            retried: None,
        }.render()),
        ("dead-letter", dead_letters::Single { shell: list(Section::DeadLetters), letter: letter(1), data: text.to_owned() }.render()),
        ("quarantine", quarantine::Listing {
            shell: list(Section::Quarantine),
            rows: Page { items: vec![refused(text)], next: None },
            all: false,
            next: None,
            discarded: false,
        }.render()),
        ("quarantined", quarantine::Single { shell: list(Section::Quarantine), row: refused(text), size: String::from("1.2 KiB") }.render()),
        ("systems", systems::Page { shell: list(Section::Systems), systems: some_systems() }.render()),
        ("books", books::Page { shell: list(Section::Books), balance: some_books() }.render()),
    ];
    drawn.into_iter().map(|(name, page)| (name, page.expect("it renders"))).collect()
}

#[test]
fn what_systems_send_stays_text_on_every_page() {
    for (name, page) in pages(HOSTILE) {
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "{name}: {page}");
        assert!(!page.contains("\"'>"), "{name} lets a text out of its attribute");
    }
}

#[test]
fn no_page_needs_what_the_content_policy_forbids() {
    for (name, page) in pages("steel") {
        assert!(!page.contains(" style=") && !page.contains("<style"), "{name} has style inside");
        assert!(!page.contains(" onclick=") && page.matches("<script").count() == 1, "{name} has script inside");
        assert!(!page.contains("&#60;") && !page.contains("&lt;"), "{name} shows markup as text");
        assert!(!page.contains("http://") && !page.contains("https://"), "{name} leads outside");
    }
}

#[test]
fn every_page_has_one_heading_labels_and_a_way_past_the_frame() {
    for (name, page) in pages("steel") {
        assert_eq!(page.matches("<h1").count(), 1, "{name}");
        assert!(page.contains("href=\"#main\"") && page.contains("id=\"main\""), "{name}");
        assert!(page.contains("<label class=\"unseen\" for=\"q\">"), "{name}");
        for id in ids(&page) {
            assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{name}: {id} is there twice");
        }
    }
}

fn ids(page: &str) -> impl Iterator<Item = &str> {
    page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn every_form_that_changes_something_carries_the_sessions_token() {
    for (name, page) in pages("steel") {
        for form in page.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap_or_default();
            let posts = form.starts_with("method=\"post\"");
            assert_eq!(posts, form.contains("name=\"form_token\""), "{name}: {form}");
        }
    }
}

#[test]
fn who_may_only_read_is_offered_nothing_to_press() {
    let page = dead_letters::Single {
        shell: shell(Section::DeadLetters, &[Scope::Read]),
        letter: letter(1),
        data: String::new(),
    };
    let page = page.render().expect("it renders");
    assert!(!page.contains("/retry") && page.contains("that needs the scope"), "{page}");
}

#[test]
fn the_overview_says_what_needs_somebody_first() {
    let page = overview::Page::new(operator(Section::Overview), some_overview(), &Rates::default(), Some(ago(540_000)));
    let page = page.render().expect("it renders");
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("`{text}` is missing"));
    assert!(place("2 dead letters") < place("Production scheduling does not answer"));
    assert!(place("Production scheduling does not answer") < place("Supplier network is paused"));
    assert!(place("Supplier network is paused") < place("1 input in quarantine"));
    assert!(place("1 input in quarantine") < place("Systems and flows"));
    assert!(page.contains("7 later deliveries wait behind them.") && page.contains("9 min ago"));
}

#[test]
fn a_quiet_hub_says_so() {
    let page = overview::Page::new(operator(Section::Overview), Overview::default(), &Rates::default(), None);
    assert!(page.render().expect("it renders").contains("Nothing needs you"));
}

#[test]
fn a_fragment_is_the_content_without_its_frame() {
    let mut shell = operator(Section::Books);
    shell.viewer.fragment = true;
    let page = books::Page { shell, balance: some_books() }.render().expect("it renders");
    assert!(page.contains("id=\"main\"") && page.contains("id=\"sections\""));
    assert!(!page.contains("<html") && !page.contains("<script"), "{page}");
}

#[test]
fn the_timeline_is_told_newest_first_and_leads_on() {
    let page = object::Page::new(operator(Section::Objects), reference(), known("Inventory counted"), String::new());
    let page = page.render().expect("it renders");
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("`{text}` is missing"));
    assert!(place("through post-inventory-difference") < place("through send-order"));
    assert!(!page.contains("Purchase order released: delivered"), "the badge says it");
    assert!(page.contains("href=\"/events/1203977#d0\""));
    assert!(page.contains("412 ms after the event"));
}

/// Writes every page as a file, for looking at without a hub.
#[test]
#[ignore = "writes files for people"]
fn pages_to_look_at() {
    let Ok(folder) = std::env::var("CONSOLE_PAGES") else { return };
    for (name, page) in pages("ACME Steel & Co. <Hamburg>") {
        let page = page.replace("data-every=\"1000\"", "data-every=\"0\"");
        std::fs::write(format!("{folder}/{name}.html"), page).expect("the folder can be written");
    }
}
