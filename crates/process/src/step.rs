//! One step: a definition, a state, what occurred and the time in; the next state and what is wanted of the world out.
//!
//! ```text
//! start ──► walk the tasks until each waits ──► state + commands
//! step  ──► find who waits for what occurred ──► walk on from there ──► state + commands
//! ```
//!
//! Nothing here reads a clock, draws a number or keeps anything between steps: the same state, occurrence and time give the
//! same outcome. Which commands are new is what the new state waits for and the old one did not.

mod attempt;
mod calls;
mod listen;
mod scope;
mod tasks;
mod undo;
mod walk;

use std::collections::BTreeMap;

use lineshaft_model::Millis;

use crate::definition::{Definition, OnFault};
use crate::doc::Doc;
use crate::effect::{Command, Want};
use crate::fault::{Fault, Standard};
use crate::occurrence::Occurrence;
use crate::state::{Ending, Phase, Root, STATE_VERSION, State, TaskPhase};

use scope::Names;
use walk::{Listed, Walk};

pub(crate) use listen::{Heard, hear};
pub(crate) use scope::Plain;

/// What a step gave.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The state to go on from.
    pub state: State,
    /// Whether anything changed; if not, there is nothing to write down.
    pub changed: bool,
    /// What to do, in order.
    pub commands: Vec<Command>,
    /// What tasks did, in order.
    pub marks: Vec<Mark>,
}

/// Something a task did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its place in the definition.
    pub task: String,
    /// Its name in the instance.
    pub key: String,
    /// What it became.
    pub phase: TaskPhase,
}

/// How an instance begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The instance: unique, and part of the key of every effect.
    pub id: String,
    /// What it is given.
    pub input: Doc,
    /// The instance that waits for it, and the key it waits under.
    pub parent: Option<(String, String)>,
    /// The position of the event that started it; zero for none.
    pub seen: u64,
}

/// Begins an instance and goes on until every task of it waits.
#[must_use]
pub fn start(definition: &Definition, start: Start, now: Millis) -> Outcome {
    let state = State {
        v: STATE_VERSION,
        id: start.id,
        process: definition.name.clone(),
        business_key: String::new(),
        parent: start.parent,
        started: now,
        now,
        ended: None,
        phase: Phase::Running,
        input: start.input,
        context: Doc::empty(),
        output: Doc::null(),
        fault: None,
        seen: start.seen,
        steps: 0,
        root: None,
        undo: Vec::new(),
        undoing: None,
        ending: None,
        trail: BTreeMap::new(),
    };
    advance(definition, &BTreeMap::new(), state, now, |walk, state| {
        walk.begin(state);
        true
    })
}

/// Takes one step. An occurrence nobody waits for changes nothing.
#[must_use]
pub fn step(definition: &Definition, state: &State, occurrence: &Occurrence, now: Millis) -> Outcome {
    let next = state.clone();
    advance(definition, &state.wants(), next, now, |walk, state| walk.take(state, occurrence))
}

fn advance(
    definition: &Definition,
    before: &BTreeMap<String, Want>,
    mut state: State,
    now: Millis,
    work: impl FnOnce(&mut Walk<'_>, &mut State) -> bool,
) -> Outcome {
    // A clock that is set back does not take an instance with it.
    let now = now.max(state.now);
    let mut walk = Walk::new(definition, &mut state, now);
    let changed = work(&mut walk, &mut state) || walk.changed;
    let marks = walk.leave(&mut state);
    if changed {
        state.now = now;
        state.steps += 1;
    }
    let after = state.wants();
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let mut commands: Vec<Command> = gone.map(|key| Command::Withdraw { key: key.clone() }).collect();
    let new = after.into_iter().filter(|(key, _)| !before.contains_key(key));
    commands.extend(new.map(|(key, want)| Command::Do { key, want }));
    Outcome { state, changed, commands, marks }
}

impl Walk<'_> {
    /// The input of the process, then its first task.
    fn begin(&mut self, state: &mut State) {
        let definition = self.definition;
        let begun = self.check(definition.input.schema.as_ref(), &state.input, "").and_then(|()| {
            let shape = definition.input.from.as_ref();
            let input = self.shape(shape, &state.input, "/input/from", &Names::NONE)?;
            // An instance that has no such key in business is run all the same.
            if let Some(key) = &definition.business_key
                && let Ok(key) = key.run(&input, &self.plain(&Names::NONE))
                && key.as_str() != "null"
            {
                state.business_key = key.text().unwrap_or_else(|| key.as_str().to_owned());
            }
            let deadline = match &definition.timeout {
                Some(lasts) => {
                    let end = lasts.end(self.now, &input, &self.plain(&Names::NONE));
                    Some(end.map_err(|message| expression(message, "/timeout"))?)
                }
                None => None,
            };
            Ok((input, deadline))
        });
        match begun {
            Ok((input, deadline)) => {
                let listed = self.run(&definition.body, input, &state.id, &Names::NONE);
                self.settle(state, listed, deadline);
            }
            Err(fault) => self.end(state, Phase::Faulted, Some(fault.of("/input"))),
        }
    }

    fn take(&mut self, state: &mut State, occurrence: &Occurrence) -> bool {
        if let Occurrence::Event { position, .. } = occurrence {
            if *position <= state.seen || !state.listens() {
                return false;
            }
            state.seen = *position;
        }
        match (state.phase, occurrence) {
            (Phase::Running | Phase::Held, Occurrence::Cancel) => {
                self.cut_root(state);
                state.ending = Some(Ending::Cancelled);
                state.phase = Phase::Compensating;
                self.undo_on(state);
                true
            }
            (Phase::Held | Phase::Faulted, Occurrence::Retry | Occurrence::Skip { .. }) => {
                if state.root.is_none() || state.ending.is_some() {
                    return false;
                }
                state.phase = Phase::Running;
                state.fault = None;
                state.ended = None;
                self.resume_root(state, occurrence);
                true
            }
            (Phase::Running | Phase::Held, _) => {
                self.resume_root(state, occurrence);
                // An event that was looked at is not looked at again, whoever took it.
                matches!(occurrence, Occurrence::Event { .. }) && self.changed
            }
            (Phase::Compensating, _) => self.undo_take(state, occurrence),
            _ => false,
        }
    }

    fn resume_root(&mut self, state: &mut State, occurrence: &Occurrence) {
        let Some(root) = state.root.take() else { return };
        if matches!(occurrence, Occurrence::Time)
            && root.deadline.is_some_and(|deadline| deadline <= self.now)
        {
            self.cut(&root.tasks.child);
            self.changed = true;
            let fault = Fault::standard(Standard::Timeout, "Timeout", "the process took longer than it may");
            return self.ended_by(state, fault.of("/timeout"));
        }
        let definition = self.definition;
        let id = state.id.clone();
        let listed = self.resume_list(&definition.body, root.tasks, occurrence, &id, &Names::NONE);
        self.settle(state, listed, root.deadline);
    }

    fn settle(&mut self, state: &mut State, listed: Listed, deadline: Option<Millis>) {
        match listed {
            Listed::Live(tasks) => state.root = Some(Root { deadline, tasks }),
            Listed::Done(output, _) => self.complete(state, &output),
            Listed::Failed(tasks, fault) => {
                self.changed = true;
                if self.definition.on_fault == OnFault::Hold {
                    state.root = Some(Root { deadline: None, tasks });
                    state.phase = Phase::Held;
                    state.fault = Some(fault);
                    return;
                }
                self.cut(&tasks.child);
                // With nothing to undo everything stays where it is, so that it can be tried again.
                if self.undo.is_empty() {
                    state.root = Some(Root { deadline: None, tasks });
                }
                self.ended_by(state, fault);
            }
        }
    }

    /// An error that nothing caught ends the instance, once what was done is undone.
    fn ended_by(&mut self, state: &mut State, fault: Fault) {
        if self.undo.is_empty() {
            return self.end(state, Phase::Faulted, Some(fault));
        }
        state.fault = Some(fault);
        state.ending = Some(Ending::Faulted);
        state.phase = Phase::Compensating;
        self.undo_on(state);
    }

    fn complete(&mut self, state: &mut State, output: &Doc) {
        let definition = self.definition;
        let output = self.shape(definition.output.shape.as_ref(), output, "/output/as", &Names::NONE);
        let checked = output.and_then(|output| {
            self.check(definition.output.schema.as_ref(), &output, "/output")?;
            Ok(output)
        });
        match checked {
            Ok(output) => {
                state.output = output;
                self.end(state, Phase::Completed, None);
            }
            Err(fault) => self.ended_by(state, fault.of("/output")),
        }
    }

    fn end(&mut self, state: &mut State, phase: Phase, fault: Option<Fault>) {
        self.changed = true;
        state.phase = phase;
        state.ended = Some(self.now);
        if fault.is_some() {
            state.fault = fault;
        }
    }

    fn cut_root(&mut self, state: &mut State) {
        if let Some(root) = state.root.take() {
            self.cut(&root.tasks.child);
        }
    }
}

pub(crate) fn expression(message: impl Into<String>, place: &str) -> Fault {
    Fault::standard(Standard::Expression, "Expression Error", message).of(place)
}
