//! Runtime expressions: jq with the DSL's arguments, bounded as every mapping is.
//!
//! The mapping engine has one document and three variables of its own. An expression is compiled with the arguments it names
//! bound in front of it, and run on a document that holds its input and their values: nothing is computed that it does not name.

use lineshaft_mapping::{Budget, Diagnostic, Environment, Input, Mapping, Vars};
use lineshaft_model::json::{Limits, Value, write_string};

use crate::doc::Doc;
use crate::problem::{MALFORMED, Problem};

/// What one expression may make, in bytes.
const OUTPUT_BYTES: usize = 4 << 20;

/// The arguments of the DSL that every expression may name.
pub(crate) const ARGUMENTS: &[&str] = &["context", "input", "output", "task", "workflow", "runtime"];

/// The names an expression may use, innermost last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope(Vec<String>);

impl Scope {
    pub(crate) fn with(&self, names: impl IntoIterator<Item = String>) -> Self {
        let mut all = self.clone();
        for name in names {
            if !all.0.contains(&name) {
                all.0.push(name);
            }
        }
        all
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        ARGUMENTS.iter().copied().chain(self.0.iter().map(String::as_str))
    }
}

/// Hands out the arguments an expression names.
pub(crate) trait Arguments {
    fn get(&self, name: &str) -> Doc;
    /// The hub's time as RFC 3339 text.
    fn now(&self) -> &str;
}

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expression {
    mapping: Mapping,
    names: Vec<Box<str>>,
}

impl Expression {
    /// Compiles the text of an expression at a place of the definition.
    pub(crate) fn compile(
        text: &str,
        at: &str,
        scope: &Scope,
        environment: &Environment,
    ) -> Result<Self, Vec<Problem>> {
        if names_secrets(text) {
            return Err(vec![
                Problem::new(at, crate::problem::UNSUPPORTED, "`$secrets` in an expression would end up in the journal")
                    .hint("secrets may stand alone, as `${ $secrets.NAME }`, in an authentication or a header of a call"),
            ]);
        }
        let names: Vec<Box<str>> = scope.names().filter(|name| uses(text, name)).map(Into::into).collect();
        let mut source = String::new();
        for name in &names {
            source += &format!(".v.{name} as ${name} | ");
        }
        source += ".i | (\n";
        source += text;
        source += "\n)";
        let mapping = Mapping::compile("expression", &source, environment)
            .map_err(|faults| faults.iter().map(|fault| problem(fault, at, scope)).collect::<Vec<_>>())?;
        Ok(Self { mapping, names })
    }

    /// The one value it gives.
    pub(crate) fn run(&self, input: &Doc, arguments: &dyn Arguments) -> Result<Doc, String> {
        let mut text = String::with_capacity(input.as_str().len() + 64);
        text += "{\"i\":";
        text += input.as_str();
        text += ",\"v\":{";
        for (number, name) in self.names.iter().enumerate() {
            if number > 0 {
                text.push(',');
            }
            text += &format!("\"{name}\":");
            text += arguments.get(name).as_str();
        }
        text += "}}";
        let limits = Limits { bytes: 64 << 20, number: 4096, ..Limits::DEFAULT };
        let budget = Budget { output_bytes: OUTPUT_BYTES, ..Budget::DEFAULT };
        let vars = Vars { now: arguments.now(), ..Vars::default() };
        let input = Input::parse_within(text.as_bytes(), &limits).map_err(|reason| reason.message)?;
        let mut outputs =
            self.mapping.run(&input, &vars, &budget).map_err(|error| error.reason.to_string())?;
        match (outputs.pop(), outputs.len()) {
            (Some(output), 0) => String::from_utf8(output.into())
                .map(Doc::trusted)
                .map_err(|_| "the result is not UTF-8".to_owned()),
            (None, _) => Err("the expression gave nothing; it must give one value".to_owned()),
            (Some(_), more) => Err(format!("the expression gave {} values; it must give one", more + 1)),
        }
    }

    /// Whether it holds; null counts as false, as in jq.
    pub(crate) fn holds(&self, input: &Doc, arguments: &dyn Arguments) -> Result<bool, String> {
        let value = self.run(input, arguments)?;
        match value.as_str() {
            "true" => Ok(true),
            "false" | "null" => Ok(false),
            other => Err(format!("the condition gave {}, not true or false", clip(other))),
        }
    }
}

fn problem(fault: &Diagnostic, at: &str, scope: &Scope) -> Problem {
    let hint = if fault.code == "mapping-unknown-name" {
        let names: Vec<String> = scope.names().map(|name| format!("${name}")).collect();
        format!("the variables given are {} and $now", names.join(", "))
    } else {
        fault.hint.clone()
    };
    let message = fault.message.replace("the mapping", "the expression");
    let within = fault.place.as_ref().map(|place| (place.line.saturating_sub(1).max(1), place.column));
    Problem { within, ..Problem::new(at, fault.code, message).hint(hint) }
}

/// Whether `$name` stands in the text. A name inside a string counts too, which costs a little and harms nothing.
fn uses(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices('$').any(|(at, _)| {
        text.get(at + 1..)
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| !rest.starts_with(word))
    })
}

pub(crate) fn names_secrets(text: &str) -> bool {
    uses(text, "secrets")
}

/// Whether a name may stand behind `$` in jq.
pub(crate) fn is_variable(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with("__")
        && name.len() <= 64
}

/// The text between `${` and `}` when that is all there is.
pub(crate) fn inner(text: &str) -> Option<&str> {
    text.trim().strip_prefix("${")?.strip_suffix('}')
}

pub(crate) fn clip(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A value of a definition in which texts may be expressions.
#[derive(Debug)]
pub(crate) enum Shape {
    Fixed(Doc),
    Computed(Expression),
    List(Vec<Self>),
    Fields(Vec<(String, Self)>),
}

impl Shape {
    /// Compiles every `${ ... }` in a value.
    pub(crate) fn compile(
        value: &Value<'_>,
        at: &str,
        scope: &Scope,
        environment: &Environment,
    ) -> Result<Self, Vec<Problem>> {
        match value {
            Value::String(text) => match inner(text) {
                Some(expression) => {
                    Expression::compile(expression, at, scope, environment).map(Self::Computed)
                }
                None if text.contains("${") => Err(vec![
                    Problem::new(at, MALFORMED, "an expression stands inside a longer text")
                        .hint("make the whole text one expression: ${ \"Order \\(.number)\" }"),
                ]),
                None => Ok(Self::Fixed(Doc::of(value))),
            },
            Value::Array(items) => {
                let parts = items
                    .iter()
                    .enumerate()
                    .map(|(number, item)| Self::compile(item, &format!("{at}/{number}"), scope, environment));
                let parts = gather(parts)?;
                Ok(if parts.iter().all(Self::is_fixed) {
                    Self::Fixed(Doc::of(value))
                } else {
                    Self::List(parts)
                })
            }
            Value::Object(members) => {
                let parts = members.iter().map(|(key, member)| {
                    let at = pointer(at, key);
                    Self::compile(member, &at, scope, environment)
                        .map(|shape| (key.clone().into_owned(), shape))
                });
                let parts = gather(parts)?;
                let fixed = parts.iter().all(|(_, part)| part.is_fixed());
                Ok(if fixed { Self::Fixed(Doc::of(value)) } else { Self::Fields(parts) })
            }
            other => Ok(Self::Fixed(Doc::of(other))),
        }
    }

    /// A value that is an expression when it is a text, with or without `${ }` around it.
    pub(crate) fn loose(
        value: &Value<'_>,
        at: &str,
        scope: &Scope,
        environment: &Environment,
    ) -> Result<Self, Vec<Problem>> {
        match value {
            Value::String(text) => {
                Expression::compile(inner(text).unwrap_or(text), at, scope, environment).map(Self::Computed)
            }
            other => Self::compile(other, at, scope, environment),
        }
    }

    const fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// The value for this input.
    pub(crate) fn run(&self, input: &Doc, arguments: &dyn Arguments) -> Result<Doc, String> {
        match self {
            Self::Fixed(doc) => Ok(doc.clone()),
            Self::Computed(expression) => expression.run(input, arguments),
            Self::List(_) | Self::Fields(_) => {
                let mut out = Vec::new();
                self.write(input, arguments, &mut out)?;
                String::from_utf8(out).map(Doc::trusted).map_err(|_| "the result is not UTF-8".to_owned())
            }
        }
    }

    fn write(&self, input: &Doc, arguments: &dyn Arguments, out: &mut Vec<u8>) -> Result<(), String> {
        if out.len() > OUTPUT_BYTES {
            return Err(format!("the value has more than {OUTPUT_BYTES} bytes"));
        }
        match self {
            Self::Fixed(doc) => out.extend_from_slice(doc.as_str().as_bytes()),
            Self::Computed(expression) => {
                out.extend_from_slice(expression.run(input, arguments)?.as_str().as_bytes());
            }
            Self::List(items) => {
                out.push(b'[');
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        out.push(b',');
                    }
                    item.write(input, arguments, out)?;
                }
                out.push(b']');
            }
            Self::Fields(members) => {
                out.push(b'{');
                for (number, (key, member)) in members.iter().enumerate() {
                    if number > 0 {
                        out.push(b',');
                    }
                    write_string(out, key);
                    out.push(b':');
                    member.write(input, arguments, out)?;
                }
                out.push(b'}');
            }
        }
        Ok(())
    }
}

fn gather<T>(parts: impl Iterator<Item = Result<T, Vec<Problem>>>) -> Result<Vec<T>, Vec<Problem>> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Ok(part) => good.push(part),
            Err(problems) => bad.extend(problems),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad) }
}

/// A JSON pointer one step further.
pub(crate) fn pointer(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}
