//! A definition as it was read and compiled: what a process does, and nothing of how far it is.

mod calls;
mod events;
mod policies;
mod read;
mod reader;
mod shown;
mod tasks;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lineshaft_mapping::{Contract, Environment};

use crate::doc::Doc;
use crate::expression::{Expression, Shape};
use crate::lasts::Lasts;

pub use shown::{Shown, ShownTask};

/// Which definition: a process has one for each version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ProcessName {
    /// Where the name is meant.
    pub namespace: String,
    /// The process.
    pub name: String,
    /// A semantic version.
    pub version: String,
}

impl std::fmt::Display for ProcessName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} {}", self.namespace, self.name, self.version)
    }
}

/// A checked definition. Threads share it.
#[derive(Debug)]
pub struct Definition {
    pub(crate) name: ProcessName,
    pub(crate) title: String,
    pub(crate) source: Doc,
    pub(crate) input: Input,
    pub(crate) output: Output,
    pub(crate) timeout: Option<Lasts>,
    pub(crate) schedule: Schedule,
    pub(crate) body: Arc<[Arc<Task>]>,
    pub(crate) functions: BTreeMap<String, Arc<Task>>,
    /// What its expressions were compiled against.
    pub(crate) environment: Environment,
    pub(crate) digest: String,
    /// Every task by its place.
    pub(crate) tasks: HashMap<Box<str>, Arc<Task>>,
    pub(crate) secrets: Vec<String>,
    /// What an instance is known by in business, computed from its input.
    pub(crate) business_key: Option<Expression>,
    pub(crate) on_fault: OnFault,
}

/// What happens when nothing catches an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFault {
    /// What was done is undone, in reverse.
    Compensate,
    /// Everything stays as it is, and a person decides.
    Hold,
}

impl Definition {
    /// Its name and version.
    #[must_use]
    pub const fn name(&self) -> &ProcessName {
        &self.name
    }

    /// What people call it.
    #[must_use]
    pub fn title(&self) -> &str {
        if self.title.is_empty() { &self.name.name } else { &self.title }
    }

    /// The definition as JSON, as it was given.
    #[must_use]
    pub const fn source(&self) -> &Doc {
        &self.source
    }

    /// A fingerprint of the definition, hexadecimal: two that differ in anything have different ones.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Reads the JSON text of a definition that was written down; its expressions see what those of this one see.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn sibling(&self, source: &str) -> Result<Self, String> {
        Self::written(source, &self.environment)
    }

    /// Reads the JSON text of a definition that was written down.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn written(source: &str, environment: &Environment) -> Result<Self, String> {
        let doc = Doc::parse(source)?;
        let read = Self::read(&doc.value(), environment);
        read.map_err(|problems| problems.first().map(ToString::to_string).unwrap_or_default())
    }

    /// Whether it asks for anything that is not an operation, an event, another process or a person, with the place.
    pub fn calls_by_address(&self) -> impl Iterator<Item = &str> {
        self.tasks.values().filter_map(|task| match &task.kind {
            Kind::Call(Call::Http(_) | Call::OpenApi { .. } | Call::AsyncApi { .. }) => Some(&*task.path),
            _ => None,
        })
    }

    /// When instances start by themselves.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The secrets it may use.
    #[must_use]
    pub fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// The operations of systems it calls, as `system.operation`, each with the place of the call.
    pub fn operations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tasks.values().filter_map(|task| match &task.kind {
            Kind::Call(Call::Operation { name, .. }) => Some((name.as_str(), &*task.path)),
            _ => None,
        })
    }

    /// The processes it runs, each with the place of the task.
    pub fn subprocesses(&self) -> impl Iterator<Item = (&ProcessName, &str)> {
        self.tasks.values().filter_map(|task| match &task.kind {
            Kind::Run { process, .. } => Some((process, &*task.path)),
            _ => None,
        })
    }

    /// Whether it has a task at this place: what a running instance needs to go on with another version.
    #[must_use]
    pub fn has_task(&self, place: &str) -> bool {
        self.tasks.contains_key(place)
    }

    pub(crate) fn task(&self, place: &str) -> Option<&Arc<Task>> {
        self.tasks.get(place)
    }
}

/// What a document must be on its way in.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) schema: Option<Contract>,
    pub(crate) from: Option<Shape>,
}

/// What is made of a document on its way out, or into the context.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) schema: Option<Contract>,
    pub(crate) shape: Option<Shape>,
}

/// Where the flow goes when a task is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    Exit,
    End,
    To(String),
}

/// One task.
#[derive(Debug)]
pub struct Task {
    pub(crate) name: String,
    /// JSON pointer to it in the definition.
    pub(crate) path: Box<str>,
    pub(crate) source: Doc,
    pub(crate) title: String,
    pub(crate) condition: Option<Expression>,
    pub(crate) input: Input,
    pub(crate) output: Output,
    pub(crate) export: Output,
    pub(crate) timeout: Option<Lasts>,
    pub(crate) then: Flow,
    pub(crate) undo: Option<Undo>,
    pub(crate) kind: Kind,
}

/// How a task is undone.
#[derive(Clone, Debug)]
pub(crate) enum Undo {
    Function(String),
    Tasks(Arc<[Arc<Task>]>),
}

/// What a task does.
#[derive(Debug)]
pub(crate) enum Kind {
    Do(Arc<[Arc<Task>]>),
    Set(Shape),
    Switch(Vec<Case>),
    For { each: String, at: String, over: Expression, holds: Option<Expression>, body: Arc<[Arc<Task>]> },
    Fork { branches: Vec<Arc<Task>>, compete: bool },
    Try { body: Arc<[Arc<Task>]>, catch: Catch },
    Raise(Raise),
    Emit(Shape),
    Listen(Box<Listen>),
    Wait(Lasts),
    Call(Call),
    Run { process: ProcessName, input: Shape, awaited: bool },
}

impl Kind {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Do(_) => "do",
            Self::Set(_) => "set",
            Self::Switch(_) => "switch",
            Self::For { .. } => "for",
            Self::Fork { .. } => "fork",
            Self::Try { .. } => "try",
            Self::Raise(_) => "raise",
            Self::Emit(_) => "emit",
            Self::Listen(_) => "listen",
            Self::Wait(_) => "wait",
            Self::Call(_) => "call",
            Self::Run { .. } => "run",
        }
    }
}

/// One way out of a switch.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) when: Option<Expression>,
    pub(crate) then: Flow,
}

/// Which errors a try catches, and what then.
#[derive(Debug, Default)]
pub(crate) struct Catch {
    pub(crate) kind: Option<String>,
    pub(crate) status: Option<i64>,
    pub(crate) instance: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) name: String,
    pub(crate) when: Option<Expression>,
    pub(crate) except_when: Option<Expression>,
    pub(crate) retry: Option<Arc<Retry>>,
    pub(crate) body: Option<Arc<[Arc<Task>]>>,
}

/// How often and when something is tried again.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    pub(crate) when: Option<Expression>,
    pub(crate) except_when: Option<Expression>,
    pub(crate) delay_ms: Option<i64>,
    pub(crate) backoff: Backoff,
    pub(crate) count: Option<u32>,
    pub(crate) attempt_ms: Option<i64>,
    pub(crate) total_ms: Option<i64>,
    pub(crate) jitter_ms: Option<(i64, i64)>,
}

/// How the delay grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Backoff {
    #[default]
    Constant,
    Linear,
    Exponential,
}

/// The error that is raised.
#[derive(Debug)]
pub(crate) struct Raise {
    pub(crate) kind: Shape,
    pub(crate) status: i64,
    pub(crate) title: Option<Shape>,
    pub(crate) detail: Option<Shape>,
}

/// What is called.
#[derive(Debug)]
pub(crate) enum Call {
    Http(Box<Http>),
    OpenApi {
        document: Uri,
        operation: String,
        parameters: Shape,
        output: HttpOutput,
        redirect: bool,
        auth: Option<Arc<Authentication>>,
    },
    AsyncApi {
        document: Uri,
        operation: String,
        server: Option<String>,
        message: Shape,
        auth: Option<Arc<Authentication>>,
    },
    Function {
        name: String,
        with: Shape,
    },
    /// `system.operation` of the workspace.
    Operation {
        name: String,
        with: Option<Shape>,
    },
    /// `case.open`: a person decides.
    Case {
        with: Shape,
    },
}

/// An HTTP request.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) method: String,
    pub(crate) uri: Uri,
    pub(crate) headers: Headers,
    pub(crate) query: Option<Shape>,
    pub(crate) body: Option<Shape>,
    pub(crate) output: HttpOutput,
    pub(crate) redirect: bool,
    pub(crate) auth: Option<Arc<Authentication>>,
}

/// The headers of a request.
#[derive(Debug)]
pub(crate) enum Headers {
    Each(Vec<(String, Private)>),
    Computed(Expression),
}

/// What of an answer becomes the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HttpOutput {
    Raw,
    #[default]
    Content,
    Response,
}

/// An address.
#[derive(Debug)]
pub(crate) enum Uri {
    /// Text and names of top-level members in turn, beginning with text.
    Template(Vec<String>),
    Computed(Expression),
}

/// A text that may be a secret; then only its name is known here.
#[derive(Debug)]
pub(crate) enum Private {
    Plain(Shape),
    Secret { name: String, path: Vec<String> },
}

/// How a call says who calls.
#[derive(Debug)]
pub(crate) struct Authentication {
    pub(crate) scheme: &'static str,
    /// `client.id` and the like.
    pub(crate) values: Vec<(String, Private)>,
    /// The secret that holds them all.
    pub(crate) secret: Option<String>,
}

/// What a listen waits for.
#[derive(Debug)]
pub(crate) struct Listen {
    pub(crate) to: Strategy,
    pub(crate) read: Read,
    pub(crate) each: Option<Each>,
}

/// What of an event is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Read {
    #[default]
    Data,
    Envelope,
}

/// What is done with every event.
#[derive(Debug)]
pub(crate) struct Each {
    pub(crate) item: String,
    pub(crate) at: String,
    pub(crate) body: Arc<[Arc<Task>]>,
    pub(crate) output: Output,
    pub(crate) export: Output,
}

/// Which events, and how many of them.
#[derive(Debug)]
pub(crate) enum Strategy {
    One(Filter),
    Any { filters: Vec<Filter>, until: Option<Until> },
    All(Vec<Filter>),
}

impl Strategy {
    /// The types of events that may count; none when any type may.
    pub(crate) fn event_types(&self) -> Option<Vec<String>> {
        let own = self.filters();
        let mut types = own.iter().map(Filter::event_type).collect::<Option<Vec<String>>>()?;
        if own.is_empty() {
            return None;
        }
        if let Self::Any { until: Some(Until::Consumed(until)), .. } = self {
            types.extend(until.event_types()?);
        }
        Some(types)
    }

    pub(crate) fn filters(&self) -> &[Filter] {
        match self {
            Self::One(filter) => std::slice::from_ref(filter),
            Self::Any { filters, .. } | Self::All(filters) => filters,
        }
    }
}

/// When listening to any event ends.
#[derive(Debug)]
pub(crate) enum Until {
    Holds(Box<Expression>),
    Consumed(Box<Strategy>),
}

/// Which events.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) attributes: Vec<(String, Match)>,
    pub(crate) correlate: Vec<Correlation>,
}

impl Filter {
    /// The type it asks for, when it is a fixed one.
    pub(crate) fn event_type(&self) -> Option<String> {
        self.attributes.iter().find_map(|(name, wanted)| match wanted {
            Match::Equals(doc) if name == "type" => doc.text(),
            _ => None,
        })
    }
}

/// What an attribute must be.
#[derive(Debug)]
pub(crate) enum Match {
    Equals(Doc),
    /// Of the attribute: a boolean decides, anything else must be equal to it.
    Computed(Expression),
}

/// What ties events together, and to an instance.
#[derive(Debug)]
pub(crate) struct Correlation {
    pub(crate) name: String,
    pub(crate) from: Expression,
    pub(crate) expect: Option<Shape>,
}

/// When instances start by themselves.
#[derive(Debug, Default)]
pub struct Schedule {
    pub(crate) every_ms: Option<i64>,
    pub(crate) after_ms: Option<i64>,
    pub(crate) cron: Option<String>,
    pub(crate) on: Option<Strategy>,
}

impl Schedule {
    /// The time between two starts, in milliseconds.
    #[must_use]
    pub const fn every_ms(&self) -> Option<i64> {
        self.every_ms
    }

    /// The time between an end and the next start, in milliseconds.
    #[must_use]
    pub const fn after_ms(&self) -> Option<i64> {
        self.after_ms
    }

    /// A cron expression.
    #[must_use]
    pub fn cron(&self) -> Option<&str> {
        self.cron.as_deref()
    }

    /// Whether events start instances.
    #[must_use]
    pub const fn on_events(&self) -> bool {
        self.on.is_some()
    }

    /// Whether several events together start an instance.
    #[must_use]
    pub const fn on_several(&self) -> bool {
        matches!(self.on, Some(Strategy::All(_)))
    }
}
