//! What the loader itself reads of a system beside what decisions and connectors read, and the form of a contract.

use lineshaft_logic::spec::{Rate, Span};
use serde::Deserialize;

use super::size::Size;

/// All of `limits` of a system, its connector's part as well.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LimitsPart {
    rate: Option<Rate>,
    burst: Option<u32>,
    concurrency: Option<u32>,
    /// How long one call may take.
    timeout: Option<Span>,
    /// The largest input of its sources.
    body: Option<Size>,
}

/// A file of `contracts/`: an event or API contract.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractSpec {
    /// Its name: an event type, for canonical events; or a word that sources refer to, for their documents.
    pub contract: String,
    /// For people.
    #[serde(default)]
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// Its version within the major one of its name.
    pub version: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where it stands.
    #[serde(default)]
    pub status: ContractStatus,
    /// What a change may do.
    pub compatibility: Option<Compatibility>,
    /// Who relies on it.
    #[serde(default)]
    pub consumers: Vec<String>,
    /// The day after which it is gone.
    pub sunset: Option<String>,
    /// JSON Schema 2020-12.
    pub schema: serde_json::Value,
}

/// Where a contract stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContractStatus {
    /// Not relied on yet.
    Draft,
    /// Agreed, and not sent yet.
    Approved,
    /// Relied on.
    #[default]
    Active,
    /// Going away.
    Deprecated,
    /// Gone.
    Retired,
}

impl ContractStatus {
    /// As the file has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
        }
    }
}

/// What a change of a contract may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compatibility {
    /// Anything.
    None,
    /// New readers read old data.
    Backward,
    /// Old readers read new data.
    Forward,
    /// Both.
    Full,
}
