//! Reading tasks.

use std::sync::Arc;

use lineshaft_model::json::Value;

use super::reader::{At, Reader, near};
use super::{Case, Catch, Flow, Kind, Listen, ProcessName, Raise, Read, Task, Undo};
use crate::doc::Doc;
use crate::expression::{Scope, Shape, clip, is_variable};
use crate::problem::{Problem, UNKNOWN_NAME};

/// Tasks inside one another.
pub(super) const DEEPEST: usize = 24;
/// Tasks of one definition.
const MOST_TASKS: usize = 2000;

const BASE: &[&str] = &["if", "input", "output", "export", "timeout", "then", "metadata"];
/// What makes a task, each with the keys that go with it.
const KINDS: &[(&str, &[&str])] = &[
    // `for` comes before `do`, which it has as well.
    ("for", &["while", "do"]),
    ("try", &["catch"]),
    ("listen", &["foreach"]),
    ("call", &["with"]),
    ("do", &[]),
    ("set", &[]),
    ("switch", &[]),
    ("fork", &[]),
    ("raise", &[]),
    ("emit", &[]),
    ("wait", &[]),
    ("run", &[]),
];

impl<'v> Reader<'v, '_> {
    /// A list of named tasks.
    pub(super) fn tasks(&mut self, at: &At<'v>, scope: &Scope) -> Arc<[Arc<Task>]> {
        let named = self.named(at, "task");
        let siblings: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
        named.iter().filter_map(|(name, at)| self.task(name, at, scope, &siblings)).collect()
    }

    /// One task.
    pub(super) fn task(
        &mut self,
        name: &str,
        at: &At<'v>,
        scope: &Scope,
        siblings: &[&str],
    ) -> Option<Arc<Task>> {
        if self.depth >= DEEPEST || self.tasks.len() >= MOST_TASKS {
            let message = format!("more than {DEEPEST} tasks inside one another, or {MOST_TASKS} in all");
            self.malformed(&at.pointer, message, "split the process, and run one from the other");
            return None;
        }
        self.depth += 1;
        let task = self.task_within(name, at, scope, siblings);
        self.depth -= 1;
        let task = Arc::new(task?);
        self.tasks.insert(task.path.clone(), Arc::clone(&task));
        Some(task)
    }

    fn task_within(&mut self, name: &str, at: &At<'v>, scope: &Scope, siblings: &[&str]) -> Option<Task> {
        let Some((kind, more)) = KINDS.iter().find(|(kind, _)| at.value.get(kind).is_some()) else {
            let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
            let near =
                at.members().into_iter().find_map(|(key, _)| kinds.iter().find(|kind| near(kind, key)));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has one of {}", kinds.join(", ")),
            };
            self.malformed(&at.pointer, "nothing here says what the task does", hint);
            return None;
        };
        let known: Vec<&str> = BASE.iter().chain(*more).chain([kind]).copied().collect();
        self.object(at, &known);
        let title = at.get("metadata").and_then(|at| at.get("title"));
        Some(Task {
            name: name.to_owned(),
            path: at.pointer.as_str().into(),
            source: Doc::of(at.value),
            title: title.and_then(|at| at.value.as_str()).unwrap_or_default().to_owned(),
            condition: self.optional_expression(at, "if", scope),
            input: self.input(at, scope),
            output: self.output(at, "output", "as", scope),
            export: self.output(at, "export", "as", scope),
            timeout: self.timeout(at, scope),
            then: at.get("then").and_then(|at| self.flow(&at, siblings)).unwrap_or(Flow::Continue),
            undo: self.undo(at),
            kind: self.kind(kind, at, scope, siblings)?,
        })
    }

    fn kind(&mut self, kind: &str, at: &At<'v>, scope: &Scope, siblings: &[&str]) -> Option<Kind> {
        let value = at.get(kind)?;
        match kind {
            "do" => Some(Kind::Do(self.tasks(&value, scope))),
            "set" => self.set(&value, scope),
            "switch" => Some(self.switch(&value, scope, siblings)),
            "for" => self.repeat(at, &value, scope),
            "fork" => Some(self.fork(&value, scope)),
            "try" => self.attempt(at, &value, scope),
            "raise" => {
                self.object(&value, &["error"]);
                let error = self.required(&value, "error")?;
                self.raise(&error, scope).map(Kind::Raise)
            }
            "emit" => self.emit(&value, scope),
            "listen" => self.listen(at, &value, scope),
            "wait" => self.duration(&value, scope).map(Kind::Wait),
            "call" => self.call(at, &value, scope).map(Kind::Call),
            _ => self.run(&value, scope),
        }
    }

    fn flow(&mut self, at: &At<'v>, siblings: &[&str]) -> Option<Flow> {
        Some(match self.text(at)? {
            "continue" => Flow::Continue,
            "exit" => Flow::Exit,
            "end" => Flow::End,
            name if siblings.contains(&name) => Flow::To(name.to_owned()),
            name => {
                let message = format!("no task beside this one is called `{}`", clip(name));
                let hint = format!("continue, exit, end, or one of {}", siblings.join(", "));
                self.problems.push(Problem::new(&at.pointer, UNKNOWN_NAME, message).hint(hint));
                return None;
            }
        })
    }

    /// `metadata.compensate`: a function, or tasks of its own.
    fn undo(&mut self, at: &At<'v>) -> Option<Undo> {
        let metadata = at.get("metadata")?;
        if metadata.value.as_object().is_none() {
            self.malformed(&metadata.pointer, "a mapping is expected here", "");
        }
        let at = metadata.get("compensate")?;
        match at.value.as_str() {
            Some(name) if self.names.functions.contains(name) => Some(Undo::Function(name.to_owned())),
            Some(name) => {
                let hint = "define it under use.functions, or write a list of tasks here";
                self.unknown(&at.pointer, "function", name, hint);
                None
            }
            None => Some(Undo::Tasks(self.tasks(&at, &Scope::default()))),
        }
    }

    fn set(&mut self, at: &At<'v>, scope: &Scope) -> Option<Kind> {
        let good = match at.value {
            Value::Object(members) => !members.is_empty(),
            Value::String(text) => crate::expression::inner(text).is_some(),
            _ => false,
        };
        if !good {
            let message = "set takes a mapping with at least one key, or an expression";
            self.malformed(&at.pointer, message, "write `name: value` below it");
        }
        self.shape(at, scope).map(Kind::Set)
    }

    fn switch(&mut self, at: &At<'v>, scope: &Scope, siblings: &[&str]) -> Kind {
        let mut cases = Vec::new();
        for (name, case) in self.named(at, "case") {
            self.object(&case, &["when", "then"]);
            let when = self.optional_expression(&case, "when", scope);
            let then = self.required(&case, "then").and_then(|at| self.flow(&at, siblings));
            cases.extend(then.map(|then| Case { name: name.to_owned(), when, then }));
        }
        if at.items().is_empty() {
            self.malformed(&at.pointer, "a switch has at least one case", "");
        }
        Kind::Switch(cases)
    }

    /// The name of a variable, under a key or by default.
    pub(super) fn variable(&mut self, at: &At<'v>, key: &str, default: &str) -> String {
        let name = self.optional_text(at, key).unwrap_or(default);
        if is_variable(name) {
            return name.to_owned();
        }
        let message = format!("`{}` cannot be the name of a variable", clip(name));
        let hint = "use letters, digits and _, beginning with a letter";
        self.malformed(&format!("{}/{key}", at.pointer), message, hint);
        default.to_owned()
    }

    fn repeat(&mut self, at: &At<'v>, value: &At<'v>, scope: &Scope) -> Option<Kind> {
        self.object(value, &["each", "in", "at"]);
        let (each, index) = (self.variable(value, "each", "item"), self.variable(value, "at", "index"));
        let over = self.required(value, "in").and_then(|at| self.expression(&at, scope));
        let inside = scope.with([each.clone(), index.clone()]);
        let holds = self.optional_expression(at, "while", &inside);
        let body = self.required(at, "do").map(|at| self.tasks(&at, &inside))?;
        Some(Kind::For { each, at: index, over: over?, holds, body })
    }

    fn fork(&mut self, at: &At<'v>, scope: &Scope) -> Kind {
        self.object(at, &["branches", "compete"]);
        let compete = self.truth(at, "compete", false);
        let named = self.required(at, "branches").map(|at| self.named(&at, "task")).unwrap_or_default();
        let branches = named.iter().filter_map(|(name, at)| self.task(name, at, scope, &[])).collect();
        Kind::Fork { branches, compete }
    }

    fn attempt(&mut self, at: &At<'v>, value: &At<'v>, scope: &Scope) -> Option<Kind> {
        let body = self.tasks(value, scope);
        let at = self.required(at, "catch")?;
        self.object(&at, &["errors", "as", "when", "exceptWhen", "retry", "do"]);
        let name = self.variable(&at, "as", "error");
        let inside = scope.with([name.clone()]);
        let mut catch = Catch {
            when: self.optional_expression(&at, "when", &inside),
            except_when: self.optional_expression(&at, "exceptWhen", &inside),
            retry: at.get("retry").and_then(|at| self.retry_or_name(&at, &inside)),
            body: at.get("do").map(|at| self.tasks(&at, &inside)),
            name,
            ..Catch::default()
        };
        if let Some(errors) = at.get("errors") {
            self.object(&errors, &["with"]);
            if let Some(with) = errors.get("with") {
                self.error_filter(&with, &mut catch);
            }
        }
        Some(Kind::Try { body, catch })
    }

    fn error_filter(&mut self, with: &At<'v>, catch: &mut Catch) {
        // The schema says `details`, an error has `detail`: both are read.
        self.object(with, &["type", "status", "instance", "title", "detail", "details"]);
        if with.value.as_object().is_some_and(<[_]>::is_empty) {
            let message = "a filter has at least one property";
            self.malformed(&with.pointer, message, "leave `errors` out to catch every error");
        }
        let mut text = |key: &str| self.optional_text(with, key).map(str::to_owned);
        catch.kind = text("type");
        catch.instance = text("instance");
        catch.title = text("title");
        catch.detail = text("detail").or_else(|| text("details"));
        catch.status = self.whole(with, "status");
    }

    /// An error, or the name of one.
    fn raise(&mut self, at: &At<'v>, scope: &Scope) -> Option<Raise> {
        let Some(name) = at.value.as_str() else { return self.error(at, scope) };
        let found = self.used("errors", name);
        if found.is_none() {
            self.unknown(&at.pointer, "error", name, "define it under use.errors");
        }
        found.and_then(|error| self.error(&error, scope))
    }

    pub(super) fn error(&mut self, at: &At<'v>, scope: &Scope) -> Option<Raise> {
        self.object(at, &["type", "status", "instance", "title", "detail"]);
        for key in ["type", "instance", "title", "detail"] {
            self.optional_text(at, key);
        }
        let kind = self.required(at, "type").and_then(|at| self.shape(&at, scope));
        self.required(at, "status")?;
        let status = self.whole(at, "status");
        let mut optional = |key: &str| at.get(key).and_then(|at| self.shape(&at, scope));
        Some(Raise { title: optional("title"), detail: optional("detail"), kind: kind?, status: status? })
    }

    fn emit(&mut self, at: &At<'v>, scope: &Scope) -> Option<Kind> {
        self.object(at, &["event"]);
        let event = self.required(at, "event")?;
        let with = self.required(&event, "with");
        if event.value.as_object().is_none()
            || with.as_ref().is_some_and(|with| with.value.as_object().is_none())
        {
            self.malformed(&event.pointer, "a mapping with `with:` is expected here", "");
        }
        let with = with?;
        for key in ["source", "type"] {
            self.required(&with, key);
        }
        self.shape(&with, scope).map(Kind::Emit)
    }

    fn listen(&mut self, at: &At<'v>, value: &At<'v>, scope: &Scope) -> Option<Kind> {
        self.object(value, &["to", "read"]);
        let place = format!("{}/read", value.pointer);
        let read = match self.optional_text(value, "read") {
            None | Some("data") => Read::Data,
            Some("envelope") => Read::Envelope,
            Some("raw") => {
                let hint = "read `data` or `envelope`; the raw bytes stay in the journal";
                self.unsupported(&place, "raw bytes are not read into a process", hint);
                Read::Data
            }
            Some(_) => {
                self.malformed(&place, "it is none of data, envelope and raw", "");
                Read::Data
            }
        };
        let to = self.required(value, "to").and_then(|at| self.strategy(&at, scope, true));
        let each = at.get("foreach").map(|at| self.each(&at, scope));
        Some(Kind::Listen(Box::new(Listen { to: to?, read, each })))
    }

    fn run(&mut self, at: &At<'v>, scope: &Scope) -> Option<Kind> {
        self.object(at, &["workflow", "container", "script", "shell", "await", "return"]);
        for (key, what) in [("container", "containers"), ("script", "scripts"), ("shell", "shell commands")] {
            if let Some(at) = at.get(key) {
                let why = "a hub that holds the keys of every system runs no other programs";
                let hint = "call the program behind an HTTP address, or do it with jq";
                self.unsupported(&at.pointer, format!("{what} are not run: {why}"), hint);
                return None;
            }
        }
        let awaited = self.truth(at, "await", true);
        if let Some(at) = at.get("return") {
            let message = "a workflow has an output and no standard output";
            self.unsupported(&at.pointer, message, "take `return` out");
        }
        let workflow = self.required(at, "workflow")?;
        self.object(&workflow, &["namespace", "name", "version", "input"]);
        let mut text = |key: &str| self.required_text(&workflow, key).map(str::to_owned);
        let (namespace, name, version) = (text("namespace"), text("name"), text("version"));
        let input = match workflow.get("input") {
            Some(at) => {
                if at.value.as_object().is_none() {
                    self.malformed(&at.pointer, "a mapping is expected here", "");
                }
                self.shape(&at, scope)?
            }
            None => Shape::Fixed(Doc::empty()),
        };
        let process = ProcessName { namespace: namespace?, name: name?, version: version? };
        Some(Kind::Run { process, input, awaited })
    }
}
