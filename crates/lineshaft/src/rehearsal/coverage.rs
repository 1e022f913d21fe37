//! Which parts of a workspace its tests have used.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::workspace::Workspace;

/// The names of everything that a test can use, by kind.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    kinds: [BTreeSet<String>; 4],
    /// The mapping of each source and operation.
    mappings: Vec<(String, String)>,
}

/// A kind of part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A source, `system/source`.
    Source,
    /// A mapping that a source or an operation names.
    Mapping,
    /// A route.
    Route,
    /// An operation, `system.operation`.
    Operation,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Source, Self::Mapping, Self::Route, Self::Operation];

    const fn plural(self) -> &'static str {
        match self {
            Self::Source => "sources",
            Self::Mapping => "mappings",
            Self::Route => "routes",
            Self::Operation => "operations",
        }
    }
}

impl Parts {
    pub(super) fn of(workspace: &Workspace) -> Self {
        let mut parts = Self::default();
        for system in &workspace.systems {
            let sources = system.spec.sources.iter();
            let sources =
                sources.map(|(name, s)| (Kind::Source, format!("{}/{name}", system.name), &s.mapping));
            let operations = system.spec.operations.iter();
            let operations =
                operations.map(|(name, o)| (Kind::Operation, format!("{}.{name}", system.name), &o.mapping));
            for (kind, name, mapping) in sources.chain(operations) {
                if let Some(mapping) = mapping {
                    parts.kinds[Kind::Mapping as usize].insert(mapping.clone());
                    parts.mappings.push((name.clone(), mapping.clone()));
                }
                parts.kinds[kind as usize].insert(name);
            }
        }
        let routes = workspace.routes.iter().map(|route| route.spec.route.clone());
        parts.kinds[Kind::Route as usize] = routes.collect();
        parts
    }
}

/// What has been used.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    used: [BTreeSet<String>; 4],
}

/// How much of one kind has been used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// `sources`, `mappings`, `routes` or `operations`.
    pub kind: &'static str,
    /// How many have been used.
    pub used: usize,
    /// How many there are.
    pub all: usize,
    /// Those that have not.
    pub unused: Vec<String>,
}

impl Coverage {
    /// Notes that a part was used, with the mapping it names.
    pub(super) fn note(&mut self, parts: &Parts, kind: Kind, name: &str) {
        if self.used[kind as usize].contains(name) {
            return;
        }
        self.used[kind as usize].insert(name.to_owned());
        let mapping = parts.mappings.iter().find(|(of, _)| of == name);
        self.used[Kind::Mapping as usize].extend(mapping.map(|(_, mapping)| mapping.clone()));
    }

    /// How much of each kind has been used.
    #[must_use]
    pub fn of(&self, parts: &Parts) -> Vec<Covered> {
        let covered = |kind: Kind| {
            let (all, used) = (&parts.kinds[kind as usize], &self.used[kind as usize]);
            Covered {
                kind: kind.plural(),
                used: all.intersection(used).count(),
                all: all.len(),
                unused: all.difference(used).cloned().collect(),
            }
        };
        Kind::ALL.map(covered).into()
    }
}

/// How much has been used of everything, in percent, rounded down; 100 when there is nothing to use.
#[must_use]
pub fn percent(covered: &[Covered]) -> usize {
    let sum = |of: fn(&Covered) -> usize| covered.iter().map(of).sum::<usize>();
    (sum(|c| c.used) * 100).checked_div(sum(|c| c.all)).unwrap_or(100)
}
