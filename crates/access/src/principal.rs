//! Who asks: a person, a token or a program, its roles and what it is bound to.

use lineshaft_model::Reason;
use serde::{Deserialize, Serialize};

/// What a principal is, as the schema names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person who logged in.
    User,
    /// An API token.
    #[default]
    Token,
    /// A program with a token of an identity provider.
    Machine,
}

impl Kind {
    /// The entity type.
    #[must_use]
    pub const fn entity(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Token => "Token",
            Self::Machine => "Machine",
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// What it is.
    #[serde(default)]
    pub kind: Kind,
    /// Its name, as the audit trail has it.
    pub name: String,
    /// Its tenant.
    pub tenant: String,
    /// Its roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The one partner it speaks for; empty for none.
    #[serde(default)]
    pub partner: String,
    /// The only sites it works at; empty for all.
    #[serde(default)]
    pub sites: Vec<String>,
    /// The only types of objects it deals with; empty for all.
    #[serde(default)]
    pub types: Vec<String>,
    /// The one system it speaks for; empty for any.
    #[serde(default)]
    pub system: String,
}

/// The roles that policies are shipped for, and what each is for.
pub const ROLES: &[(&str, &str)] = &[
    ("integration-engineer", "everything of the own tenant"),
    ("operator", "the hub, every flow, and mending what failed; no prices"),
    ("buyer", "purchasing with its prices, and the plan"),
    ("planner", "production, stock and the plan; no prices"),
    ("warehouse-lead", "stock, receipts and shipments of the own sites; no prices"),
    ("object-owner", "the types of objects it is given, whole"),
    ("auditor", "everything, changing nothing"),
    ("supplier", "what names the own partner and nobody else"),
    ("application", "a program of the house: reads, and sends as its system"),
    ("agent", "sends as its system, sees nothing"),
];

/// The name of a role, checked for its form: a workspace may have roles of its own.
pub fn role(text: &str) -> Result<String, Reason> {
    if lineshaft_model::event_type::is_word(text) {
        return Ok(text.to_owned());
    }
    let known: Vec<&str> = ROLES.iter().map(|(name, _)| *name).collect();
    Err(Reason::new("role-malformed", format!("`{text}` is no name of a role"))
        .hint(format!("use {}, or a role of your own policies", known.join(", "))))
}
