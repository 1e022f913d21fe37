//! Contracts: JSON Schema 2020-12, checked straight over the parsed input.

mod bounds;
pub(crate) mod compatibility;
mod tree;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Retrieve, Uri, Validator};
use lineshaft_model::Reason;
use lineshaft_model::json::{Limits, Value};

use crate::datum::clip;
use crate::decimal::Exact;
use crate::diagnostic::{Diagnostic, Place};
use crate::input::Input;
use crate::units::Units;

/// Where the schemas of a workspace live, so that one may refer to another by its file name.
const HOME: &str = "lineshaft:///contracts/";

/// Schemas by file name that contracts may refer to with `$ref`.
pub type Schemas = BTreeMap<String, serde_json::Value>;

/// A compiled contract; threads share it.
pub struct Contract {
    name: Arc<str>,
    version: Arc<str>,
    validator: Validator<tree::Tree>,
}

/// One way in which a document breaks a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The keyword of the schema that is not met, for instance `required`.
    pub keyword: String,
    /// What is wrong. The value itself is not shown: it may be what must not be logged.
    pub message: String,
    /// JSON pointer to the value within the document; empty for the document itself.
    pub pointer: String,
    /// JSON pointer to the keyword within the schema.
    pub schema_path: String,
}

impl Violation {
    /// The same as a reason with the code `contract-violation`.
    #[must_use]
    pub fn to_reason(&self, contract: &str) -> Reason {
        Reason::new("contract-violation", self.message.clone())
            .at(self.pointer.clone())
            .hint(format!("contract {contract} asks for it at {}", self.schema_path))
    }
}

impl std::fmt::Debug for Contract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Contract({} {})", self.name, self.version)
    }
}

/// Hands out the schemas of the workspace, by their names as a URI has them, and nothing else.
struct Workspace(Schemas);

/// A name as the last segment of a URI.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

impl Retrieve for Workspace {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<serde_json::Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.as_str().strip_prefix(HOME);
        name.and_then(|name| self.0.get(name))
            .cloned()
            .ok_or_else(|| format!("{} is not in the workspace", uri.as_str()).into())
    }
}

impl Contract {
    /// Compiles a schema; `others` are the schemas it may refer to by file name.
    ///
    /// # Errors
    /// What is wrong with the schema, with a JSON pointer to it in the message.
    pub fn compile(
        name: &str,
        version: &str,
        schema: &serde_json::Value,
        others: &Schemas,
    ) -> Result<Self, Vec<Diagnostic>> {
        let units = Units::default();
        let others = others.iter().map(|(name, schema)| (encoded(name), schema.clone())).collect();
        let options = jsonschema::options_for::<tree::Tree>()
            .with_draft(Draft::Draft202012)
            .with_base_uri(format!("{HOME}{}", encoded(name)))
            .with_retriever(Workspace(others))
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .with_format("decimal", |text: &str| Exact::parse(text).is_some())
            .with_format("unit", move |text: &str| units.knows(text));
        let validator = bounds::with_exact_bounds(options).build(schema).map_err(|error| {
            let at = error.instance_path().to_string();
            let place = if at.is_empty() { String::new() } else { format!(" at {at}") };
            let hint = if error.to_string().contains("not in the workspace") {
                "a contract may refer to its own $defs and to other files of contracts/ only"
            } else {
                ""
            };
            vec![
                Diagnostic::new(
                    "contract-schema-invalid",
                    format!("the schema is not usable{place}: {error}"),
                )
                .hint(hint),
            ]
        })?;
        Ok(Self { name: name.into(), version: version.into(), validator })
    }

    /// Compiles the JSON text of a schema, whose numbers must be exact in it.
    ///
    /// # Errors
    /// As [`Contract::compile`], and when the text is not strict JSON.
    pub fn compile_text(
        name: &str,
        version: &str,
        text: &[u8],
        others: &Schemas,
    ) -> Result<Self, Vec<Diagnostic>> {
        let tree = Value::parse(text, &Limits::DEFAULT).map_err(|error| {
            let source = String::from_utf8_lossy(text);
            let place = Place::of(&source, error.offset..error.offset);
            vec![Diagnostic::new("contract-not-json", error.kind.to_string()).place(Some(place))]
        })?;
        if let Some(number) = inexact_number(&tree) {
            let message = format!("the number {} has more digits than a schema can hold", clip(number));
            return Err(vec![
                Diagnostic::new("contract-number-inexact", message).hint("use at most 15 digits"),
            ]);
        }
        let schema = serde_json::from_slice(text)
            .map_err(|error| vec![Diagnostic::new("contract-not-json", error.to_string())])?;
        Self::compile(name, version, &schema, others)
    }

    /// Its name, as given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, as given.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Checks a document; at most `most` violations are gathered.
    ///
    /// # Errors
    /// Every way in which the document breaks the contract, in the order of the schema.
    pub fn validate(&self, input: &Input<'_>, most: usize) -> Result<(), Vec<Violation>> {
        let node = tree::Place::Value(input.tree());
        if self.validator.is_valid(node) {
            return Ok(());
        }
        let violations: Vec<_> = self.validator.iter_errors(node).take(most.max(1)).map(violation).collect();
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map over owned errors")]
fn violation(error: jsonschema::ValidationError<'_>) -> Violation {
    const MOST: usize = 200;
    let message = error.masked_with("the value").to_string();
    let message = match message.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", &message[..at]),
        None => message,
    };
    Violation {
        keyword: error.kind().keyword().to_owned(),
        message,
        pointer: error.instance_path().to_string(),
        schema_path: error.schema_path().to_string(),
    }
}

fn inexact_number<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Number(text) => {
            let held = text.parse::<serde_json::Number>().ok().and_then(|n| Exact::parse(&n.to_string()));
            let exact = Exact::parse(text).zip(held).is_some_and(|(a, b)| a.compare(b).is_eq());
            (!exact).then_some(&**text)
        }
        Value::Array(items) => items.iter().find_map(inexact_number),
        Value::Object(members) => members.iter().find_map(|(_, member)| inexact_number(member)),
        _ => None,
    }
}
