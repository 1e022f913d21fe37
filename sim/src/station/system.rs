//! A system: its state behind one lock, changed by requests, by the plan and by its own agenda.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::clock::ScenarioClock;
use crate::station::Station;
use crate::station::agenda::Agenda;
use crate::station::answer::Answer;
use crate::station::delivery::Delivery;
use crate::station::ledger::{Ledger, Seen};
use crate::station::outbox::Document;
use crate::story::Note;

/// What is particular to one kind of system. Nothing here waits.
pub(crate) trait Simulated: Send + 'static {
    /// What it does later by itself.
    type Todo: Send + 'static;

    fn perform(&mut self, todo: Self::Todo, desk: &mut Desk<'_, Self::Todo>);

    /// A part of the state for people and tests: `GET /sim/state/{what}`; an empty `what` lists the parts.
    fn view(&self, what: &str) -> Option<Value>;
}

#[derive(Debug)]
pub(crate) struct System<S: Simulated> {
    pub(crate) station: Arc<Station>,
    pub(crate) state: Mutex<S>,
    agenda: Agenda<S::Todo>,
}

/// Where a change puts what it causes. It all takes effect when the change is done, or not at all when it is refused.
pub(crate) struct Desk<'a, T> {
    pub(crate) clock: &'a ScenarioClock,
    ledger: &'a mut Ledger,
    documents: Vec<Document>,
    todos: Vec<(u64, T)>,
    notes: Vec<Note>,
}

impl<T> Desk<'_, T> {
    /// Counts an effect; true if it is the first of its kind.
    pub(crate) fn effect(
        &mut self,
        operation: &'static str,
        business_id: &str,
        revision: Option<u64>,
    ) -> bool {
        self.ledger.record(operation, business_id, revision)
    }

    /// Checks an object's revision; true if it is newer than all before.
    pub(crate) fn in_order(&mut self, kind: &'static str, business_key: &str, revision: u64) -> bool {
        self.ledger.in_order(kind, business_key, revision)
    }

    /// Sends a document to the hub, in order with all others of the same key, until it is acknowledged.
    pub(crate) fn send(&mut self, document: Document) {
        self.documents.push(document);
    }

    /// Puts something on the agenda, some scenario milliseconds from now.
    pub(crate) fn later(&mut self, scenario_ms: u64, todo: T) {
        self.todos.push((scenario_ms, todo));
    }

    /// Tells the story board.
    pub(crate) fn note(&mut self, note: Note) {
        self.notes.push(note);
    }
}

impl<S: Simulated> System<S> {
    pub(crate) fn new(station: Arc<Station>, state: S) -> Arc<Self> {
        Arc::new(Self { station, state: Mutex::new(state), agenda: Agenda::default() })
    }

    /// A change that nobody asked for over HTTP: the plan or the agenda.
    pub(crate) fn perform(&self, act: impl FnOnce(&mut S, &mut Desk<'_, S::Todo>)) {
        let mut state = self.state.lock();
        let mut ledger = self.station.ledger.lock();
        let mut desk = self.desk(&mut ledger);
        act(&mut state, &mut desk);
        self.commit(desk);
    }

    /// A change the hub asked for: once per idempotency key, however often it is asked.
    pub(crate) fn once(
        &self,
        operation: &'static str,
        delivery: &Delivery,
        act: impl FnOnce(&mut S, &mut Desk<'_, S::Todo>) -> Result<Answer, Answer>,
    ) -> Answer {
        let mut state = self.state.lock();
        let mut ledger = self.station.ledger.lock();
        match ledger.look_up(delivery.key.as_deref(), operation, delivery.fingerprint) {
            Seen::Before(answer) => return answer,
            Seen::Conflict => {
                return Answer::refused(422, "this Idempotency-Key was used for another request");
            }
            Seen::New => {}
        }
        let mut desk = self.desk(&mut ledger);
        let answer = match act(&mut state, &mut desk) {
            Ok(answer) => {
                self.commit(desk);
                answer
            }
            Err(refusal) => refusal,
        };
        ledger.keep(delivery.key.as_deref(), operation, delivery.fingerprint, &answer);
        answer
    }

    fn desk<'a>(&'a self, ledger: &'a mut Ledger) -> Desk<'a, S::Todo> {
        Desk {
            clock: &self.station.clock,
            ledger,
            documents: Vec::new(),
            todos: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn commit(&self, desk: Desk<'_, S::Todo>) {
        for document in desk.documents {
            self.station.outbox.push(document);
        }
        for (scenario_ms, todo) in desk.todos {
            self.agenda.put(tokio::time::Instant::now() + self.station.clock.wall_span(scenario_ms), todo);
        }
        for note in desk.notes {
            self.station.story.note(self.station.clock.wall(), &note);
        }
    }

    /// Works the agenda until stopped.
    pub(crate) async fn work(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                todo = self.agenda.next() => self.perform(|state, desk| state.perform(todo, desk)),
            }
        }
    }

    /// Drops the agenda, so that nothing new comes of what happened.
    pub(crate) fn rest(&self) {
        self.agenda.close();
    }
}
