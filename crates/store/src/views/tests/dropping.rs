//! What is dropped is not missed: views made from what is kept say what views say that saw everything.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use lineshaft_model::record::{Action, Carried, JsonPayload, RecordKind, Token};
use lineshaft_model::{Millis, OutcomeKind, Position};
use lineshaft_ports::journal::JournalRead;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{JOURNAL, open, some_journal};
use crate::applied::held::{Held, Step, outcome_of, steps};
use crate::index::{Index, Span};
use crate::reading::{Carry, Reading, Sweep};
use crate::views::{DeliveryFilter, Projector, Views, schema};

/// Everything the views say, with names instead of the numbers that stand for them, and without where they began.
fn told(dir: &Path) -> Vec<String> {
    let connection = schema::reader(&schema::path_of(dir)).unwrap();
    let name = |column: &str| format!("(SELECT text FROM names WHERE id = {column})");
    let kind = "(SELECT t.text || ' ' || o.text FROM kinds k JOIN names t ON t.id = k.tenant JOIN names o ON o.id = k.type
                 WHERE k.id = kind)";
    let (event_type, system, intake) = (name("event_type"), name("system"), name("intake"));
    let (destination, route) = (name("destination"), name("route"));
    let queries = [
        "SELECT 'meta', applied, quarantined, dropped FROM meta".to_owned(),
        format!(
            "SELECT 'objects', {kind}, key, position, changed, since, revision, {event_type}, {system}, updated, hash, status,
             site, partners FROM objects"
        ),
        format!(
            "SELECT 'deliveries', id, {destination}, shelf, ord, state, class, share, parks, {route}, attempts, due, since, settled,
             outcome FROM deliveries"
        ),
        format!("SELECT 'discarded', id, {destination} FROM discarded"),
        format!("SELECT 'holds', {destination}, ord, dead, parked FROM holds"),
        format!(
            "SELECT 'destinations', {destination}, routed, delivered, discarded, pending, retrying, parked, dead, unknown
             FROM destinations"
        ),
        format!("SELECT 'inputs', {intake}, accepted, stale, echo, duplicate, quarantined FROM inputs"),
        format!("SELECT 'quarantine', position, {intake}, subject, open FROM quarantine"),
        format!("SELECT 'tokens', {intake}, part, token, position FROM tokens"),
        format!("SELECT 'refs', {kind}, key, {system}, foreign_key, position, told FROM refs"),
        "SELECT 'paused', system, reason, actor, at, position FROM paused".to_owned(),
        "SELECT 'breakers', system, breaker, reason, actor, at, position FROM breakers".to_owned(),
        "SELECT 'configurations', position, digest, cause, at FROM configurations".to_owned(),
        "SELECT 'processes', id, position, digest, phase, ended, updated FROM processes".to_owned(),
        "SELECT 'definitions', digest, position FROM definitions".to_owned(),
    ];
    let mut lines = Vec::new();
    for query in queries {
        let mut statement = connection.prepare(&query).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut of_table = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let value = |column| row.get::<_, rusqlite::types::Value>(column).unwrap();
            of_table.push(format!("{:?}", (0..columns).map(value).collect::<Vec<_>>()));
        }
        of_table.sort();
        lines.extend(of_table);
    }
    lines
}

/// Live views over a held journal that is cut into segments of so many records, and drops them.
struct Live {
    held: Held,
    reading: Reading,
    views: Views,
    projector: Projector,
    dir: tempfile::TempDir,
}

impl Live {
    fn over(held: Held) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal: Arc<dyn JournalRead> = Arc::new(held.clone());
        let span = Span { first: Position(1), last: held.end() };
        let index =
            Index::open(&dir.path().join("index"), JOURNAL, &[span], Arc::clone(&journal), &mut |_| {})
                .unwrap();
        let (mut projector, views) = Projector::open(dir.path(), JOURNAL, held.end(), index.clone()).unwrap();
        projector.catch_up(&held, &mut |_| {}).unwrap();
        let reading = Reading::new(journal, views.clone(), index);
        Self { held, reading, views, projector, dir }
    }

    /// Writes again what is asked for, as the recorder does that finds nothing changed.
    fn write(&mut self, carries: Vec<Carry>) {
        for carry in carries {
            let mut payload = Vec::new();
            let kind = match carry {
                Carry::Object(carried) => {
                    carried.encode(&mut payload);
                    RecordKind::Carried
                }
                Carry::Token(token) => {
                    token.encode(&mut payload);
                    RecordKind::Token
                }
                Carry::Pause(action) => {
                    action.encode(&mut payload);
                    RecordKind::Action
                }
                Carry::Configured(configured) => {
                    configured.encode(&mut payload);
                    RecordKind::Configured
                }
                Carry::Process(_, recorded) => {
                    payload.extend_from_slice(&recorded);
                    RecordKind::Step
                }
                Carry::Definition(recorded) => {
                    payload.extend_from_slice(&recorded);
                    RecordKind::Defined
                }
                Carry::Dropped(dropped) => {
                    dropped.encode(&mut payload);
                    RecordKind::Dropped
                }
            };
            self.held.push(kind, payload);
        }
        self.projector.catch_up(&self.held, &mut |_| {}).unwrap();
    }

    /// Carries forward what must live of the oldest records up to one of them; `false` when that is held back.
    fn carry(&mut self, last: Position) -> bool {
        if self.views.held_back().unwrap().is_some_and(|(held, _)| held <= last) {
            return false;
        }
        let mut sweep = Sweep::new(Span { first: self.held.first(), last });
        while let Some(step) = self.reading.sweep(&mut sweep).unwrap() {
            for round in 0.. {
                assert!(round < 100, "the same is carried again and again");
                let carries = self.reading.carries(&step, sweep.keep()).unwrap();
                if carries.is_empty() {
                    break;
                }
                self.write(carries);
            }
        }
        let sums = self.reading.sums_of(sweep).unwrap();
        self.write(vec![Carry::Dropped(sums)]);
        true
    }

    /// Ends what holds back the records up to one of them.
    fn finish_upto(&mut self, last: Position, at: usize) {
        let at = Millis(1_000 + at as i64 * 10);
        for row in self.views.deliveries(&DeliveryFilter::default(), None, 10_000).unwrap() {
            if row.delivery.event <= last {
                let kind = if at.0 % 3 == 0 { OutcomeKind::Discarded } else { OutcomeKind::Delivered };
                let foreign = (row.delivery.n == 0).then(|| format!("F{}", row.delivery.event.0 % 3));
                self.held.outcome(&outcome_of(row.delivery, kind, at, foreign));
            }
        }
        for refused in self.views.quarantine(true, last.next(), 10_000).unwrap() {
            let action = Action {
                actor: "kim".into(),
                action: "quarantine.discard".into(),
                target: refused.position.to_string(),
                reason: "done".into(),
                at,
                events: Vec::new(),
            };
            let mut payload = Vec::new();
            action.encode(&mut payload);
            self.held.push(RecordKind::Action, payload);
        }
        self.projector.catch_up(&self.held, &mut |_| {}).unwrap();
    }

    fn told(&self) -> Vec<String> {
        told(self.dir.path())
    }

    /// What only one of both says: views made from what is kept, and the live ones.
    fn difference(&self) -> (Vec<String>, Vec<String>) {
        let (mut kept, mut live) = (self.told_by_what_is_kept(), self.told());
        let both: Vec<String> = kept.iter().filter(|line| live.contains(line)).cloned().collect();
        kept.retain(|line| !both.contains(line));
        live.retain(|line| !both.contains(line));
        (kept, live)
    }

    /// What views say that are made from what is kept.
    fn told_by_what_is_kept(&self) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let (mut projector, _) = open_kept(dir.path(), &self.held);
        projector.catch_up(&self.held, &mut |_| {}).unwrap();
        told(dir.path())
    }
}

fn open_kept(dir: &Path, held: &Held) -> (Projector, Views) {
    let span = Span { first: held.first(), last: held.end() };
    let journal = Arc::new(held.clone());
    let index = Index::open(&dir.join("index"), JOURNAL, &[span], journal, &mut |_| {}).unwrap();
    Projector::open(dir, JOURNAL, held.end(), index).unwrap()
}

/// What every object is, in full.
fn objects(live: &Live) -> Vec<String> {
    let mut shown = Vec::new();
    for object_type in live.views.object_types("main") {
        for n in 0..5 {
            let key = format!("K{n}");
            if let Some(mut object) = live.reading.object("main", &object_type, &key, None).unwrap() {
                // An object that is written again stands at another record.
                object.row.position = Position::ZERO;
                shown.push(serde_json::to_string(&object).unwrap());
            }
        }
    }
    shown
}

/// Plays a history in parts, and after each drops a share of what is kept, once or twice finishing what holds it. Gives how often
/// records were dropped.
fn play(parts: &[(Vec<Step>, u64, bool)]) -> Result<usize, TestCaseError> {
    let mut live = Live::over(crate::applied::held::journal_of(&[]));
    let (mut played, mut dropped) = (0, 0);
    for (steps, share, finishes) in parts {
        crate::applied::held::extend(&live.held, played, steps);
        played += steps.len();
        live.projector.catch_up(&live.held, &mut |_| {}).unwrap();
        let (first, end) = (live.held.first().0, live.held.end().0);
        if end <= first {
            continue;
        }
        let last = Position(first + (end - first) * share / 50);
        if *finishes {
            live.finish_upto(last, played);
        }
        let before = objects(&live);
        if !live.carry(last) {
            continue;
        }
        prop_assert_eq!(objects(&live), before.clone(), "carrying changes no object");
        live.held.drop_upto(last);
        dropped += 1;
        prop_assert_eq!(objects(&live), before, "dropping changes no object");
        prop_assert_eq!(live.difference(), (vec![], vec![]), "only made from what is kept, only live");
        prop_assert!(live.views.balance(live.held.end()).unwrap().balanced);
    }
    Ok(dropped)
}

#[test]
fn views_made_from_what_is_kept_say_what_the_live_ones_say() {
    let parts = proptest::collection::vec((steps(60), 1u64..50, proptest::bool::weighted(0.8)), 1..6);
    let (dropped, again) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(60));
    let played = runner.run(&parts, |parts| {
        let times = play(&parts)?;
        dropped.set(dropped.get() + times);
        again.set(again.get() + usize::from(times > 2));
        Ok(())
    });
    if let Err(error) = played {
        panic!("{error}");
    }
    // A history of which nothing is dropped proves nothing, nor does one of which nothing is carried a second time.
    assert!(dropped.get() > 60 && again.get() > 10, "{} dropped, {} again", dropped.get(), again.get());
}

#[test]
fn an_unfinished_delivery_holds_its_event() {
    let mut live = Live::over(some_journal());
    assert!(!live.carry(Position(1)), "its deliveries are dead and pending");
    let letter = live.views.dead(Some("erp.post"), true, None, 9).unwrap().pop().unwrap();
    live.held.outcome(&outcome_of(letter.delivery, OutcomeKind::Discarded, Millis(99), None));
    let other = lineshaft_model::DeliveryId { event: Position(1), n: 1 };
    live.held.outcome(&outcome_of(other, OutcomeKind::Delivered, Millis(99), None));
    live.projector.catch_up(&live.held, &mut |_| {}).unwrap();
    assert!(live.carry(Position(2)));
    assert_eq!(live.views.dropped(), Position(2));
    let before = live.told();
    live.held.drop_upto(Position(2));
    assert_eq!(live.told_by_what_is_kept(), before);
    let erp = live.views.counts().into_iter().find(|counts| counts.destination == "erp.post").unwrap();
    assert_eq!((erp.routed, erp.discarded), (3, 1));
}

#[test]
fn sums_written_twice_count_once() {
    let mut live = Live::over(some_journal());
    for (event, n) in [(1, 0), (1, 1), (3, 0), (3, 1), (4, 0), (4, 1)] {
        let delivery = lineshaft_model::DeliveryId { event: Position(event), n };
        live.held.outcome(&outcome_of(delivery, OutcomeKind::Delivered, Millis(99), None));
    }
    live.projector.catch_up(&live.held, &mut |_| {}).unwrap();
    // A process that was killed before the records went writes the sums again.
    assert!(live.carry(Position(3)));
    let twice = live.held.records().last().unwrap().clone();
    live.held.push(RecordKind::Dropped, twice.payload.to_vec());
    live.projector.catch_up(&live.held, &mut |_| {}).unwrap();
    live.held.drop_upto(Position(3));
    assert_eq!(live.told_by_what_is_kept(), live.told());
    // And both are carried with what is dropped next.
    let end = live.held.end();
    live.held.push(RecordKind::Token, {
        let mut payload = Vec::new();
        Token { intake: "wms/0".into(), part: "a".into(), token: "1".into() }.encode(&mut payload);
        payload
    });
    live.projector.catch_up(&live.held, &mut |_| {}).unwrap();
    assert!(live.carry(end));
    live.held.drop_upto(end);
    assert_eq!(live.told_by_what_is_kept(), live.told());
}

#[test]
fn views_that_miss_what_was_dropped_are_made_anew() {
    let mut live = Live::over(some_journal());
    for (event, n) in [(1, 0), (1, 1), (3, 0), (3, 1), (4, 0), (4, 1)] {
        let delivery = lineshaft_model::DeliveryId { event: Position(event), n };
        live.held.outcome(&outcome_of(delivery, OutcomeKind::Delivered, Millis(99), None));
    }
    // A power cut may take the views back to any position.
    let behind = tempfile::tempdir().unwrap();
    let (mut projector, _) = open(behind.path(), &live.held, JOURNAL).unwrap();
    let records = live.held.records();
    projector.apply(&[crate::applied::AppliedRecord::from(&records[0])]).unwrap();
    drop(projector);
    live.projector.catch_up(&live.held, &mut |_| {}).unwrap();
    assert!(live.carry(Position(4)));
    live.held.drop_upto(Position(4));
    let (mut projector, views) = open_kept(behind.path(), &live.held);
    assert_eq!(views.applied(), Position(1));
    projector.catch_up(&live.held, &mut |_| {}).unwrap();
    assert_eq!(told(behind.path()), live.told());
}

#[test]
fn an_object_written_again_is_found_by_its_number_and_goes_on() {
    let mut live = Live::over(some_journal());
    for (event, n) in [(1, 0), (1, 1), (3, 0), (3, 1), (4, 0), (4, 1)] {
        let delivery = lineshaft_model::DeliveryId { event: Position(event), n };
        live.held.outcome(&outcome_of(delivery, OutcomeKind::Delivered, Millis(99), None));
    }
    live.projector.catch_up(&live.held, &mut |_| {}).unwrap();
    let before = objects(&live);
    assert!(live.carry(Position(4)));
    live.held.drop_upto(Position(4));
    assert_eq!(objects(&live), before);
    let hits = live.reading.search("main", "K1", 9).unwrap();
    assert_eq!(hits.iter().map(|hit| (&*hit.object.key, hit.held)).collect::<Vec<_>>(), [("K1", true)]);
    let head = live.views.object_head("main", "purchase-order", "K1").unwrap().unwrap();
    let record = live.held.get(head.position).unwrap().unwrap();
    let (carried, _) = Carried::decode(&record.payload).unwrap();
    assert_eq!(carried.state.unwrap().owed, ["aps", "erp"]);
    let history = live.reading.history("main", "purchase-order", "K1", None, 9).unwrap().unwrap();
    assert!(history.items.is_empty() && history.next.is_none());
    assert!(live.reading.timeline("main", "purchase-order", "K1", 9).unwrap().is_some());
    assert!(live.reading.object_systems("main", "purchase-order", "K1").unwrap().is_some());
}
