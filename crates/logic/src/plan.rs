//! The running configuration as decisions need it: compiled, checked, immutable. A reload makes a new plan.

use std::collections::HashMap;
use std::sync::Arc;

use lineshaft_formats::Format;
use lineshaft_mapping::{Condition, Contract, Environment, Expression, Mapping, Template};
use lineshaft_model::event_type::TypePattern;
use lineshaft_model::{Destination, Priority};

use crate::deliver::RetryRule;
use crate::mend::Mending;
use crate::own::Ownership;
use crate::pace::Limits;

/// Everything intake and delivery decide by.
#[derive(Debug, Default)]
pub struct Plan {
    /// The tenant of whatever names none.
    pub tenant: String,
    /// By `system/source`.
    pub sources: HashMap<String, Arc<SourcePlan>>,
    /// In the order of their files and names.
    pub routes: Vec<Route>,
    /// Who owns what.
    pub ownership: Ownership,
    /// Contracts of canonical events, by event type.
    pub contracts: HashMap<String, Arc<Contract>>,
    /// By `system.operation`.
    pub operations: HashMap<String, OperationPlan>,
    /// Retry rules by route name, for deliveries owed since before a reload too.
    pub retries: HashMap<String, RetryRule>,
    /// How many events one request may bring.
    pub batch_events: usize,
    /// How large a document may be, in bytes.
    pub document_bytes: usize,
    /// Who may change what in a dead letter.
    pub mending: Mending,
    /// Code lists and units, for expressions that people ask with.
    pub environment: Environment,
}

/// How a source's bytes become events.
#[derive(Debug)]
pub struct SourcePlan {
    /// The system.
    pub system: String,
    /// The source within it.
    pub source: String,
    /// Whose its events are.
    pub tenant: String,
    /// Where they belong, when the mapping does not say.
    pub site: String,
    /// How its bytes are read.
    pub format: Format,
    /// What a document must meet before it is mapped.
    pub contract: Option<Arc<Contract>>,
    /// How a document becomes events; `None` when it is one already.
    pub mapping: Option<Arc<Mapping>>,
    /// Event types it may produce; any when empty.
    pub emits: Vec<String>,
    /// Class of its events, when nothing else says.
    pub priority: Option<Priority>,
    /// Gives each event its number in the source's own sequence.
    pub sequence: Option<Expression>,
}

/// Who gets what.
#[derive(Debug)]
pub struct Route {
    /// Its name.
    pub name: Arc<str>,
    /// Which events.
    pub on: TypePattern,
    /// Only when this holds.
    pub when: Option<Condition>,
    /// Where to.
    pub to: Destination,
    /// Its class.
    pub priority: Class,
    /// What keeps order; the event's order key when `None`.
    pub order_by: Option<Expression>,
    /// Whether a dead letter holds back its key.
    pub parks: bool,
}

/// How urgent what a route asks for is.
#[derive(Debug, Default)]
pub enum Class {
    /// As the event says; normal when it does not.
    #[default]
    OfTheEvent,
    /// Always the same.
    Fixed(Priority),
    /// As an expression over the event says.
    Computed(Expression),
}

/// How an event becomes a request.
#[derive(Debug, Default)]
pub struct OperationPlan {
    /// What makes the body; the canonical data when `None`.
    pub mapping: Option<Arc<Mapping>>,
    /// The texts of the sink's slots, in its order.
    pub slots: Vec<Template>,
    /// Limits of its own, besides those of its system.
    pub limits: Option<Limits>,
}

impl Plan {
    /// How deliveries of a route are retried.
    #[must_use]
    pub fn retry(&self, route: &str) -> RetryRule {
        self.retries.get(route).copied().unwrap_or_default()
    }
}
