//! Who reads which fields of which events.

use std::collections::BTreeMap;

use lineshaft_logic::plan::Class;
use lineshaft_mapping::{Reads, Template};

use crate::workspace::marked::{Kind, Node};
use crate::workspace::{RouteFile, System, Workspace};

/// One who reads the events of a contract.
#[derive(Clone, Debug)]
pub struct Reader {
    /// `system.operation`; a system's name for one that is only declared.
    pub who: String,
    /// Where it says so: a mapping, a route, or the contract itself.
    pub by: String,
    /// What it reads of the event's data.
    pub reads: Reads,
}

/// The readers of each contract that is named after an event type.
#[derive(Clone, Debug, Default)]
pub struct Readers(BTreeMap<String, Vec<Reader>>);

impl Readers {
    /// Looks through a workspace.
    #[must_use]
    pub fn of(workspace: &Workspace) -> Self {
        let mut readers = BTreeMap::new();
        for (name, contract) in &workspace.contracts {
            let covered = workspace.routes.iter().filter(|route| route.route.on.covers(name));
            let mut found: Vec<Reader> = covered.map(|route| of_route(workspace, route)).collect();
            for consumer in &contract.spec.consumers {
                let known = |reader: &Reader| reader.who.split('.').next() == Some(consumer);
                if !found.iter().any(known) {
                    let reads = Reads::everything();
                    found.push(Reader { who: consumer.clone(), by: contract.file.clone(), reads });
                }
            }
            readers.insert(name.clone(), found);
        }
        Self(readers)
    }

    /// The readers of a contract.
    #[must_use]
    pub fn of_contract(&self, name: &str) -> &[Reader] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

fn of_route(workspace: &Workspace, route: &RouteFile) -> Reader {
    let destination = &route.route.to;
    let mut reads = route.route.when.as_ref().map_or_else(Reads::default, |when| when.reads());
    if let Some(order_by) = &route.route.order_by {
        reads = reads.and(order_by.reads());
    }
    if let Class::Computed(expression) = &route.route.priority {
        reads = reads.and(expression.reads());
    }
    let system = workspace.systems.iter().find(|system| system.name == destination.system());
    let operation = system.and_then(|system| system.spec.operations.get(destination.operation()));
    let mapping = operation.and_then(|operation| operation.mapping.as_ref());
    let (body, by) = match mapping.and_then(|name| workspace.mappings.get(name)) {
        Some(mapping) => (mapping.reads(), format!("mappings/{}", mapping.name())),
        None => (Reads::everything(), route.file.clone()),
    };
    reads = reads.and(body);
    if let Some(node) = system.and_then(|system| System::operation(system, destination.operation())) {
        reads = reads.and(of_texts(workspace, node));
    }
    Reader { who: destination.as_str().to_owned(), by, reads: reads.below("data") }
}

/// What the `{{ }}` of an operation's texts read.
fn of_texts(workspace: &Workspace, node: &Node) -> Reads {
    match &node.kind {
        Kind::Text(text) if text.contains("{{") => {
            let template = Template::compile(text, &workspace.environment);
            template.map_or_else(|_| Reads::everything(), |template| template.reads())
        }
        Kind::List(items) => {
            items.iter().fold(Reads::default(), |reads, item| reads.and(of_texts(workspace, item)))
        }
        Kind::Map(entries) => {
            entries.iter().fold(Reads::default(), |reads, entry| reads.and(of_texts(workspace, &entry.value)))
        }
        _ => Reads::default(),
    }
}
