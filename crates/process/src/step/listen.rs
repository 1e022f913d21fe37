//! Listening: which events count, how many are enough, and what is done with each.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::definition::{Each, Filter, Flow, Listen, Match, Read, Strategy, Task, Until};
use crate::doc::Doc;
use crate::expression::Arguments;
use crate::fault::{Fault, Standard};
use crate::occurrence::Occurrence;
use crate::state::{Body, Frame, Listening, Turn};

use super::expression;
use super::scope::{Given, Names, Seen};
use super::walk::{Inside, Listed, Walk};

/// The most events one task takes.
const MOST_EVENTS: usize = 10_000;

/// What an event is to a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing.
    Not,
    /// One of those that were waited for, and more are needed.
    Part,
    /// The last one that was needed.
    Last,
}

/// Whether a strategy takes an event. `met` says which filters of `all` have theirs; `keys` what correlations must be, and the
/// first event that has one sets it.
pub(crate) fn hear(
    strategy: &Strategy,
    prefix: &str,
    event: &Doc,
    met: &mut Vec<bool>,
    keys: &mut BTreeMap<String, Doc>,
    arguments: &dyn Arguments,
) -> Heard {
    let filters = strategy.filters();
    match strategy {
        Strategy::One(filter) => {
            if fits(filter, prefix, 0, event, keys, arguments) {
                Heard::Last
            } else {
                Heard::Not
            }
        }
        Strategy::Any { until, .. } => {
            let any = filters.is_empty()
                || filters
                    .iter()
                    .enumerate()
                    .any(|(number, filter)| fits(filter, prefix, number, event, keys, arguments));
            match (any, until) {
                (false, _) => Heard::Not,
                (true, None) => Heard::Last,
                (true, Some(_)) => Heard::Part,
            }
        }
        Strategy::All(_) => {
            met.resize(filters.len(), false);
            let open = |(number, _): &(usize, &Filter)| !met.get(*number).copied().unwrap_or(true);
            let mut candidates = filters.iter().enumerate().filter(open);
            let found =
                candidates.find(|(number, filter)| fits(filter, prefix, *number, event, keys, arguments));
            let Some((number, _)) = found else { return Heard::Not };
            if let Some(met) = met.get_mut(number) {
                *met = true;
            }
            if met.iter().all(|met| *met) { Heard::Last } else { Heard::Part }
        }
    }
}

/// Whether an event is the one a filter asks for. An expression that fails on it says no.
fn fits(
    filter: &Filter,
    prefix: &str,
    number: usize,
    event: &Doc,
    keys: &mut BTreeMap<String, Doc>,
    arguments: &dyn Arguments,
) -> bool {
    let value = event.value();
    for (name, wanted) in &filter.attributes {
        let found = value.get(name).map(Doc::of);
        let good = match wanted {
            Match::Equals(wanted) => found.as_ref() == Some(wanted),
            Match::Computed(expression) => {
                let found = found.unwrap_or_else(Doc::null);
                expression.run(&found, arguments).is_ok_and(|value| value.truth().unwrap_or(value == found))
            }
        };
        if !good {
            return false;
        }
    }
    let mut new = Vec::new();
    for correlation in &filter.correlate {
        let Ok(found) = correlation.from.run(event, arguments) else { return false };
        if found.as_str() == "null" {
            return false;
        }
        let name = key_of(prefix, correlation.expect.is_some().then_some(number), &correlation.name);
        match keys.get(&name) {
            Some(wanted) if *wanted == found => {}
            Some(_) => return false,
            // What is expected is known before anything is heard.
            None if correlation.expect.is_some() => return false,
            None => new.push((name, found)),
        }
    }
    keys.extend(new);
    true
}

/// Correlations without an expectation are shared by the filters of a strategy; those with one are not.
fn key_of(prefix: &str, number: Option<usize>, name: &str) -> String {
    match number {
        Some(number) => format!("{prefix}{number}/{name}"),
        None => format!("{prefix}/{name}"),
    }
}

impl Walk<'_> {
    pub(crate) fn listen(
        &mut self,
        listen: &Listen,
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        let mut listening = Listening::default();
        let until = match &listen.to {
            Strategy::Any { until: Some(Until::Consumed(until)), .. } => Some(&**until),
            _ => None,
        };
        let given = self.given(task, frame, names);
        for (prefix, strategy) in [("", Some(&listen.to)), ("until", until)] {
            for (number, filter) in strategy.map(Strategy::filters).unwrap_or_default().iter().enumerate() {
                for correlation in &filter.correlate {
                    if let Some(expect) = &correlation.expect {
                        let value = expect
                            .run(&frame.input, &given)
                            .map_err(|message| expression(message, &task.path))?;
                        listening.keys.insert(key_of(prefix, Some(number), &correlation.name), value);
                    }
                }
            }
        }
        Ok(Inside::Live(Body::Listen(Box::new(listening))))
    }

    pub(crate) fn listen_on(
        &mut self,
        listen: &Listen,
        mut listening: Listening,
        occurrence: &Occurrence,
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Inside, Fault> {
        if let Occurrence::Event { event, .. } = occurrence
            && !listening.ended
        {
            self.take_event(listen, &mut listening, event, task, frame, names)?;
        }
        let Some(each) = &listen.each else {
            if listening.ended {
                return Ok(Inside::Done(Doc::array(&listening.consumed), None));
            }
            return Ok(Inside::Live(Body::Listen(Box::new(listening))));
        };
        // The event that was taken is worked on before the next one.
        if let Some(Turn { item, tasks }) = listening.turn.take() {
            let number = listening.made.len();
            let inner =
                names.with(vec![(each.item.as_str(), item.clone()), (each.at.as_str(), index(number))]);
            let key = format!("{}[{number}]", frame.key);
            let listed = self.resume_list(&each.body, tasks, occurrence, &key, &inner);
            if let Some(inside) = self.turned(each, &mut listening, item, listed, (task, frame), &inner)? {
                return Ok(inside);
            }
        }
        while let Some(item) = listening.queue.pop_front() {
            let number = listening.made.len();
            let inner =
                names.with(vec![(each.item.as_str(), item.clone()), (each.at.as_str(), index(number))]);
            let listed = self.run(&each.body, item.clone(), &format!("{}[{number}]", frame.key), &inner);
            if let Some(inside) = self.turned(each, &mut listening, item, listed, (task, frame), &inner)? {
                return Ok(inside);
            }
        }
        if listening.ended {
            return Ok(Inside::Done(Doc::array(&listening.made), None));
        }
        Ok(Inside::Live(Body::Listen(Box::new(listening))))
    }

    fn take_event(
        &mut self,
        listen: &Listen,
        listening: &mut Listening,
        event: &Doc,
        task: &Arc<Task>,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<(), Fault> {
        if let Strategy::Any { until: Some(Until::Consumed(until)), .. } = &listen.to {
            let given = self.given(task, frame, names);
            let heard = hear(until, "until", event, &mut listening.until_met, &mut listening.keys, &given);
            if heard != Heard::Not {
                self.changed = true;
                listening.ended = heard == Heard::Last;
                return Ok(());
            }
        }
        let given = self.given(task, frame, names);
        let heard = hear(&listen.to, "", event, &mut listening.met, &mut listening.keys, &given);
        if heard == Heard::Not {
            return Ok(());
        }
        self.changed = true;
        let read = match listen.read {
            Read::Data => event.member("data").unwrap_or_else(Doc::null),
            Read::Envelope => event.clone(),
        };
        if listen.each.is_some() {
            listening.queue.push_back(read.clone());
        }
        listening.consumed.push(read);
        listening.ended = heard == Heard::Last;
        if let Strategy::Any { until: Some(Until::Holds(until)), .. } = &listen.to {
            let consumed = Doc::array(&listening.consumed);
            listening.ended = self.holds(until, &consumed, task, frame, names)?;
        }
        if !listening.ended && listening.consumed.len() >= MOST_EVENTS {
            let detail = format!("more than {MOST_EVENTS} events in one task");
            return Err(Fault::standard(Standard::Runtime, "Too Many Events", detail));
        }
        Ok(())
    }

    /// What became of the tasks on one event; something when the listen task itself stops here.
    fn turned(
        &mut self,
        each: &Each,
        listening: &mut Listening,
        item: Doc,
        listed: Listed,
        (task, frame): (&Arc<Task>, &Frame),
        names: &Names<'_>,
    ) -> Result<Option<Inside>, Fault> {
        let stopped = |listening: &mut Listening| Body::Listen(Box::new(std::mem::take(listening)));
        match listed {
            Listed::Done(output, Flow::End) => Ok(Some(Inside::Done(output, Some(Flow::End)))),
            Listed::Done(output, _) => {
                let made = self.made(each, output, task, frame, names)?;
                listening.made.push(made);
                Ok(None)
            }
            Listed::Live(tasks) => {
                listening.turn = Some(Turn { item, tasks });
                Ok(Some(Inside::Live(stopped(listening))))
            }
            Listed::Failed(tasks, fault) => {
                listening.turn = Some(Turn { item, tasks });
                Ok(Some(Inside::Failed(stopped(listening), fault)))
            }
        }
    }

    fn made(
        &mut self,
        each: &Each,
        output: Doc,
        task: &Task,
        frame: &Frame,
        names: &Names<'_>,
    ) -> Result<Doc, Fault> {
        let wrong = |message| expression(message, &task.path);
        let seen = |output| {
            let (raw, input) = (&frame.raw, Some(&frame.input));
            Seen { task, raw, started: frame.started, input, output: Some(output) }
        };
        let output = match &each.output.shape {
            Some(shape) => {
                shape.run(&output, &Given { walk: self, names, seen: Some(seen(&output)) }).map_err(wrong)?
            }
            None => output,
        };
        self.check(each.output.schema.as_ref(), &output, &task.path)?;
        if let Some(shape) = &each.export.shape {
            let given = Given { walk: self, names, seen: Some(seen(&output)) };
            let context = shape.run(&output, &given).map_err(wrong)?;
            self.check(each.export.schema.as_ref(), &context, &task.path)?;
            self.context = context;
        }
        Ok(output)
    }
}

fn index(number: usize) -> Doc {
    Doc::number(i64::try_from(number).unwrap_or(i64::MAX))
}
