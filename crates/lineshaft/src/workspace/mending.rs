//! `mending` of `lineshaft.yaml`: who may change what in dead letters and refused inputs.

use lineshaft_logic::mend::{EditOf, EditRule, FieldPattern, Mending};
use lineshaft_logic::spec::Span;
use lineshaft_model::Reason;
use lineshaft_model::event_type::TypePattern;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// How dead letters and refused inputs are mended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MendingSettings {
    /// A dead letter that waits for longer is shown as overdue.
    pub within: Option<Span>,
    /// Whether an edit only takes effect once a second person approves it.
    pub second_person: bool,
    /// What a role may change; `admin` may change everything, a role that is not named nothing.
    pub edit: Vec<EditSettings>,
}

/// What one role may change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditSettings {
    /// The scope of a token.
    pub role: Role,
    /// In dead letters of these types of events.
    #[serde(default, deserialize_with = "types")]
    pub types: Option<String>,
    /// In refused inputs of this source, `system/source`.
    pub intake: Option<String>,
    /// JSON pointers whose parts may be `*`; a field stands for everything below it, `*` alone for all.
    #[serde(deserialize_with = "fields")]
    pub fields: Vec<String>,
}

/// Scopes to which edits can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Whoever works with dead letters.
    Operate,
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Operate => "operate",
        }
    }
}

fn types<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read: Result<TypePattern, Reason> = text.parse();
    read.map(|_| Some(text)).map_err(|reason| D::Error::custom(reason.message))
}

fn fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    for text in &texts {
        text.parse::<FieldPattern>().map_err(D::Error::custom)?;
    }
    Ok(texts)
}

impl MendingSettings {
    /// What decisions read of it.
    #[must_use]
    pub fn rules(&self) -> Mending {
        let mut edits = Vec::new();
        for of in &self.edit {
            let fields: Vec<FieldPattern> = of.fields.iter().filter_map(|text| text.parse().ok()).collect();
            let role = of.role.as_str();
            let mut rule = |of| edits.push(EditRule { role: role.to_owned(), of, fields: fields.clone() });
            if let Some(types) = of.types.as_ref().and_then(|text| text.parse().ok()) {
                rule(EditOf::Types(types));
            }
            if let Some(intake) = &of.intake {
                rule(EditOf::Intake(intake.clone()));
            }
        }
        Mending { edits, second_person: self.second_person, within_ms: self.within.map(|span| span.0) }
    }
}
