//! The stage: a workspace compiled as a hub would, with what its operations would send.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lineshaft_engine::Setup;
use lineshaft_logic::plan::OperationPlan;
use lineshaft_logic::request::Escape as TemplateEscape;
use lineshaft_model::Reasons;
use lineshaft_model::json::Value;
use lineshaft_ports::{Escape, Sink, Slot};

use super::coverage::Parts;
use crate::workspace::Workspace;

/// What can be played on.
#[derive(Debug)]
pub struct Stage {
    pub(super) setup: Setup,
    /// What a file says of each operation's request, by `system.operation`.
    requests: BTreeMap<String, Value<'static>>,
    parts: Parts,
    folder: PathBuf,
}

impl Stage {
    pub(super) fn new(mut workspace: Workspace) -> Result<Self, Reasons> {
        let parts = Parts::of(&workspace);
        let mut requests = BTreeMap::new();
        for system in &workspace.systems {
            for name in system.spec.operations.keys() {
                let tree = system.operation(name).map(|node| node.to_value()).unwrap_or_default();
                requests.insert(format!("{}.{name}", system.name), tree);
            }
        }
        let folder = workspace.folder.clone();
        // What fetches input is built as well, so that its settings are checked, and dropped unused.
        let (setup, _sources) = crate::wire::build(&mut workspace)?;
        Ok(Self { setup, requests, parts, folder })
    }

    /// Where the workspace is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What can be covered.
    #[must_use]
    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// An operation with its sink.
    pub(super) fn operation(&self, destination: &str) -> Option<(&OperationPlan, &Arc<dyn Sink>)> {
        Some((self.setup.plan.operations.get(destination)?, self.setup.sinks.get(destination)?))
    }

    /// The request that a file describes, with the texts of the slots in their places.
    pub(super) fn request(&self, destination: &str, slots: &[Slot], texts: Vec<String>) -> Value<'static> {
        let mut tree = self.requests.get(destination).cloned().unwrap_or_default();
        for (slot, text) in slots.iter().zip(texts) {
            // `/operations/NAME/request/path`: the first two are the operation's own.
            let inner = slot.at.splitn(4, '/').nth(3).unwrap_or_default();
            if let Some(place) = place(&mut tree, inner) {
                *place = Value::String(text.into());
            }
        }
        match tree.get("request") {
            Some(request) => request.clone(),
            None => tree,
        }
    }
}

/// The place of a pointer without its first slash.
fn place<'t>(tree: &'t mut Value<'static>, pointer: &str) -> Option<&'t mut Value<'static>> {
    pointer.split('/').try_fold(tree, |value, token| {
        let token = token.replace("~1", "/").replace("~0", "~");
        match value {
            Value::Object(members) => {
                members.iter_mut().find(|(name, _)| *name == *token).map(|(_, value)| value)
            }
            Value::Array(elements) => elements.get_mut(token.parse::<usize>().ok()?),
            _ => None,
        }
    })
}

/// How a slot's value is made safe, in the words of templates.
pub(super) const fn escape(escape: Escape) -> TemplateEscape {
    match escape {
        Escape::PathSegment => TemplateEscape::PathSegment,
        Escape::QueryValue => TemplateEscape::QueryValue,
        Escape::Header => TemplateEscape::Header,
        Escape::Plain => TemplateEscape::Plain,
    }
}
