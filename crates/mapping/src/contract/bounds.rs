//! The numeric keywords of JSON Schema, exact for decimals of any length we take.

use std::cmp::Ordering;

use jsonschema::json::Node;
use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value};

use super::tree::{Digits, Place, Tree};
use crate::decimal::Exact;

/// One numeric keyword with its limit.
struct Bound {
    rule: Rule,
    limit: Exact,
    message: String,
}

#[derive(Clone, Copy)]
enum Rule {
    Minimum,
    Maximum,
    ExclusiveMinimum,
    ExclusiveMaximum,
    MultipleOf,
}

impl Bound {
    fn holds(&self, digits: Digits<'_>) -> bool {
        // What has more digits than we take cannot be judged, so it does not pass.
        let Some(value) = Exact::parse(digits.0) else { return false };
        let order = value.compare(self.limit);
        match self.rule {
            Rule::Minimum => order != Ordering::Less,
            Rule::Maximum => order != Ordering::Greater,
            Rule::ExclusiveMinimum => order == Ordering::Greater,
            Rule::ExclusiveMaximum => order == Ordering::Less,
            Rule::MultipleOf => value.is_multiple_of(self.limit),
        }
    }
}

impl<'i> Keyword<'i, Tree> for Bound {
    fn validate(&self, instance: Place<'i>) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom(self.message.clone())) }
    }

    fn is_valid(&self, instance: Place<'i>) -> bool {
        instance.as_number().is_none_or(|number| self.holds(number))
    }
}

type Options<'i> = jsonschema::ValidationOptions<'i, std::sync::Arc<dyn jsonschema::Retrieve>, Tree>;

/// Puts our numeric keywords in the place of the validator's own, which compare floats.
pub(super) fn with_exact_bounds(options: Options<'_>) -> Options<'_> {
    let keywords = [
        ("minimum", Rule::Minimum, "is less than the minimum of"),
        ("maximum", Rule::Maximum, "is greater than the maximum of"),
        ("exclusiveMinimum", Rule::ExclusiveMinimum, "is not greater than"),
        ("exclusiveMaximum", Rule::ExclusiveMaximum, "is not less than"),
        ("multipleOf", Rule::MultipleOf, "is not a multiple of"),
    ];
    keywords.into_iter().fold(options, |options, (name, rule, words)| {
        options.with_keyword(name, move |_: &Map<String, Value>, limit: &Value, _: Location| {
            let text = limit.to_string();
            let exact = Exact::parse(&text)
                .ok_or_else(|| ValidationError::custom(format!("{text} is no limit we can take")))?;
            Ok(Box::new(Bound { rule, limit: exact, message: format!("the number {words} {text}") }))
        })
    })
}
