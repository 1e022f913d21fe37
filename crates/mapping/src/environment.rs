//! What mappings may refer to: code lists and units at compile time; the source, the time and references at run time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codes::CodeList;
use crate::units::Units;

/// The workspace's code lists and units; cheap to clone, shared by all its mappings.
#[derive(Clone, Debug, Default)]
pub struct Environment(Arc<Tables>);

#[derive(Debug, Default)]
struct Tables {
    codes: BTreeMap<String, CodeList>,
    units: Units,
}

impl Environment {
    /// Gathers code lists and units.
    #[must_use]
    pub fn new(codes: impl IntoIterator<Item = CodeList>, units: Units) -> Self {
        let codes = codes.into_iter().map(|list| (list.name().to_owned(), list)).collect();
        Self(Arc::new(Tables { codes, units }))
    }

    /// A code list by the name of its file without `.csv`.
    #[must_use]
    pub fn code_list(&self, name: &str) -> Option<&CodeList> {
        self.0.codes.get(name)
    }

    /// The names of all code lists.
    pub fn code_lists(&self) -> impl Iterator<Item = &str> {
        self.0.codes.keys().map(String::as_str)
    }

    /// The units.
    #[must_use]
    pub fn units(&self) -> &Units {
        &self.0.units
    }
}

/// Cross references between the keys of systems, as they stand when a mapping runs.
pub trait References {
    /// The canonical key of what `system` calls `key`.
    fn canonical(&self, system: &str, object_type: &str, key: &str) -> Option<String>;
    /// What `system` calls the object with this canonical key.
    fn foreign(&self, system: &str, object_type: &str, canonical: &str) -> Option<String>;
}

/// No cross references at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoReferences;

impl References for NoReferences {
    fn canonical(&self, _: &str, _: &str, _: &str) -> Option<String> {
        None
    }

    fn foreign(&self, _: &str, _: &str, _: &str) -> Option<String> {
        None
    }
}

/// What one run of a mapping can see besides its input: `$source`, `$now`, `$headers` and the cross references.
#[derive(Clone, Copy)]
pub struct Vars<'a> {
    /// The system the input came from.
    pub system: &'a str,
    /// The source within the system.
    pub source: &'a str,
    /// The tenant it belongs to.
    pub tenant: &'a str,
    /// The site, when known.
    pub site: Option<&'a str>,
    /// The file the input was read from, when it was a file.
    pub file: Option<&'a str>,
    /// The line or record within the file, from 1.
    pub line: Option<u64>,
    /// The hub's time as RFC 3339 text; empty when there is none.
    pub now: &'a str,
    /// Request or message headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// Cross references.
    pub references: &'a dyn References,
}

impl Default for Vars<'_> {
    fn default() -> Self {
        Self {
            system: "",
            source: "",
            tenant: "",
            site: None,
            file: None,
            line: None,
            now: "",
            headers: &[],
            references: &NoReferences,
        }
    }
}

impl std::fmt::Debug for Vars<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Headers may carry secrets, so only their number is shown.
        f.debug_struct("Vars")
            .field("system", &self.system)
            .field("source", &self.source)
            .field("now", &self.now)
            .field("headers", &self.headers.len())
            .finish_non_exhaustive()
    }
}
