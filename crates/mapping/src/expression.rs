//! Short expressions in a workspace: a route's `when` and `order_by`.

use lineshaft_model::Reason;

use crate::budget::Budget;
use crate::diagnostic::Diagnostic;
use crate::environment::{Environment, Vars};
use crate::input::Input;
use crate::mapping::MappingError;
use crate::query::{Failure, How, Output, Query};
use crate::reads::Reads;

/// A jq expression that gives one text: a string, a number or a boolean.
#[derive(Debug)]
pub struct Expression(Query);

/// A jq expression that gives one boolean.
#[derive(Debug)]
pub struct Condition(Query);

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn compile(text: &str, environment: &Environment) -> Result<Self, Vec<Diagnostic>> {
        Query::compile(text, environment).map(Self)
    }

    /// Whether it runs as a compiled plan, and if not, why.
    #[must_use]
    pub fn how(&self) -> How {
        self.0.how()
    }

    /// What it reads of its input.
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.0.reads()
    }

    /// The text it gives for this input.
    ///
    /// # Errors
    /// When it fails, gives none or several values, or gives null, an array or an object.
    pub fn text(&self, input: &Input<'_>, vars: &Vars<'_>, budget: &Budget) -> Result<String, MappingError> {
        let outputs = self.0.run(input, vars, budget, |output, account| scalar(&output, account, budget));
        let failed = |failure: Failure| failure.of("expression");
        one(outputs.map_err(failed)?)
            .and_then(|text| text.ok_or_else(|| unfit("the expression gave null, an array or an object")))
            .map_err(|reason| failed(reason.into()))
    }
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn compile(text: &str, environment: &Environment) -> Result<Self, Vec<Diagnostic>> {
        Query::compile(text, environment).map(Self)
    }

    /// What it reads of its input.
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.0.reads()
    }

    /// Whether it runs as a compiled plan, and if not, why.
    #[must_use]
    pub fn how(&self) -> How {
        self.0.how()
    }

    /// Whether it holds for this input.
    ///
    /// # Errors
    /// When it fails, or gives anything but one boolean.
    pub fn test(&self, input: &Input<'_>, vars: &Vars<'_>, budget: &Budget) -> Result<bool, MappingError> {
        let outputs = self.0.run(input, vars, budget, |output, _| Ok(output.as_bool()));
        let failed = |failure: Failure| failure.of("condition");
        one(outputs.map_err(failed)?)
            .and_then(|truth| {
                truth.ok_or_else(|| unfit("the condition gave something else than true or false"))
            })
            .map_err(|reason| failed(reason.into()))
    }
}

/// The text of a scalar; none for null, an array or an object.
pub(crate) fn scalar(
    output: &Output<'_, '_>,
    account: &crate::budget::Account,
    budget: &Budget,
) -> Result<Option<String>, Reason> {
    if !output.is_scalar() || output.is_null() {
        return Ok(None);
    }
    let mut out = Vec::new();
    output.show(&mut out, account, budget)?;
    let not_text = |_| Reason::new("text-not-utf8", "a string is not valid UTF-8");
    String::from_utf8(out).map(Some).map_err(not_text)
}

/// The one output of an expression.
pub(crate) fn one<T>(outputs: Vec<T>) -> Result<T, Reason> {
    let count = outputs.len();
    let mut outputs = outputs.into_iter();
    match (outputs.next(), count) {
        (Some(output), 1) => Ok(output),
        (None, _) => Err(unfit("the expression gave nothing")),
        (Some(_), count) => Err(unfit(&format!("the expression gave {count} values"))),
    }
}

fn unfit(message: &str) -> Reason {
    Reason::new("mapping-expression", message).hint("an expression gives exactly one value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(text: &str, input: &str) -> Result<bool, String> {
        let condition = Condition::compile(text, &Environment::default()).unwrap();
        let input = Input::parse(input.as_bytes()).unwrap();
        condition.test(&input, &Vars::default(), &Budget::DEFAULT).map_err(|e| e.reason.message)
    }

    #[test]
    fn a_condition_is_a_boolean() {
        assert_eq!(test(r#".data.delta.value != "0""#, r#"{"data":{"delta":{"value":"0"}}}"#), Ok(false));
        assert_eq!(test(r#".data.delta.value != "0""#, r#"{"data":{"delta":{"value":"1"}}}"#), Ok(true));
        assert_eq!(test(".a | test(\"b\")", r#"{"a":"abc"}"#), Ok(true));
        assert!(test(".data", r#"{"data":1}"#).is_err());
        assert!(test("empty", "{}").unwrap_err().contains("nothing"));
        assert!(test("true, false", "{}").unwrap_err().contains("2 values"));
    }

    #[test]
    fn an_expression_is_a_text() {
        let text = |expression: &str, input: &str| {
            let input = Input::parse(input.as_bytes()).unwrap();
            let expression = Expression::compile(expression, &Environment::default()).unwrap();
            expression.text(&input, &Vars::default(), &Budget::DEFAULT)
        };
        assert_eq!(text(".a", r#"{"a":"x"}"#).unwrap(), "x");
        assert_eq!(text(".a", r#"{"a":0.10}"#).unwrap(), "0.10");
        assert!(text(".a", "{}").is_err(), "a missing key keeps no order");
        assert!(text(".a", r#"{"a":[1]}"#).is_err());
    }

    #[test]
    fn the_usual_conditions_are_compiled() {
        for text in [
            r#".type == "lineshaft.inventory.counted.v1""#,
            r#".data.delta.value != "0" and (.site == "P100" or .data.urgent)"#,
            r#".data.lines | any(.priority == "high")"#,
            r#"(.data.note // "") | startswith("A")"#,
            r#"dec_cmp(.data.delta.value; "0") > 0"#,
            r#".data | has("site") | not"#,
        ] {
            assert_eq!(
                Condition::compile(text, &Environment::default()).unwrap().how(),
                How::Compiled,
                "{text}"
            );
        }
    }
}
