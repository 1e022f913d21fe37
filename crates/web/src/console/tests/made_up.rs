//! Made-up values: a hub at a bad moment.

use lineshaft_engine::conductor::{LiveTask, ProcessDetail, TaskPhase, TaskShown, Wanted};
use lineshaft_store::reading::ProcessRow;
use std::collections::BTreeMap;

use lineshaft_access::{Policies, Principal};
use lineshaft_engine::handle::Preview;
use lineshaft_model::record::{
    AmendedHead, Cause, Disposition, FieldChange, Job, JobOrder, JobState, ReplayOrder,
};
use lineshaft_model::shown::{
    AmendmentRow, Balance, ClassRow, Counted, DeadLetter, DeliveryRow, DestinationBooks, EventDetail,
    EventRow, JobRow, LaneRow, ObjectDetail, ObjectRef, ObjectRow, ObjectSystem, OutcomeRow, Overview,
    PaceRow, Page, QuarantineRow, RawShown, SystemRow, TimelineEntry,
};
use lineshaft_model::{DeliveryId, DeliveryState, Envelope, Millis, OutcomeKind, Position, Priority, Reason};

use crate::access::{Access, Caller, Scope, roles_of};
use crate::console::editor::Editor;
use crate::console::object;
use crate::console::session::Viewer;
use crate::console::shell::{Section, Shell};

pub(super) const NOW: Millis = Millis(1_795_420_800_000);

/// Somebody of a role, under the policies that are shipped.
pub(super) fn caller(roles: Vec<String>, scopes: &[Scope]) -> Caller {
    let access = Access::new(std::path::Path::new("nowhere"), Policies::shipped().unwrap().into(), "main");
    let principal = Principal { name: String::from("night-shift"), roles, ..Principal::default() };
    access.known(principal, scopes.to_vec())
}

pub(super) fn shell(section: Section, scopes: &[Scope]) -> Shell {
    let caller = caller(roles_of(scopes), scopes);
    Shell {
        title: String::from("A page"),
        section,
        viewer: Viewer {
            caller,
            session: String::new(),
            form_token: String::from("0f0e0d0c0b0a09080706050403020100"),
            fragment: false,
        },
        now: NOW,
        dead: 2,
        quarantined: 1,
        stopped: None,
        query: String::new(),
        every_ms: 1_000,
        pulse: "",
    }
}

pub(super) fn operator(section: Section) -> Shell {
    shell(section, &[Scope::Read, Scope::Operate])
}

pub(super) fn ago(ms: i64) -> Millis {
    NOW.plus(-ms)
}

pub(super) fn reason() -> Reason {
    Reason::new("http-refused", "The target answered 422: quantity exceeds what was ordered")
        .at("POST /material-documents")
        .hint("mend the order in the ERP or the count in the warehouse, then retry")
}

pub(super) fn lane(destination: &str, delivered: u64) -> LaneRow {
    LaneRow {
        destination: destination.to_owned(),
        breaker: String::from("closed"),
        in_flight: 2,
        delivered,
        classes: Priority::ALL
            .map(|class| ClassRow {
                class: class.as_str().to_owned(),
                ready: class as u64 * 3,
                beyond: class == Priority::Bulk,
            })
            .into(),
        ..LaneRow::default()
    }
}

pub(super) fn system(name: &str, title: &str, health: &str, lanes: Vec<LaneRow>) -> SystemRow {
    SystemRow {
        name: name.to_owned(),
        title: title.to_owned(),
        connector: String::from("http"),
        health: health.to_owned(),
        paused: (health == "paused").then(|| String::from("stocktaking until six")),
        pace: PaceRow {
            breaker: String::from(if health == "open" { "open" } else { "closed" }),
            probe: (health == "open").then(|| NOW.plus(12_000)),
            forced: (name == "wms").then(|| String::from("it works, whatever its health page says")),
            maintenance_next: (name == "erp").then(|| NOW.plus(26 * 3_600_000)),
            ramp_percent: if name == "erp" { 43 } else { 100 },
            under_way: 2,
            concurrency: 8,
            per_1000_s: 50_000,
            repeats: 10,
            ..PaceRow::default()
        },
        received: 48_211,
        received_per_second_x100: 1_240,
        delivered_per_second_x100: 3_700,
        last_received: Some(ago(800)),
        sources: vec![String::from("orders"), String::from("changes")],
        lanes,
    }
}

pub(super) fn some_systems() -> Vec<SystemRow> {
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

pub(super) fn some_overview() -> Overview {
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

pub(super) fn outcome(kind: OutcomeKind, attempt: u16, ms: i64) -> OutcomeRow {
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
        amendment: None,
    }
}

pub(super) fn delivery(n: u8, state: DeliveryState) -> DeliveryRow {
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
            outcome(
                if state == DeliveryState::Delivered { OutcomeKind::Delivered } else { OutcomeKind::Dead },
                3,
                9 * 60_000,
            ),
        ],
    }
}

pub(super) fn row(position: u64) -> EventRow {
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

pub(super) fn raw(text: &str) -> RawShown {
    RawShown {
        content_type: String::from("application/json"),
        bytes: text.len(),
        text: Some(text.to_owned()),
        base64: None,
    }
}

pub(super) fn json(text: &str) -> Box<serde_json::value::RawValue> {
    serde_json::value::RawValue::from_string(text.to_owned()).expect("it is JSON")
}

pub(super) fn reference() -> ObjectRef {
    ObjectRef { object_type: String::from("purchase-order"), key: String::from("PO-4500012345") }
}

pub(super) fn some_event(text: &str) -> EventDetail {
    EventDetail {
        row: row(1_203_977),
        object: Some(reference()),
        previous: Position(1_198_004),
        data: json(&serde_json::json!({"item": "M-4711", "counted": {"value": "118.50", "unit": "KGM"}, "note": text}).to_string()),
        raw: raw(&format!("{{\"matnr\":\"M-4711\",\"menge\":118.50,\"bem\":\"{text}\"}}")),
        keys: vec![ObjectRef { object_type: String::from("item"), key: String::from("M-4711") }],
        withheld: Vec::new(),
        deliveries: vec![delivery(0, DeliveryState::Dead), delivery(1, DeliveryState::Delivered)],
    }
}

pub(super) fn happening(what: &str, system: &str, title: &str, ms: i64) -> TimelineEntry {
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

pub(super) fn known(text: &str) -> object::Known {
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
            withheld: Vec::new(),
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

pub(super) fn letter(n: u8) -> DeadLetter {
    DeadLetter {
        delivery: delivery(n, DeliveryState::Dead),
        since: ago(9 * 60_000),
        parked: u64::from(n) * 7,
        unknown: n == 2,
        owners: BTreeMap::from([(String::from("business"), String::from("stock-controller"))]),
        overdue: n == 1,
        revision: 1,
        data: None,
        amendments: Vec::new(),
        withheld: Vec::new(),
        proposal: None,
    }
}

/// A dead letter that was edited before, and for which something is proposed.
pub(super) fn edited(text: &str) -> DeadLetter {
    let amendment = AmendmentRow { position: Position(1_204_100), head: amendment_head(text) };
    DeadLetter { revision: 2, amendments: vec![amendment.clone()], proposal: Some(amendment), ..letter(1) }
}

fn amendment_head(text: &str) -> AmendedHead {
    AmendedHead {
        target: String::from("1203977.1"),
        revision: 2,
        previous: Position(1_203_977),
        cause: Cause::Edit,
        actor: String::from("night-shift"),
        reason: text.to_owned(),
        at: ago(60_000),
        changes: changes(text),
        proposed: true,
    }
}

fn changes(text: &str) -> Vec<FieldChange> {
    let change =
        FieldChange { at: text.to_owned(), before: Some(text.to_owned()), after: Some(text.to_owned()) };
    vec![change]
}

pub(super) fn editor(text: &str) -> Editor {
    Editor {
        base: String::from("/dead-letters/1203977.1"),
        action: String::from("/dead-letters/1203977.1/edit"),
        about: "The content.",
        verb: "Resubmit",
        text: text.to_owned(),
        reason: text.to_owned(),
        fields: Some(vec![text.to_owned()]),
        preview: (text.len() > 3).then(|| Preview { changes: changes(text), needs_approval: true }),
        problems: vec![reason()],
    }
}

pub(super) fn job(text: &str) -> JobRow {
    let order =
        ReplayOrder { to: text.to_owned(), condition: Some(text.to_owned()), ..ReplayOrder::default() };
    let job = Job {
        id: Position(1_204_000),
        order: JobOrder::Replay(order),
        actor: text.to_owned(),
        reason: text.to_owned(),
        begun: ago(60_000),
        at: ago(1_000),
        state: JobState::Failed,
        reached: Position(1_203_000),
        letter: None,
        done: 40,
        skipped: 2,
        expected: 90,
        problem: Some(reason()),
    };
    JobRow { position: Position(1_204_090), job }
}

pub(super) fn counted(text: &str) -> Counted {
    Counted {
        matching: 90,
        by: BTreeMap::from([(text.to_owned(), 90)]),
        complete: true,
        ..Counted::default()
    }
}

pub(super) fn refused(text: &str) -> QuarantineRow {
    QuarantineRow {
        position: Position(1_203_501),
        intake: String::from("procurement/confirmations"),
        origin: String::from("line 7"),
        received: ago(3_600_000),
        reasons: vec![reason(), Reason::new("contract-violation", text).at("/lines/0/quantity")],
        event_type: String::from("lineshaft.purchase-order.confirmed.v1"),
        subject: String::from("PO-4500012345"),
        open: true,
        closed: None,
        proposal: None,
        raw: Some(raw(text)),
    }
}

pub(super) fn some_books() -> Balance {
    let counts = lineshaft_model::record::Counts {
        accepted: 48_211,
        duplicate: 112,
        quarantined: 1,
        ..Default::default()
    };
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

/// An instance that is held, with a task of each sort and a question.
pub(super) fn some_process(text: &str) -> ProcessDetail {
    let json = serde_json::to_string(text).unwrap();
    let raw = || serde_json::value::RawValue::from_string(json.clone()).unwrap();
    let task = |name: &str, depth, phase| TaskShown {
        name: name.to_owned(),
        title: text.to_owned(),
        place: format!("/do/0/{name}"),
        kind: "call",
        what: text.to_owned(),
        depth,
        part: String::from("try"),
        undo: true,
        phase,
        runs: 2,
        started: phase.map(|_| ago(9_000)),
        ended: phase.map(|_| ago(4_000)),
    };
    let row = ProcessRow {
        id: String::from("order-release-1"),
        position: Position(7),
        namespace: String::from("plant"),
        name: String::from("order-release"),
        version: String::from("1.0.0"),
        digest: String::from("d"),
        business_key: text.to_owned(),
        phase: String::from("held"),
        ended: false,
        cases: 2,
        started: ago(60_000),
        updated: ago(4_000),
        parent: text.to_owned(),
    };
    let question =
        |kind, key: &str| Wanted { key: key.to_owned(), kind, task: text.to_owned(), about: raw() };
    ProcessDetail {
        row,
        title: text.to_owned(),
        input: raw(),
        context: raw(),
        output: raw(),
        fault: None,
        tasks: vec![
            task("take", 0, Some(TaskPhase::Completed)),
            task("try", 1, Some(TaskPhase::Faulted)),
            task("tell", 0, None),
        ],
        live: vec![LiveTask { key: text.to_owned(), task: String::from("/do/0/try") }],
        questions: vec![question("case", "a"), question("undo", "b"), question("held", "c")],
    }
}
