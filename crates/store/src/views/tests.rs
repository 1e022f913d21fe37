//! The views say what a plain model of their rules says, however the journal is cut into batches.

mod dropping;
mod model;

use std::path::Path;
use std::sync::Arc;

use lineshaft_model::record::RecordKind;
use lineshaft_model::{DeliveryId, OutcomeKind, Position, Priority};
use lineshaft_ports::journal::JournalRead;
use proptest::prelude::*;
use rusqlite::types::Value;

use self::model::Model;
use super::{DeliveryFilter, Projector, Views, ViewsError, schema};
use crate::applied::AppliedRecord;
use crate::applied::held::{DESTINATIONS, Held, Step, journal_of, steps};
use crate::index::{Index, Span};

const JOURNAL: u64 = 42;
const START: DeliveryId = DeliveryId { event: Position::ZERO, n: 0 };

fn open(dir: &Path, held: &Held, journal: u64) -> Result<(Projector, Views), ViewsError> {
    let span = Span { first: Position(1), last: held.end() };
    let index =
        Index::open(&dir.join("index"), journal, &[span], Arc::new(held.clone()), &mut |_| {}).unwrap();
    Projector::open(dir, journal, held.end(), index)
}

/// Every row of every table as text.
fn dump(dir: &Path) -> Vec<String> {
    let connection = schema::reader(&schema::path_of(dir)).unwrap();
    let mut lines = Vec::new();
    for table in schema::ALL_TABLES {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut of_table = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<Value> = (0..columns).map(|column| row.get(column).unwrap()).collect();
            of_table.push(format!("{table}: {values:?}"));
        }
        of_table.sort();
        lines.extend(of_table);
    }
    lines
}

/// Applies a journal in batches of these sizes, in turn; a size of zero closes and opens the views.
fn apply_in(dir: &Path, held: &Held, sizes: &[usize]) -> (Projector, Views) {
    let records = held.records();
    let (mut projector, mut views) = open(dir, held, JOURNAL).unwrap();
    let mut sizes = sizes.iter().cycle();
    let mut at = 0;
    while at < records.len() {
        let size = sizes.next().copied().unwrap_or(1);
        if size == 0 {
            drop(projector);
            (projector, views) = open(dir, held, JOURNAL).unwrap();
            at = projector.applied().0 as usize;
        }
        let to = (at + size.max(1)).min(records.len());
        let batch: Vec<AppliedRecord<'_>> = records[at..to].iter().map(AppliedRecord::from).collect();
        projector.gather(&batch).unwrap();
        if size % 3 != 2 {
            projector.commit().unwrap();
        }
        at = to;
    }
    projector.commit().unwrap();
    (projector, views)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_cut_into_batches_gives_the_same_views(
        steps in steps(200), sizes in proptest::collection::vec(0usize..40, 1..8),
    ) {
        let held = journal_of(&steps);
        let [one_by_one, at_once, cut] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        drop(apply_in(one_by_one.path(), &held, &[1]));
        drop(apply_in(at_once.path(), &held, &[usize::MAX / 2]));
        let (mut projector, views) = apply_in(cut.path(), &held, &sizes);
        let wanted = dump(one_by_one.path());
        prop_assert_eq!(&dump(at_once.path()), &wanted);
        prop_assert_eq!(&dump(cut.path()), &wanted);
        projector.rebuild(&held, &mut |_| {}).unwrap();
        prop_assert_eq!(&dump(cut.path()), &wanted);
        prop_assert_eq!(views.applied(), held.end());
    }

    #[test]
    fn the_views_say_what_the_model_says(
        steps in steps(240), sizes in proptest::collection::vec(1usize..60, 1..4),
    ) {
        let held = journal_of(&steps);
        let dir = tempfile::tempdir().unwrap();
        let (_projector, views) = apply_in(dir.path(), &held, &sizes);
        let model = Model::of(&held.records());

        let balance = views.balance(held.end()).unwrap();
        prop_assert!(balance.balanced, "{:?}", balance);
        prop_assert_eq!(&balance.inputs, &model.inputs);
        prop_assert_eq!(views.counts(), model.counts());
        prop_assert_eq!(views.quarantined(), model.quarantine.values().filter(|open| **open).count() as u64);
        for destination in DESTINATIONS {
            for class in Priority::ALL {
                let rows = views.runnable(destination, class, START, 1000).unwrap();
                prop_assert_eq!(model::of_rows(&rows), model.runnable(destination, class));
                if let Some(first) = rows.first() {
                    let after = views.runnable(destination, class, first.delivery, 1000).unwrap();
                    prop_assert_eq!(&after[..], &rows[1..]);
                }
            }
            prop_assert_eq!(views.parked_keys(destination).unwrap().len(), model.held_orders(destination).len());
            for order in model.orders(destination) {
                let rows = views.of_order(destination, order, START, 1000).unwrap();
                prop_assert_eq!(model::of_rows(&rows), model.of_order(destination, order));
                prop_assert_eq!(
                    views.is_parked(destination, order).unwrap(),
                    model.held_orders(destination).contains(&order)
                );
            }
            let all = DeliveryFilter { destination: Some(destination.into()), state: None };
            let mut rows = model::of_rows(&views.deliveries(&all, None, 1000).unwrap());
            rows.reverse();
            prop_assert_eq!(rows, model.unfinished_at(destination));
        }
        let mut dead = model::of_rows(&views.dead(None, true, None, 1000).unwrap());
        dead.sort_by_key(|told| told.0);
        prop_assert_eq!(dead, model.dead());
        prop_assert_eq!(views.oldest_unfinished().unwrap(), model.deliveries.keys().next().map(|id| id.event));
        for ((object_type, key), object) in &model.objects {
            let head = views.object_head("main", object_type, key).unwrap().unwrap();
            let row = views.object_row("main", object_type, key).unwrap().unwrap();
            let told = (head.position, head.changed, head.since, head.revision, row.status);
            prop_assert_eq!(told, object.clone(), "{} {}", object_type, key);
        }
        prop_assert_eq!(views.tokens("wms/0").unwrap(), model.tokens.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(views.paused().unwrap(), model.paused);
        let live: Vec<String> = views.live_processes("", 99).unwrap().into_iter().map(|row| row.id).collect();
        let told = model.processes.iter().filter(|(_, (_, ended))| !ended).map(|(id, _)| id.clone());
        prop_assert_eq!(live, told.collect::<Vec<_>>());
        for (id, (phase, _)) in &model.processes {
            prop_assert_eq!(&views.process(id).unwrap().unwrap().phase, phase);
        }
        prop_assert_eq!(&views.breakers().unwrap(), &model.breakers);
        for ((object_type, key, system), foreign) in &model.references {
            let told = views.foreign("main", object_type, key, system).unwrap();
            prop_assert_eq!(told.as_ref(), Some(foreign));
            prop_assert!(views.canonical("main", object_type, system, foreign).unwrap().is_some());
        }
        let open: Vec<_> = views.quarantine(false, Position(u64::MAX), 1000).unwrap();
        let told: Vec<(Position, bool)> = open.iter().rev().map(|entry| (entry.position, entry.open)).collect();
        prop_assert_eq!(told, model.quarantine.into_iter().collect::<Vec<_>>());
    }
}

fn some_journal() -> Held {
    let event = |object| Step::Event {
        of_type: 0,
        object,
        disposition: lineshaft_model::record::Disposition::Accepted,
        revision: 1,
        data: 0,
        owed: vec![(0, true), (1, false)],
    };
    let dead = Step::Outcome { which: 1, kind: OutcomeKind::Dead, foreign: false };
    journal_of(&[event(1), dead, event(1), event(2)])
}

#[test]
fn a_dead_letter_holds_its_order_until_it_is_retried() {
    let held = some_journal();
    let dir = tempfile::tempdir().unwrap();
    let (mut projector, views) = apply_in(dir.path(), &held, &[9]);
    let letter = views.dead(Some("erp.post"), true, None, 9).unwrap().pop().unwrap();
    assert_eq!(letter.delivery, DeliveryId { event: Position(1), n: 0 });
    assert_eq!(views.parked_behind("erp.post", letter.order).unwrap(), 1);
    assert_eq!(views.runnable("erp.post", Priority::Normal, START, 9).unwrap().len(), 0);

    held.outcome(&crate::applied::held::outcome_of(
        letter.delivery,
        OutcomeKind::Retried,
        lineshaft_model::Millis(99),
        None,
    ));
    let records = held.records();
    projector.apply(&[AppliedRecord::from(&records[4])]).unwrap();
    let runnable = views.runnable("erp.post", Priority::Normal, START, 9).unwrap();
    assert_eq!(runnable.iter().map(|row| row.delivery.event.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((runnable[0].attempts, runnable[0].since.0), (letter.attempts, 99));
}

#[test]
fn views_of_another_journal_are_refused_and_kept() {
    let held = some_journal();
    let dir = tempfile::tempdir().unwrap();
    drop(apply_in(dir.path(), &held, &[9]));
    let before = dump(dir.path());
    let error = open(dir.path(), &held, JOURNAL + 1).unwrap_err();
    assert!(matches!(error, ViewsError::OtherJournal { found: JOURNAL, .. }), "{error}");
    assert_eq!(error.reason().code, "views-other-journal");
    assert_eq!(dump(dir.path()), before);
}

#[test]
fn looking_for_views_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Views::applied_in(dir.path()), None);
    assert!(!schema::path_of(dir.path()).exists());
}

fn run(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn views_that_cannot_be_used_are_computed_again() {
    let held = some_journal();
    let spoil: [fn(&Path); 4] = [
        |path| run(path, "UPDATE meta SET version = 0"),
        |path| run(path, "UPDATE meta SET applied = 999"),
        |path| std::fs::write(path, vec![0x5a; 50_000]).unwrap(),
        |path| std::fs::write(path, b"").unwrap(),
    ];
    for spoil in spoil {
        let dir = tempfile::tempdir().unwrap();
        drop(apply_in(dir.path(), &held, &[9]));
        let before = dump(dir.path());
        assert_eq!(Views::applied_in(dir.path()), Some(held.end()));
        spoil(&schema::path_of(dir.path()));
        assert!(Views::applied_in(dir.path()).is_none_or(|applied| applied == Position(999)));
        let (mut projector, _) = open(dir.path(), &held, JOURNAL).unwrap();
        assert_eq!(projector.applied(), Position::ZERO);
        projector.catch_up(&held, &mut |_| {}).unwrap();
        assert_eq!(dump(dir.path()), before);
    }
}

#[test]
fn a_gap_stops_the_projector_and_leaves_the_views_as_committed() {
    let held = some_journal();
    let dir = tempfile::tempdir().unwrap();
    let (mut projector, views) = open(dir.path(), &held, JOURNAL).unwrap();
    let records = held.records();
    projector.apply(&[AppliedRecord::from(&records[0])]).unwrap();
    let error = projector.apply(&[AppliedRecord::from(&records[2])]).unwrap_err();
    assert!(matches!(error, ViewsError::Gap { wanted: Position(2), given: Position(3) }));
    assert!(matches!(projector.commit(), Err(ViewsError::Stopped)));
    assert_eq!(views.applied(), Position(1));
}

#[test]
fn records_gathered_but_not_committed_are_gathered_again_after_a_restart() {
    let held = some_journal();
    let dir = tempfile::tempdir().unwrap();
    let records = held.records();
    let borrowed: Vec<AppliedRecord<'_>> = records.iter().map(AppliedRecord::from).collect();
    let (mut projector, _) = open(dir.path(), &held, JOURNAL).unwrap();
    projector.apply(&borrowed[..1]).unwrap();
    // The dead letter and what follows it have written rows in the open transaction.
    projector.gather(&borrowed[1..]).unwrap();
    drop(projector);
    let (mut projector, views) = open(dir.path(), &held, JOURNAL).unwrap();
    assert_eq!((projector.applied(), views.counts()[1].dead), (Position(1), 0));
    projector.catch_up(&held, &mut |_| {}).unwrap();
    assert_eq!(views.counts()[1].dead, 1);
    assert_eq!(records[1].kind, RecordKind::Outcome as u8);
}
