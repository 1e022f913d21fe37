//! What expressions may see: the arguments of the DSL and the variables around a task.

use lineshaft_model::Millis;

use crate::definition::Task;
use crate::doc::Doc;
use crate::expression::Arguments;

use super::walk::Walk;

/// The variables that loops and catches set, innermost first.
#[derive(Clone, Debug)]
pub(crate) struct Names<'n> {
    pub(crate) own: Vec<(&'n str, Doc)>,
    pub(crate) up: Option<&'n Names<'n>>,
}

impl<'n> Names<'n> {
    /// None at all.
    pub(crate) const NONE: Names<'static> = Names { own: Vec::new(), up: None };

    pub(crate) fn with(&'n self, own: Vec<(&'n str, Doc)>) -> Self {
        Names { own, up: Some(self) }
    }

    fn get(&self, name: &str) -> Option<&Doc> {
        let own = self.own.iter().find(|(own, _)| *own == name).map(|(_, value)| value);
        own.or_else(|| self.up.and_then(|up| up.get(name)))
    }
}

/// A task as its expressions see it.
pub(crate) struct Seen<'t> {
    pub(crate) task: &'t Task,
    pub(crate) raw: &'t Doc,
    pub(crate) started: Millis,
    pub(crate) input: Option<&'t Doc>,
    pub(crate) output: Option<&'t Doc>,
}

/// The arguments of one expression.
pub(crate) struct Given<'w, 't> {
    pub(crate) walk: &'w Walk<'w>,
    pub(crate) names: &'w Names<'w>,
    pub(crate) seen: Option<Seen<'t>>,
}

impl Arguments for Given<'_, '_> {
    fn get(&self, name: &str) -> Doc {
        if let Some(value) = self.names.get(name) {
            return value.clone();
        }
        let seen = self.seen.as_ref();
        match name {
            "context" => self.walk.context.clone(),
            "input" => seen.and_then(|seen| seen.input).cloned().unwrap_or_else(Doc::null),
            "output" => seen.and_then(|seen| seen.output).cloned().unwrap_or_else(Doc::null),
            "task" => seen.map_or_else(Doc::null, |seen| {
                Doc::object([
                    ("name", &Doc::string(&seen.task.name)),
                    ("reference", &Doc::string(&seen.task.path)),
                    ("definition", &seen.task.source),
                    ("input", seen.raw),
                    ("output", seen.output.unwrap_or(&Doc::null())),
                    ("startedAt", &moment(seen.started)),
                ])
            }),
            "workflow" => Doc::object([
                ("id", &Doc::string(&self.walk.id)),
                ("definition", &self.walk.definition.source),
                ("input", &self.walk.input),
                ("startedAt", &moment(self.walk.started)),
            ]),
            "runtime" => Doc::object([
                ("name", &Doc::string("lineshaft")),
                ("version", &Doc::string(env!("CARGO_PKG_VERSION"))),
                ("metadata", &Doc::empty()),
            ]),
            _ => Doc::null(),
        }
    }

    fn now(&self) -> &str {
        &self.walk.clock
    }
}

/// The DSL's descriptor of a time.
fn moment(at: Millis) -> Doc {
    let epoch =
        Doc::object([("seconds", &Doc::number(at.0.div_euclid(1000))), ("milliseconds", &Doc::number(at.0))]);
    Doc::object([("iso8601", &Doc::string(&at.to_string())), ("epoch", &epoch)])
}

/// Arguments outside any instance: an event, before there is one.
#[derive(Debug)]
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl Arguments for Plain<'_> {
    fn get(&self, _: &str) -> Doc {
        Doc::null()
    }

    fn now(&self) -> &str {
        self.0
    }
}
