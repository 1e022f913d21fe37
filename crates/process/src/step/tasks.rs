//! What each kind of task does when it is entered, and when something occurs while it waits.

use std::sync::Arc;

use crate::definition::{Case, Flow, Kind, Raise, Task};
use crate::doc::Doc;
use crate::effect::Effect;
use crate::expression::Expression;
use crate::fault::{Fault, Standard};
use crate::occurrence::Occurrence;
use crate::state::{Body, Branch, Frame, Sequence, TaskPhase};

use super::expression;
use super::scope::Names;
use super::walk::{Inside, Listed, Walk, Went};

/// The most items a loop goes over.
const MOST_ITEMS: usize = 10_000;

/// A loop as it is written.
pub(crate) struct Round<'t> {
    pub(crate) each: &'t str,
    pub(crate) at: &'t str,
    pub(crate) holds: Option<&'t Expression>,
    pub(crate) body: &'t [Arc<Task>],
}

impl Walk<'_> {
    pub(crate) fn start(
        &mut self,
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        let input = &frame.input;
        let wrong = |message| expression(message, &task.path);
        match &task.kind {
            Kind::Do(list) => Ok(plain(self.run(list, input.clone(), &frame.key, names), Body::Tasks)),
            Kind::Set(shape) => {
                let set = shape.run(input, &self.given(task, frame, names)).map_err(wrong)?;
                Ok(Inside::Done(set, None))
            }
            Kind::Switch(cases) => self.switch(cases, task, frame, names),
            Kind::For { each, at, over, holds, body } => {
                let items = over.run(input, &self.given(task, frame, names)).map_err(wrong)?;
                let items = items_of(&items).map_err(wrong)?;
                let round = Round { each, at, holds: holds.as_ref(), body };
                self.turns(&round, items, 0, input.clone(), task, frame, names)
            }
            Kind::Fork { branches, compete } => Ok(self.fork(branches, *compete, frame, names)),
            Kind::Try { body, catch } => self.attempt(body, catch, (0, self.now), task, frame, names),
            Kind::Raise(raise) => Err(self.raise(raise, task, frame, names)?),
            Kind::Emit(shape) => {
                let event = shape.run(input, &self.given(task, frame, names)).map_err(wrong)?;
                Ok(Inside::Live(Body::Effect(Effect::Emit(self.event(&event, &frame.key)))))
            }
            Kind::Listen(listen) => self.listen(listen, task, frame, names),
            Kind::Wait(lasts) => {
                let until = lasts.end(self.now, input, &self.given(task, frame, names)).map_err(wrong)?;
                Ok(if until <= self.now {
                    Inside::Done(input.clone(), None)
                } else {
                    Inside::Live(Body::Wait { until })
                })
            }
            Kind::Call(call) => self.call(call, task, frame, names),
            Kind::Run { process, input: shape, awaited } => {
                let given = shape.run(input, &self.given(task, frame, names)).map_err(wrong)?;
                let start = Effect::Start { process: process.clone(), input: given, awaited: *awaited };
                Ok(Inside::Live(Body::Effect(start)))
            }
        }
    }

    /// What occurred, shown to a live task and through it to all tasks in it.
    pub(crate) fn resume(&mut self, mut frame: Frame, occurrence: &Occurrence, names: &Names<'_>) -> Went {
        let Some(task) = self.definition.task(&frame.task).cloned() else {
            let detail = "this version of the process has no such task";
            let fault = Fault::standard(Standard::Runtime, "Task Gone", detail).of(&frame.task);
            return Went::Failed(frame, fault);
        };
        let failed = matches!(frame.body, Body::Failed(_));
        match occurrence {
            Occurrence::Time if frame.deadline.is_some_and(|deadline| deadline <= self.now) && !failed => {
                self.cut(&frame);
                let fault = Fault::standard(Standard::Timeout, "Timeout", "the task took longer than it may");
                // What it had asked for may have been done: `cut` has remembered that.
                return self.fail(&task, frame, fault);
            }
            Occurrence::Skip { key, output } if *key == frame.key || (key.is_empty() && failed) => {
                if !failed {
                    self.cut(&frame);
                }
                self.mark(&task, &frame.key, TaskPhase::Skipped);
                let output = if output.as_str() == "null" { frame.raw } else { output.clone() };
                return Went::Done(output, task.then.clone());
            }
            Occurrence::Retry if failed => return self.enter(&task, frame.raw, frame.key, names),
            _ => {}
        }
        let body = std::mem::replace(&mut frame.body, Body::Wait { until: self.now });
        match self.resume_body(&task, &frame, body, occurrence, names) {
            Ok(inside) => self.leave_task(&task, frame, inside, names),
            Err(fault) => self.fail(&task, frame, fault),
        }
    }

    fn resume_body(
        &mut self,
        task: &Arc<Task>,
        frame: &Frame,
        body: Body,
        occurrence: &Occurrence,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        match (&task.kind, body) {
            (Kind::Do(list), Body::Tasks(tasks)) => {
                Ok(plain(self.resume_list(list, tasks, occurrence, &frame.key, names), Body::Tasks))
            }
            (Kind::For { each, at, holds, body, .. }, Body::Loop { items, index, tasks }) => {
                let round = Round { each, at, holds: holds.as_ref(), body };
                self.turn_on(&round, items, index, tasks, occurrence, task, frame, names)
            }
            (Kind::Fork { branches, compete }, Body::Fork(live)) => {
                Ok(self.fork_on(branches, *compete, live, occurrence, names))
            }
            (
                Kind::Try { body, catch },
                state @ (Body::Trying { .. } | Body::Pausing { .. } | Body::Catching { .. }),
            ) => self.attempt_on(body, catch, state, occurrence, task, frame, names),
            (Kind::Wait(_), Body::Wait { until }) => Ok(match occurrence {
                Occurrence::Time if until <= self.now => Inside::Done(frame.input.clone(), None),
                _ => Inside::Live(Body::Wait { until }),
            }),
            (Kind::Listen(listen), Body::Listen(listening)) => {
                self.listen_on(listen, *listening, occurrence, task, frame, names)
            }
            (_, Body::Effect(effect)) => match occurrence {
                Occurrence::Answered { key, answer } if *key == frame.key => {
                    self.changed = true;
                    self.answered(task, effect, answer)
                }
                _ => Ok(Inside::Live(Body::Effect(effect))),
            },
            (_, Body::Function(inner)) => Ok(function(self.resume(*inner, occurrence, &Names::NONE))),
            (_, Body::Failed(fault)) => Ok(Inside::Live(Body::Failed(fault))),
            (_, _) => {
                let detail = "the task has changed its kind since this instance began it";
                Err(Fault::standard(Standard::Runtime, "Task Changed", detail))
            }
        }
    }

    fn switch(
        &mut self,
        cases: &[Case],
        task: &Task,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        for case in cases {
            let taken = match &case.when {
                Some(when) => self.holds(when, &frame.input, task, frame, names)?,
                None => true,
            };
            if taken {
                return Ok(Inside::Done(frame.input.clone(), Some(case.then.clone())));
            }
        }
        Ok(Inside::Done(frame.input.clone(), None))
    }

    fn raise(
        &mut self,
        raise: &Raise,
        task: &Task,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Fault, Fault> {
        let given = self.given(task, frame, names);
        let text = |shape: &crate::expression::Shape| {
            let value = shape.run(&frame.input, &given).map_err(|message| expression(message, &task.path))?;
            Ok::<_, Fault>(value.text().unwrap_or_else(|| value.as_str().to_owned()))
        };
        Ok(Fault {
            kind: text(&raise.kind)?,
            status: raise.status,
            title: raise.title.as_ref().map(text).transpose()?,
            detail: raise.detail.as_ref().map(text).transpose()?,
            instance: String::new(),
            unknown: false,
        })
    }

    #[expect(clippy::too_many_arguments, reason = "a loop has that much to remember")]
    fn turns(
        &mut self,
        round: &Round<'_>,
        items: Vec<Doc>,
        mut index: usize,
        mut data: Doc,
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        while let Some(item) = items.get(index) {
            let number = Doc::number(i64::try_from(index).unwrap_or(i64::MAX));
            let inner = names.with(vec![(round.each, item.clone()), (round.at, number)]);
            if let Some(condition) = round.holds
                && !self.holds(condition, &data, task, frame, &inner)?
            {
                break;
            }
            match self.run(round.body, data, &format!("{}[{index}]", frame.key), &inner) {
                Listed::Done(output, Flow::End) => return Ok(Inside::Done(output, Some(Flow::End))),
                Listed::Done(output, _) => data = output,
                Listed::Live(tasks) => return Ok(Inside::Live(Body::Loop { items, index, tasks })),
                Listed::Failed(tasks, fault) => {
                    return Ok(Inside::Failed(Body::Loop { items, index, tasks }, fault));
                }
            }
            index += 1;
        }
        Ok(Inside::Done(data, None))
    }

    #[expect(clippy::too_many_arguments, reason = "a loop has that much to remember")]
    fn turn_on(
        &mut self,
        round: &Round<'_>,
        items: Vec<Doc>,
        index: usize,
        tasks: Sequence,
        occurrence: &Occurrence,
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        let item = items.get(index).cloned().unwrap_or_else(Doc::null);
        let number = Doc::number(i64::try_from(index).unwrap_or(i64::MAX));
        let inner = names.with(vec![(round.each, item), (round.at, number)]);
        let key = format!("{}[{index}]", frame.key);
        match self.resume_list(round.body, tasks, occurrence, &key, &inner) {
            Listed::Done(output, Flow::End) => Ok(Inside::Done(output, Some(Flow::End))),
            Listed::Done(output, _) => self.turns(round, items, index + 1, output, task, frame, names),
            Listed::Live(tasks) => Ok(Inside::Live(Body::Loop { items, index, tasks })),
            Listed::Failed(tasks, fault) => Ok(Inside::Failed(Body::Loop { items, index, tasks }, fault)),
        }
    }

    fn fork(&mut self, branches: &[Arc<Task>], compete: bool, frame: &Frame, names: &Names<'_>) -> Inside {
        let mut all = Vec::with_capacity(branches.len());
        let mut first = None;
        for branch in branches {
            let key = format!("{}/{}", frame.key, branch.name);
            let went = self.enter(branch, frame.input.clone(), key, names);
            if let Some(done) = self.branch(went, compete, &mut all, &mut first) {
                self.cut_branches(&all);
                return done;
            }
        }
        joined(all, first)
    }

    fn fork_on(
        &mut self,
        branches: &[Arc<Task>],
        compete: bool,
        live: Vec<Branch>,
        occurrence: &Occurrence,
        names: &Names<'_>,
    ) -> Inside {
        let mut all = Vec::with_capacity(branches.len());
        let mut first = None;
        let mut rest = live.into_iter();
        while let Some(branch) = rest.next() {
            match branch {
                Branch::Done(output) => all.push(Branch::Done(output)),
                Branch::Live(frame) => {
                    let went = self.resume(*frame, occurrence, names);
                    if let Some(done) = self.branch(went, compete, &mut all, &mut first) {
                        all.extend(rest);
                        self.cut_branches(&all);
                        return done;
                    }
                }
            }
        }
        joined(all, first)
    }

    /// Adds what became of a branch; the end of the fork when it is one.
    fn branch(
        &mut self,
        went: Went,
        compete: bool,
        all: &mut Vec<Branch>,
        first: &mut Option<Fault>,
    ) -> Option<Inside> {
        match went {
            Went::Done(output, Flow::End) => return Some(Inside::Done(output, Some(Flow::End))),
            Went::Done(output, _) if compete => return Some(Inside::Done(output, None)),
            Went::Done(output, _) => all.push(Branch::Done(output)),
            Went::Live(frame) => all.push(Branch::Live(Box::new(frame))),
            Went::Failed(frame, fault) => {
                all.push(Branch::Live(Box::new(frame)));
                first.get_or_insert(fault);
            }
        }
        None
    }

    fn cut_branches(&mut self, branches: &[Branch]) {
        for branch in branches {
            if let Branch::Live(frame) = branch {
                self.cut(frame);
            }
        }
    }
}

fn joined(all: Vec<Branch>, first: Option<Fault>) -> Inside {
    if let Some(fault) = first {
        return Inside::Failed(Body::Fork(all), fault);
    }
    let done = all.iter().map(|branch| match branch {
        Branch::Done(output) => Some(output),
        Branch::Live(_) => None,
    });
    match done.collect::<Option<Vec<_>>>() {
        Some(outputs) => Inside::Done(Doc::array(outputs), None),
        None => Inside::Live(Body::Fork(all)),
    }
}

/// A list of tasks is all there is.
pub(crate) fn plain(listed: Listed, wrap: impl FnOnce(Sequence) -> Body) -> Inside {
    match listed {
        Listed::Done(output, Flow::End) => Inside::Done(output, Some(Flow::End)),
        Listed::Done(output, _) => Inside::Done(output, None),
        Listed::Live(tasks) => Inside::Live(wrap(tasks)),
        Listed::Failed(tasks, fault) => Inside::Failed(wrap(tasks), fault),
    }
}

/// A function is one task inside another.
pub(crate) fn function(went: Went) -> Inside {
    match went {
        Went::Done(output, Flow::End) => Inside::Done(output, Some(Flow::End)),
        Went::Done(output, _) => Inside::Done(output, None),
        Went::Live(frame) => Inside::Live(Body::Function(Box::new(frame))),
        Went::Failed(frame, fault) => Inside::Failed(Body::Function(Box::new(frame)), fault),
    }
}

fn items_of(items: &Doc) -> Result<Vec<Doc>, String> {
    let value = items.value();
    match value.as_array() {
        Some(all) if all.len() <= MOST_ITEMS => Ok(all.iter().map(Doc::of).collect()),
        Some(all) => Err(format!("the collection has {} items, {MOST_ITEMS} are allowed", all.len())),
        None if value.is_null() => Ok(Vec::new()),
        None => Err(format!("the collection is {}, not an array", value.kind())),
    }
}
