//! From the tree of a file to a definition: the document, what it may use, when it starts, and its tasks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lineshaft_mapping::{Contract, Environment, Schemas};
use lineshaft_model::json::Value;

use super::reader::{At, Names, Reader};
use super::{Definition, Input, OnFault, Output, ProcessName, Schedule, Task};
use crate::doc::Doc;
use crate::expression::{Expression, Scope, clip};
use crate::problem::{MALFORMED, Problem};

const KEYS: &[&str] = &["document", "input", "use", "do", "timeout", "output", "schedule", "evaluate"];
const USE_KEYS: &[&str] =
    &["authentications", "errors", "extensions", "functions", "retries", "secrets", "timeouts", "catalogs"];
const DOCUMENT_KEYS: &[&str] =
    &["dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata"];

/// The head of a definition.
struct Head {
    name: Option<ProcessName>,
    title: String,
    on_fault: OnFault,
    business_key: Option<Expression>,
}

impl Definition {
    /// Reads a definition; numbers in the tree are text.
    ///
    /// # Errors
    /// Everything that is wrong with it, or not available here, each with its place.
    pub fn read(tree: &Value<'_>, environment: &Environment) -> Result<Self, Vec<Problem>> {
        let root = At { value: tree, pointer: String::new() };
        let mut reader = Reader {
            environment,
            problems: Vec::new(),
            names: Names::default(),
            uses: root.get("use"),
            retries: HashMap::new(),
            tasks: HashMap::new(),
            depth: 0,
        };
        let definition = reader.definition(&root);
        let mut problems = std::mem::take(&mut reader.problems);
        match definition {
            Some(mut definition) if problems.is_empty() => {
                definition.tasks = reader.tasks;
                Ok(definition)
            }
            _ => {
                if problems.is_empty() {
                    problems.push(Problem::new("", MALFORMED, "the definition cannot be read"));
                }
                Err(problems)
            }
        }
    }
}

impl<'v> Reader<'v, '_> {
    fn definition(&mut self, root: &At<'v>) -> Option<Definition> {
        if !self.object(root, KEYS) {
            return None;
        }
        let head = self.required(root, "document").map(|at| self.document(&at));
        self.evaluate(root);
        let functions = self.uses();
        let scope = Scope::default();
        let input = self.input(root, &scope);
        let output = self.output(root, "output", "as", &scope);
        let timeout = self.timeout(root, &scope);
        let schedule = root.get("schedule").map(|at| self.schedule(&at)).unwrap_or_default();
        let body = self.required(root, "do").map(|at| self.tasks(&at, &scope)).unwrap_or_default();
        let head = head?;
        let source = Doc::of(root.value);
        Some(Definition {
            name: head.name?,
            title: head.title,
            digest: digest_of(&source),
            source,
            environment: self.environment.clone(),
            input,
            output,
            timeout,
            schedule,
            body,
            functions,
            tasks: HashMap::new(),
            secrets: self.names.secrets.clone(),
            business_key: head.business_key,
            on_fault: head.on_fault,
        })
    }

    fn document(&mut self, at: &At<'v>) -> Head {
        self.object(at, DOCUMENT_KEYS);
        if let Some(dsl) = self.required_text(at, "dsl") {
            let place = format!("{}/dsl", at.pointer);
            if !is_version(dsl) {
                self.malformed(&place, "it is not a version such as 1.0.3", "");
            } else if !dsl.starts_with("1.") {
                let message = format!("version {dsl} of the DSL is not known here");
                self.unsupported(&place, message, "write it for 1.0");
            }
        }
        let (namespace, name) = (self.word(at, "namespace"), self.word(at, "name"));
        let version = self.required_text(at, "version").map(str::to_owned);
        if let Some(text) = version.as_deref().filter(|text| !is_version(text)) {
            let message = format!("`{}` is not a semantic version", clip(text));
            self.malformed(&format!("{}/version", at.pointer), message, "write it as '1.0.0', in quotes");
        }
        let title = self.optional_text(at, "title").unwrap_or_default().to_owned();
        self.optional_text(at, "summary");
        for key in ["tags", "metadata"] {
            if let Some(at) = at.get(key).filter(|at| at.value.as_object().is_none()) {
                self.malformed(&at.pointer, "a mapping is expected here", "");
            }
        }
        let metadata = at.get("metadata");
        let on_fault = metadata.as_ref().and_then(|at| at.get("onFault"));
        let on_fault = on_fault.map_or(OnFault::Compensate, |at| self.on_fault(&at));
        let business_key = metadata.and_then(|at| at.get("businessKey"));
        let business_key = business_key.and_then(|at| self.expression(&at, &Scope::default()));
        let name = namespace.zip(name).zip(version);
        let name = name.map(|((namespace, name), version)| ProcessName { namespace, name, version });
        Head { name, title, on_fault, business_key }
    }

    fn on_fault(&mut self, at: &At<'v>) -> OnFault {
        match at.value.as_str() {
            Some("compensate") => OnFault::Compensate,
            Some("hold") => OnFault::Hold,
            _ => {
                self.malformed(&at.pointer, "it is neither `compensate` nor `hold`", "");
                OnFault::Compensate
            }
        }
    }

    fn word(&mut self, at: &At<'v>, key: &str) -> Option<String> {
        let text = self.required_text(at, key)?;
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let good = (1..=63).contains(&text.len())
            && text.chars().all(inside)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if !good {
            let message = format!("`{}` is no name", clip(text));
            let hint = "use letters, digits and hyphens, at most 63, no hyphen at either end";
            self.malformed(&format!("{}/{key}", at.pointer), message, hint);
        }
        good.then(|| text.to_owned())
    }

    fn evaluate(&mut self, root: &At<'v>) {
        let Some(at) = root.get("evaluate") else { return };
        self.object(&at, &["language", "mode"]);
        if let Some(language) = self.optional_text(&at, "language").filter(|language| *language != "jq") {
            let message = format!("the language `{}` is not available", clip(language));
            self.unsupported(&format!("{}/language", at.pointer), message, "expressions are written in jq");
        }
        let mode = self.optional_text(&at, "mode");
        if let Some(mode) = mode.filter(|mode| !matches!(*mode, "strict" | "loose")) {
            let message = format!("`{}` is neither strict nor loose", clip(mode));
            self.malformed(&format!("{}/mode", at.pointer), message, "");
        }
    }

    /// Reads what tasks may use, names first. The functions are given back.
    fn uses(&mut self) -> BTreeMap<String, Arc<Task>> {
        let Some(uses) = self.uses.clone() else { return BTreeMap::new() };
        self.object(&uses, USE_KEYS);
        if let Some(at) = uses.get("extensions") {
            let hint = "write the tasks where they belong";
            self.unsupported(&at.pointer, "extensions are not available", hint);
        }
        if let Some(at) = uses.get("catalogs") {
            let message = "catalogs are not available: nothing is fetched from elsewhere at run time";
            self.unsupported(&at.pointer, message, "copy the function under use.functions");
        }
        let part = |part: &str| uses.get(part).map(|at| at.members()).unwrap_or_default();
        let names = |key: &str| part(key).iter().map(|(name, _)| (*name).to_owned()).collect();
        self.names.functions = names("functions");
        self.names.authentications = names("authentications");
        if let Some(at) = uses.get("secrets") {
            for item in self.list(&at) {
                let name = self.text(&item);
                self.names.secrets.extend(name.map(str::to_owned));
            }
        }
        let scope = Scope::default();
        for (name, at) in part("retries") {
            let retry = self.retry(&at, &scope);
            self.retries.insert(name.to_owned(), Arc::new(retry));
        }
        for (_, at) in part("authentications") {
            self.authentication(&at, &scope);
        }
        for (_, at) in part("errors") {
            self.error(&at, &scope);
        }
        for (_, at) in part("timeouts") {
            self.timeout_of(&at, &scope);
        }
        let mut functions = BTreeMap::new();
        for (name, at) in part("functions") {
            let task = self.task(name, &at, &scope, &[]);
            functions.extend(task.map(|task| (name.to_owned(), task)));
        }
        functions
    }

    fn schedule(&mut self, at: &At<'v>) -> Schedule {
        self.object(at, &["every", "cron", "after", "on"]);
        let (every_ms, after_ms) = (self.interval(at, "every"), self.interval(at, "after"));
        let cron = self.optional_text(at, "cron").map(str::to_owned);
        let on = at.get("on").and_then(|at| self.strategy(&at, &Scope::default(), false));
        Schedule { every_ms, after_ms, cron, on }
    }

    fn interval(&mut self, at: &At<'v>, key: &str) -> Option<i64> {
        let at = at.get(key)?;
        let lasts = self.duration(&at, &Scope::default())?;
        let lasts_ms = lasts.span().map(|span| crate::lasts::later(lineshaft_model::Millis(0), span).0);
        if lasts_ms.is_none_or(|lasts_ms| lasts_ms < 1000) {
            let message = "a schedule has a fixed duration of at least one second";
            self.malformed(&at.pointer, message, "write for instance `minutes: 5`");
        }
        lasts_ms
    }

    pub(super) fn input(&mut self, at: &At<'v>, scope: &Scope) -> Input {
        let Some(at) = at.get("input") else { return Input::default() };
        self.object(&at, &["schema", "from"]);
        Input { schema: self.schema(&at), from: at.get("from").and_then(|at| self.loose(&at, scope)) }
    }

    pub(super) fn output(&mut self, at: &At<'v>, key: &str, shape: &str, scope: &Scope) -> Output {
        let Some(at) = at.get(key) else { return Output::default() };
        self.object(&at, &["schema", shape]);
        Output { schema: self.schema(&at), shape: at.get(shape).and_then(|at| self.loose(&at, scope)) }
    }

    fn schema(&mut self, at: &At<'v>) -> Option<Contract> {
        let at = at.get("schema")?;
        self.object(&at, &["format", "document", "resource"]);
        let format = self.optional_text(&at, "format").unwrap_or("json");
        if format != "json" && !format.starts_with("json:") {
            let message = format!("the schema format `{}` is not available", clip(format));
            self.unsupported(&at.pointer, message, "write it as JSON Schema");
        }
        if let Some(resource) = at.get("resource") {
            let message = "nothing is fetched from elsewhere to check a document";
            self.unsupported(&resource.pointer, message, "write the schema under `document`");
            return None;
        }
        let document = self.required(&at, "document")?;
        let compiled = Contract::compile_text("schema", "1", &document.value.to_vec(), &Schemas::default());
        let place = document.pointer;
        self.keep(compiled.map_err(|faults| {
            let problem = |fault: lineshaft_mapping::Diagnostic| {
                Problem::new(&place, fault.code, fault.message).hint(fault.hint)
            };
            faults.into_iter().map(problem).collect()
        }))
    }
}

fn digest_of(source: &Doc) -> String {
    format!("{:?}", lineshaft_model::Fingerprint::of(&["process", source.as_str()]))
}

/// Semantic versioning 2.0.0.
fn is_version(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let number = |part: &str| digits(part) && (part == "0" || !part.starts_with('0'));
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(|part| word(part) && (!digits(part) || number(part))))
        && build.is_none_or(|build| build.split('.').all(word))
}
