//! Reading what a process listens to.

use lineshaft_model::json::Value;

use super::reader::{At, Reader};
use super::{Correlation, Each, Filter, Match, Strategy, Until};
use crate::doc::Doc;
use crate::expression::{Expression, Scope, Shape, inner};

impl<'v> Reader<'v, '_> {
    /// `one`, `any` or `all`; `until` belongs to `any` when it is allowed at all.
    pub(super) fn strategy(&mut self, at: &At<'v>, scope: &Scope, until: bool) -> Option<Strategy> {
        self.object(at, &["one", "any", "all", "until"]);
        let given = ["one", "any", "all"].into_iter().filter(|key| at.get(key).is_some());
        let given: Vec<&str> = given.collect();
        let [kind] = given.as_slice() else {
            self.malformed(&at.pointer, "exactly one of one, any and all says which events", "");
            return None;
        };
        if let Some(at) =
            at.get("until").filter(|at| (*kind != "any" || !until) && at.value.as_bool() != Some(false))
        {
            let hint = if until { "use `any` with it" } else { "take it out" };
            self.malformed(&at.pointer, "`until` has no meaning here", hint);
        }
        match *kind {
            "one" => {
                let filter = at.get("one").and_then(|at| self.filter(&at, scope))?;
                Some(Strategy::One(filter))
            }
            "all" => {
                let filters = self.filters(at, "all", scope);
                if filters.is_empty() {
                    let message = "`all` of nothing would wait for nothing";
                    self.malformed(&at.pointer, message, "name at least one event");
                }
                Some(Strategy::All(filters))
            }
            _ => {
                let filters = self.filters(at, "any", scope);
                let until = at.get("until").filter(|_| until).and_then(|at| self.until(&at, scope));
                Some(Strategy::Any { filters, until })
            }
        }
    }

    fn until(&mut self, at: &At<'v>, scope: &Scope) -> Option<Until> {
        if at.value.as_bool() == Some(false) {
            return None;
        }
        if at.value.as_str().is_some() {
            return self.expression(at, scope).map(|holds| Until::Holds(Box::new(holds)));
        }
        self.strategy(at, scope, false).map(|strategy| Until::Consumed(Box::new(strategy)))
    }

    fn filters(&mut self, at: &At<'v>, key: &str, scope: &Scope) -> Vec<Filter> {
        let Some(at) = at.get(key) else { return Vec::new() };
        let items = self.list(&at);
        items.iter().filter_map(|item| self.filter(item, scope)).collect()
    }

    fn filter(&mut self, at: &At<'v>, scope: &Scope) -> Option<Filter> {
        self.object(at, &["with", "correlate"]);
        let with = self.required(at, "with")?;
        if with.value.as_object().is_none_or(<[_]>::is_empty) {
            let message = "a filter names at least one attribute of the event";
            self.malformed(&with.pointer, message, "for instance `type:`");
        }
        let mut attributes = Vec::new();
        for (name, at) in with.members() {
            if matches!(
                name,
                "id" | "source" | "type" | "time" | "subject" | "datacontenttype" | "dataschema"
            ) {
                self.text(&at);
            }
            let wanted = match at.value {
                Value::String(text) if inner(text).is_some() => {
                    let expression = inner(text).unwrap_or_default();
                    let compiled = Expression::compile(expression, &at.pointer, scope, self.environment);
                    self.keep(compiled).map(Match::Computed)
                }
                other => Some(Match::Equals(Doc::of(other))),
            };
            attributes.extend(wanted.map(|wanted| (name.to_owned(), wanted)));
        }
        let correlate = at.get("correlate").map(|at| self.correlate(&at, scope)).unwrap_or_default();
        Some(Filter { attributes, correlate })
    }

    fn correlate(&mut self, at: &At<'v>, scope: &Scope) -> Vec<Correlation> {
        if at.value.as_object().is_none() {
            let hint = "write `name:` with `from:` below it";
            self.malformed(&at.pointer, "a mapping of names is expected here", hint);
        }
        let mut all = Vec::new();
        for (name, at) in at.members() {
            self.object(&at, &["from", "expect"]);
            let from = self.required(&at, "from").and_then(|at| self.expression(&at, scope));
            let expect: Option<Shape> = at.get("expect").and_then(|at| self.shape(&at, scope));
            all.extend(from.map(|from| Correlation { name: name.to_owned(), from, expect }));
        }
        all
    }

    pub(super) fn each(&mut self, at: &At<'v>, scope: &Scope) -> Each {
        self.object(at, &["item", "at", "do", "output", "export"]);
        let (item, index) = (self.variable(at, "item", "item"), self.variable(at, "at", "index"));
        let inside = scope.with([item.clone(), index.clone()]);
        Each {
            body: at.get("do").map(|at| self.tasks(&at, &inside)).unwrap_or_default(),
            output: self.output(at, "output", "as", &inside),
            export: self.output(at, "export", "as", &inside),
            item,
            at: index,
        }
    }
}
