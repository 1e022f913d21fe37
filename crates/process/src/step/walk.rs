//! Walking the tasks of a definition: lists one after another, and what is common to entering and leaving any task.

use std::collections::BTreeMap;
use std::sync::Arc;

use lineshaft_mapping::{Contract, Input};
use lineshaft_model::Millis;

use crate::definition::{Definition, Flow, Task};
use crate::doc::Doc;
use crate::expression::{Expression, Shape};
use crate::fault::{Fault, Standard};
use crate::occurrence::Occurrence;
use crate::state::{Body, Branch, Frame, Sequence, State, TaskPhase, Trace, Undoable};

use super::scope::{Given, Names, Seen};
use super::{Mark, expression};

/// The most tasks entered in one step.
pub(crate) const MOST_ENTERED: u32 = 20_000;
/// Tasks live inside one another, functions that call functions included.
const DEEPEST: u32 = 48;

/// A step under way.
pub(crate) struct Walk<'d> {
    pub(crate) definition: &'d Definition,
    pub(crate) now: Millis,
    pub(crate) clock: String,
    pub(crate) id: String,
    pub(crate) input: Doc,
    pub(crate) started: Millis,
    pub(crate) context: Doc,
    pub(crate) undo: Vec<Undoable>,
    pub(crate) trail: BTreeMap<String, Trace>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) changed: bool,
    /// Whether what is done now can be undone: an undo cannot.
    pub(crate) undoable: bool,
    left: u32,
    depth: u32,
}

/// How far a task came.
#[derive(Debug)]
pub(crate) enum Went {
    Done(Doc, Flow),
    Live(Frame),
    /// The frame stays where it is, with the error in it: somebody may try again.
    Failed(Frame, Fault),
}

/// How far a list of tasks came. The flow is `Continue` or `End`.
#[derive(Debug)]
pub(crate) enum Listed {
    Done(Doc, Flow),
    Live(Sequence),
    Failed(Sequence, Fault),
}

/// How far the inside of a task came.
#[derive(Debug)]
pub(crate) enum Inside {
    /// Its output, and the way on when it is not the task's own.
    Done(Doc, Option<Flow>),
    Live(Body),
    Failed(Body, Fault),
}

impl<'d> Walk<'d> {
    pub(crate) fn new(definition: &'d Definition, state: &mut State, now: Millis) -> Self {
        Self {
            definition,
            now,
            clock: now.to_string(),
            id: state.id.clone(),
            input: state.input.clone(),
            started: state.started,
            context: state.context.clone(),
            undo: std::mem::take(&mut state.undo),
            trail: std::mem::take(&mut state.trail),
            marks: Vec::new(),
            changed: false,
            undoable: true,
            left: MOST_ENTERED,
            depth: 0,
        }
    }

    /// Gives back what belongs to the state.
    pub(crate) fn leave(self, state: &mut State) -> Vec<Mark> {
        state.context = self.context;
        state.undo = self.undo;
        state.trail = self.trail;
        self.marks
    }

    pub(crate) fn plain<'w>(&'w self, names: &'w Names<'w>) -> Given<'w, 'w> {
        Given { walk: self, names, seen: None }
    }

    pub(crate) fn given<'w>(
        &'w self,
        task: &'w Task,
        frame: &'w Frame,
        names: &'w Names<'w>,
    ) -> Given<'w, 'w> {
        let seen =
            Seen { task, raw: &frame.raw, started: frame.started, input: Some(&frame.input), output: None };
        Given { walk: self, names, seen: Some(seen) }
    }

    pub(crate) fn shape(
        &self,
        shape: Option<&Shape>,
        input: &Doc,
        place: &str,
        names: &Names<'_>,
    ) -> Result<Doc, Fault> {
        match shape {
            Some(shape) => shape.run(input, &self.plain(names)).map_err(|message| expression(message, place)),
            None => Ok(input.clone()),
        }
    }

    /// Whether a document keeps to a schema.
    pub(crate) fn check(&self, schema: Option<&Contract>, doc: &Doc, place: &str) -> Result<(), Fault> {
        let Some(schema) = schema else { return Ok(()) };
        let failed =
            |detail: String| Fault::standard(Standard::Validation, "Validation Error", detail).of(place);
        let input = Input::parse(doc.as_str().as_bytes()).map_err(|reason| failed(reason.message))?;
        schema.validate(&input, 5).map_err(|violations| {
            let said = violations.iter().map(|violation| {
                let at = if violation.pointer.is_empty() { "/" } else { &violation.pointer };
                format!("{at}: {}", violation.message)
            });
            failed(said.collect::<Vec<_>>().join("; "))
        })
    }

    pub(crate) fn mark(&mut self, task: &Task, key: &str, phase: TaskPhase) {
        self.changed = true;
        let now = self.now;
        let new = Trace { runs: 0, started: now, ended: None, phase };
        let trace = self.trail.entry(task.path.to_string()).or_insert(new);
        match phase {
            TaskPhase::Running => {
                trace.runs = trace.runs.saturating_add(1);
                (trace.started, trace.ended) = (now, None);
            }
            _ => trace.ended = Some(now),
        }
        trace.phase = phase;
        self.marks.push(Mark { task: task.path.to_string(), key: key.to_owned(), phase });
    }

    /// Runs a list from its first task.
    pub(crate) fn run(&mut self, list: &[Arc<Task>], data: Doc, key: &str, names: &Names<'_>) -> Listed {
        self.run_from(list, 0, data, BTreeMap::new(), key, names)
    }

    fn run_from(
        &mut self,
        list: &[Arc<Task>],
        mut at: usize,
        mut data: Doc,
        mut visits: BTreeMap<String, u32>,
        key: &str,
        names: &Names<'_>,
    ) -> Listed {
        while let Some(task) = list.get(at) {
            let visit = visits.get(&task.name).copied().unwrap_or(0);
            let child = match visit {
                0 => format!("{key}/{}", task.name),
                again => format!("{key}/{}~{again}", task.name),
            };
            match self.enter(task, data, child, names) {
                Went::Live(frame) => return Listed::Live(Sequence { at, visits, child: Box::new(frame) }),
                Went::Failed(frame, fault) => {
                    return Listed::Failed(Sequence { at, visits, child: Box::new(frame) }, fault);
                }
                Went::Done(output, flow) => {
                    visits.insert(task.name.clone(), visit.saturating_add(1));
                    data = output;
                    match next(list, at, &flow) {
                        Ok(next) => at = next,
                        Err(flow) => return Listed::Done(data, flow),
                    }
                }
            }
        }
        Listed::Done(data, Flow::Continue)
    }

    /// Goes on with a list where it was.
    pub(crate) fn resume_list(
        &mut self,
        list: &[Arc<Task>],
        sequence: Sequence,
        occurrence: &Occurrence,
        key: &str,
        names: &Names<'_>,
    ) -> Listed {
        let Sequence { at, mut visits, child } = sequence;
        // Another version of the definition may have the task elsewhere in the list.
        let here = list.iter().position(|task| *task.path == *child.task).unwrap_or(at);
        match self.resume(*child, occurrence, names) {
            Went::Live(frame) => Listed::Live(Sequence { at: here, visits, child: Box::new(frame) }),
            Went::Failed(frame, fault) => {
                Listed::Failed(Sequence { at: here, visits, child: Box::new(frame) }, fault)
            }
            Went::Done(output, flow) => {
                if let Some(task) = list.get(here) {
                    let visits = visits.entry(task.name.clone()).or_insert(0);
                    *visits = visits.saturating_add(1);
                }
                match next(list, here, &flow) {
                    Ok(next) => self.run_from(list, next, output, visits, key, names),
                    Err(flow) => Listed::Done(output, flow),
                }
            }
        }
    }

    /// Enters a task.
    pub(crate) fn enter(&mut self, task: &Arc<Task>, raw: Doc, key: String, names: &Names<'_>) -> Went {
        let body = Body::Wait { until: self.now };
        let (input, path) = (raw.clone(), task.path.to_string());
        let mut frame = Frame { task: path, key, started: self.now, deadline: None, raw, input, body };
        if self.left == 0 || self.depth >= DEEPEST {
            let what = if self.left == 0 {
                format!("more than {MOST_ENTERED} tasks in one step: a loop that waits for nothing")
            } else {
                format!("more than {DEEPEST} tasks inside one another: a function that calls itself")
            };
            return self.fail(task, frame, Fault::standard(Standard::Runtime, "Runaway", what));
        }
        self.left -= 1;
        self.depth += 1;
        let inside = self.inside(task, &mut frame, names);
        self.depth -= 1;
        match inside {
            Ok(Some(inside)) => self.leave_task(task, frame, inside, names),
            Ok(None) => {
                self.mark(task, &frame.key, TaskPhase::Passed);
                Went::Done(frame.raw, Flow::Continue)
            }
            Err(fault) => self.fail(task, frame, fault),
        }
    }

    /// The condition, the input, the timeout and then the task itself; nothing when the condition does not hold.
    fn inside(
        &mut self,
        task: &Arc<Task>,
        frame: &mut Frame,
        names: &Names<'_>,
    ) -> Result<Option<Inside>, Fault> {
        if let Some(condition) = &task.condition {
            let seen = Seen { task, raw: &frame.raw, started: self.now, input: None, output: None };
            let given = Given { walk: self, names, seen: Some(seen) };
            let holds = condition.holds(&frame.raw, &given);
            if !holds.map_err(|message| expression(message, &task.path))? {
                return Ok(None);
            }
        }
        self.mark(task, &frame.key, TaskPhase::Running);
        self.check(task.input.schema.as_ref(), &frame.raw, &task.path)?;
        if let Some(from) = &task.input.from {
            let seen = Seen { task, raw: &frame.raw, started: self.now, input: None, output: None };
            let given = Given { walk: self, names, seen: Some(seen) };
            let input = from.run(&frame.raw, &given);
            frame.input = input.map_err(|message| expression(message, &task.path))?;
        }
        if let Some(timeout) = &task.timeout {
            let end = timeout.end(self.now, &frame.input, &self.given(task, frame, names));
            frame.deadline = Some(end.map_err(|message| expression(message, &task.path))?);
        }
        self.start(task, frame, names).map(Some)
    }

    /// Makes of what happened inside a task what happened to the task.
    pub(crate) fn leave_task(
        &mut self,
        task: &Arc<Task>,
        mut frame: Frame,
        inside: Inside,
        names: &Names<'_>,
    ) -> Went {
        match inside {
            Inside::Live(body) => {
                frame.body = body;
                Went::Live(frame)
            }
            Inside::Failed(body, fault) => {
                self.changed = true;
                frame.body = body;
                Went::Failed(frame, fault)
            }
            Inside::Done(output, flow) => {
                self.done(task, &frame.key, &frame.input, &output, true);
                match self.finish(task, &frame, output, names) {
                    Ok(output) => {
                        self.mark(task, &frame.key, TaskPhase::Completed);
                        Went::Done(output, flow.unwrap_or_else(|| task.then.clone()))
                    }
                    Err(fault) => self.fail(task, frame, fault),
                }
            }
        }
    }

    fn finish(&mut self, task: &Task, frame: &Frame, output: Doc, names: &Names<'_>) -> Result<Doc, Fault> {
        let wrong = |message| expression(message, &task.path);
        let seen = |output| {
            let (raw, input) = (&frame.raw, Some(&frame.input));
            Seen { task, raw, started: frame.started, input, output: Some(output) }
        };
        let output = match &task.output.shape {
            Some(shape) => {
                let given = Given { walk: self, names, seen: Some(seen(&output)) };
                shape.run(&output, &given).map_err(wrong)?
            }
            None => output,
        };
        self.check(task.output.schema.as_ref(), &output, &task.path)?;
        if let Some(shape) = &task.export.shape {
            let given = Given { walk: self, names, seen: Some(seen(&output)) };
            let context = shape.run(&output, &given).map_err(wrong)?;
            self.check(task.export.schema.as_ref(), &context, &task.path)?;
            self.context = context;
        }
        Ok(output)
    }

    /// Leaves a task with its error in it.
    pub(crate) fn fail(&mut self, task: &Task, mut frame: Frame, fault: Fault) -> Went {
        let fault = fault.of(&task.path);
        if fault.unknown {
            self.done(task, &frame.key, &frame.input, &Doc::null(), false);
        }
        self.mark(task, &frame.key, TaskPhase::Faulted);
        frame.deadline = None;
        frame.body = Body::Failed(fault.clone());
        Went::Failed(frame, fault)
    }

    /// Remembers how to undo what was done. The undo of a task stands for those of the tasks inside it.
    fn done(&mut self, task: &Task, key: &str, input: &Doc, output: &Doc, certain: bool) {
        if !self.undoable || task.undo.is_none() {
            return;
        }
        let inside = |other: &str| {
            other.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[']))
        };
        self.undo.retain(|undoable| !inside(&undoable.key));
        self.undo.push(Undoable {
            task: task.path.to_string(),
            key: key.to_owned(),
            input: input.clone(),
            output: output.clone(),
            certain,
        });
    }

    /// Ends a task and all in it before its time. An effect that was asked for may take place all the same.
    pub(crate) fn cut(&mut self, frame: &Frame) {
        self.changed = true;
        match &frame.body {
            Body::Tasks(tasks)
            | Body::Loop { tasks, .. }
            | Body::Trying { tasks, .. }
            | Body::Catching { tasks, .. } => self.cut(&tasks.child),
            Body::Fork(branches) => {
                for branch in branches {
                    if let Branch::Live(frame) = branch {
                        self.cut(frame);
                    }
                }
            }
            Body::Listen(listening) => {
                if let Some(turn) = &listening.turn {
                    self.cut(&turn.tasks.child);
                }
            }
            Body::Function(inner) => self.cut(inner),
            Body::Failed(_) => return,
            Body::Pausing { .. } | Body::Wait { .. } | Body::Effect(_) => {}
        }
        let Some(task) = self.definition.task(&frame.task).cloned() else { return };
        if matches!(frame.body, Body::Effect(_)) {
            self.done(&task, &frame.key, &frame.input, &Doc::null(), false);
        }
        self.mark(&task, &frame.key, TaskPhase::Cancelled);
    }

    pub(crate) fn holds(
        &self,
        condition: &Expression,
        input: &Doc,
        task: &Task,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<bool, Fault> {
        let holds = condition.holds(input, &self.given(task, frame, names));
        holds.map_err(|message| expression(message, &task.path))
    }
}

/// The number of the next task, or how the list ends.
fn next(list: &[Arc<Task>], at: usize, flow: &Flow) -> Result<usize, Flow> {
    match flow {
        Flow::Continue => Ok(at + 1),
        Flow::Exit => Err(Flow::Continue),
        Flow::End => Err(Flow::End),
        Flow::To(name) => Ok(list.iter().position(|task| task.name == *name).unwrap_or(list.len())),
    }
}
