//! Compensation: what was done is undone in reverse, one after another, and what cannot be undone is put before a person.

use std::sync::Arc;

use crate::definition::{Task, Undo};
use crate::doc::Doc;
use crate::occurrence::Occurrence;
use crate::state::{Ending, Phase, Sequence, State, TaskPhase, UndoAt, Undoable, Undoing};

use super::scope::Names;
use super::walk::{Listed, Walk};

/// Attempts before a person is asked.
const MOST_ATTEMPTS: u32 = 5;
/// The pause after the first failed attempt, in milliseconds; each next one is four times as long.
const PAUSE_MS: i64 = 1000;

impl Walk<'_> {
    /// Takes up what is to be undone next, until something waits or nothing is left.
    pub(crate) fn undo_on(&mut self, state: &mut State) {
        self.changed = true;
        self.undoable = false;
        while let Some(of) = self.undo.pop() {
            if !self.undo_one(state, of, 0) {
                return;
            }
        }
        state.undoing = None;
        let phase = match state.ending {
            Some(Ending::Cancelled) => Phase::Cancelled,
            _ => Phase::Faulted,
        };
        self.end(state, phase, None);
    }

    /// Begins to undo one thing. True when that is done already.
    fn undo_one(&mut self, state: &mut State, of: Undoable, failed: u32) -> bool {
        let Some(list) = self.undo_tasks(&of) else {
            // This version of the definition has no undo for it any more: that is for a person to know.
            let detail = "the definition does not say any more how to undo it";
            let fault =
                crate::fault::Fault::standard(crate::fault::Standard::Configuration, "Undo Gone", detail);
            state.undoing = Some(Undoing { at: UndoAt::Stuck(fault.of(&of.task)), of, failed });
            return false;
        };
        let data = Doc::object([("input", &of.input), ("output", &of.output)]);
        let listed = self.run(&list, data, &format!("{}!undo", of.key), &Names::NONE);
        self.undo_settle(state, of, failed, listed)
    }

    fn undo_settle(&mut self, state: &mut State, of: Undoable, failed: u32, listed: Listed) -> bool {
        match listed {
            Listed::Done(..) => {
                self.undone(&of, TaskPhase::Compensated);
                state.undoing = None;
                true
            }
            Listed::Live(tasks) => {
                state.undoing = Some(Undoing { of, failed, at: UndoAt::Tasks(tasks) });
                false
            }
            Listed::Failed(tasks, fault) => {
                self.cut_list(&tasks);
                let failed = failed + 1;
                let at = if failed >= MOST_ATTEMPTS {
                    UndoAt::Stuck(fault)
                } else {
                    UndoAt::Pausing { until: self.now.plus(PAUSE_MS << (2 * (failed - 1))) }
                };
                state.undoing = Some(Undoing { of, failed, at });
                self.changed = true;
                false
            }
        }
    }

    pub(crate) fn undo_take(&mut self, state: &mut State, occurrence: &Occurrence) -> bool {
        self.undoable = false;
        let Some(Undoing { of, failed, at }) = state.undoing.take() else { return false };
        let on = match (at, occurrence) {
            (UndoAt::Stuck(_), Occurrence::Retry) => self.undo_one(state, of, 0),
            (UndoAt::Stuck(_), Occurrence::Skip { .. }) => {
                self.undone(&of, TaskPhase::Skipped);
                true
            }
            (UndoAt::Stuck(_), Occurrence::Abandon) => {
                self.undo.clear();
                true
            }
            (UndoAt::Pausing { until }, Occurrence::Time) if until <= self.now => {
                self.undo_one(state, of, failed)
            }
            (UndoAt::Tasks(tasks), _) => match self.undo_tasks(&of) {
                Some(list) => {
                    let key = format!("{}!undo", of.key);
                    let listed = self.resume_list(&list, tasks, occurrence, &key, &Names::NONE);
                    self.undo_settle(state, of, failed, listed)
                }
                None => self.undo_one(state, of, failed),
            },
            (at, _) => {
                state.undoing = Some(Undoing { of, failed, at });
                return false;
            }
        };
        if on {
            self.undo_on(state);
        }
        self.changed
    }

    fn undone(&mut self, of: &Undoable, phase: TaskPhase) {
        if let Some(task) = self.definition.task(&of.task).cloned() {
            self.mark(&task, &of.key, phase);
        }
    }

    fn cut_list(&mut self, tasks: &Sequence) {
        self.cut(&tasks.child);
    }

    /// The tasks that undo something.
    fn undo_tasks(&self, of: &Undoable) -> Option<Arc<[Arc<Task>]>> {
        let task = self.definition.task(&of.task)?;
        Some(match task.undo.as_ref()? {
            Undo::Tasks(list) => Arc::clone(list),
            Undo::Function(name) => Arc::from([Arc::clone(self.definition.functions.get(name)?)]),
        })
    }
}
