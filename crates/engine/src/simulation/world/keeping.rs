//! Worlds whose journal keeps only so much: the keeper's steps, and what must hold of what is kept.

use std::sync::Arc;

use lineshaft_model::Position;
use lineshaft_store::index::{Index, Span};
use lineshaft_store::reading::Reading;
use lineshaft_store::views::Projector;
use rand::Rng;
use tokio::sync::oneshot;

use super::{SUBJECTS, Seen, World, settle};
use crate::clock::Clock;
use crate::keeper::Step;
use crate::work::Work;

impl World {
    /// Lets the keeper do all that is due, in a process that may die after each of its steps.
    pub(super) async fn keep_to_the_end(&mut self) {
        let mut rested = 0;
        while rested < 3 {
            rested = if self.keep() { rested + 1 } else { 0 };
            self.commit();
            match self.rng.random_range(0..20) {
                0 => self.kill(),
                1 => self.cut_power(),
                2..6 => {}
                _ => self.apply(),
            }
            settle().await;
            self.listen();
            assert_eq!(*self.fatal.lock(), None);
        }
    }

    /// One step of the keeper, or of waiting for what it asked for; says whether nothing is to be done.
    pub(super) fn keep(&mut self) -> bool {
        if self.keeps_bytes.is_none() {
            return true;
        }
        self.look_at_the_journal();
        let Some(process) = &mut self.process else { return false };
        if let Some(waits) = &mut process.keeper_waits {
            match waits.try_recv() {
                Ok(end) if process.shared.views.applied() < end => {
                    // Durable; the views follow later.
                    let (tell, told) = oneshot::channel();
                    tell.send(end).unwrap();
                    *waits = told;
                    return false;
                }
                Err(oneshot::error::TryRecvError::Empty) => return false,
                _ => process.keeper_waits = None,
            }
        }
        let (reply, answer) = oneshot::channel();
        let work = match process.keeper.step(self.clock.now()).unwrap() {
            Step::Rest => return process.shared.views.applied() == process.shared.records.end(),
            Step::Carry(carries, asked) => {
                self.happened.carried += carries.len() as u64;
                Work::Carry { carries, asked, reply }
            }
            Step::Drop(keep) => {
                self.happened.dropped += 1;
                process.keeper.dropped(process.shared.records.first()).unwrap();
                Work::Drop { keep, reply }
            }
        };
        if process.work.try_send(work).is_ok() {
            process.keeper_waits = Some(answer);
        }
        false
    }

    /// Remembers every event, before any is dropped.
    pub(super) fn look_at_the_journal(&mut self) {
        let Some(process) = &self.process else { return };
        let mut records = process.shared.records.read_from(Position::ZERO).unwrap();
        while let Some(record) = records.next().transpose().unwrap() {
            if record.kind == lineshaft_model::record::RecordKind::Event as u8 {
                let event = lineshaft_model::record::EventRecord::decode(&record.payload).unwrap();
                let (id, subject) = (event.id.to_owned(), event.subject.to_owned());
                self.seen
                    .insert(record.position, Seen { id, subject, owed: usize::from(event.owed_count()) });
            }
        }
    }

    /// Whether an event's id may be dropped before it comes again: a target that keeps no key would then see it twice.
    pub(super) fn may_be_forgotten(&self, id: &str) -> bool {
        let Some(process) = &self.process else { return true };
        let open = process.shared.records.segments().last().map(|open| open.first).unwrap_or_default();
        let is_known = |at: Position| {
            process.shared.reading.event_row(at).unwrap().is_some_and(|row| row.envelope.id == id)
        };
        !(open.0..=process.shared.records.end().0).any(|at| is_known(Position(at)))
    }

    /// Views made from what is kept say what the live ones say.
    pub(super) fn judge_what_is_kept(&mut self) {
        let process = self.process.as_ref().unwrap();
        let told = |reading: &Reading, views: &lineshaft_store::views::Views| {
            let mut told = vec![format!("{:?}", views.balance(Position::ZERO).unwrap())];
            for n in 0..SUBJECTS {
                let object = reading.object("main", "item", &format!("ITEM-{n}"), None).unwrap();
                told.push(serde_json::to_string(&object).unwrap());
            }
            told
        };
        let records = Arc::clone(&process.shared.records);
        let span = Span { first: records.first(), last: records.end() };
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let index = Index::open(&path("i"), 7, &[span], Arc::clone(&records), &mut |_| {}).unwrap();
        let (mut projector, views) = Projector::open(&path("v"), 7, records.end(), index.clone()).unwrap();
        projector.catch_up(&*records, &mut |_| {}).unwrap();
        let kept = told(&Reading::new(records, views.clone(), index), &views);
        assert_eq!(kept, told(process.handle.reading(), &process.shared.views));
    }
}
