//! Templates in paths, headers and addresses: text with `{{ expression }}` in it.

use lineshaft_model::Reason;

use crate::budget::Budget;
use crate::diagnostic::{Diagnostic, Place};
use crate::environment::{Environment, Vars};
use crate::expression::{one, scalar};
use crate::input::Input;
use crate::mapping::MappingError;
use crate::query::{Failure, Query};
use crate::reads::Reads;

/// How inserted text is made safe for where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// One segment of a URL path: everything but unreserved characters is percent-encoded, and what would lead elsewhere
    /// (nothing, `.`, `..`) is refused.
    PathSegment,
    /// A query value: everything but unreserved characters is percent-encoded.
    QueryValue,
    /// A header value: line breaks and other control characters are refused.
    Header,
    /// Nothing is changed.
    Plain,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Query(String, Query),
}

/// A compiled template.
#[derive(Debug)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Compiles a template such as `/orders/{{ .data.key }}`.
    ///
    /// # Errors
    /// Everything that is wrong with it, at its place in the template.
    pub fn compile(source: &str, environment: &Environment) -> Result<Self, Vec<Diagnostic>> {
        let mut parts = Vec::new();
        let mut problems = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find("{{") {
            let before = &rest[..open];
            let Some(length) = rest[open + 2..].find("}}") else {
                let place = Place::of_slice(source, &rest[open..open + 2]);
                return Err(vec![Diagnostic::new("template-not-closed", "`{{` has no `}}`").place(place)]);
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let inner = &rest[open + 2..open + 2 + length];
            let start = source.len() - rest.len() + open + 2;
            match Query::compile(inner, environment) {
                Ok(query) => parts.push(Part::Query(inner.trim().to_owned(), query)),
                Err(found) => problems.extend(found.into_iter().map(|diagnostic| {
                    let span = diagnostic.place.as_ref().map_or(0..inner.len(), |place| place.span.clone());
                    let place = Place::of(source, start + span.start..start + span.end);
                    diagnostic.place(Some(place))
                })),
            }
            rest = &rest[open + 2 + length + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if problems.is_empty() { Ok(Self { parts }) } else { Err(problems) }
    }

    /// What its expressions read of their input.
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.parts.iter().fold(Reads::default(), |reads, part| match part {
            Part::Text(_) => reads,
            Part::Query(_, query) => reads.and(query.reads()),
        })
    }

    /// The text without any expression, when that is all there is.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Fills it in. Each expression must give exactly one string, number or boolean.
    ///
    /// # Errors
    /// `template-empty` when an expression gives nothing usable there, `template-unsafe` for a header with control
    /// characters, and whatever the expression itself fails with.
    pub fn render(
        &self,
        input: &Input<'_>,
        vars: &Vars<'_>,
        budget: &Budget,
        escape: Escape,
    ) -> Result<String, MappingError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Query(source, query) => {
                    let values =
                        query.run(input, vars, budget, |output, account| scalar(&output, account, budget));
                    let placed = |failure: Failure| Failure { reason: at(failure.reason, source), ..failure };
                    let values = values.map_err(|failure| placed(failure).of("template"))?;
                    let inserted = match one(values) {
                        Ok(Some(value)) => insert(&mut text, &value, escape, source),
                        _ => Err(Reason::new(
                            "template-empty",
                            format!("`{source}` does not give one string or number"),
                        )
                        .hint("give it a default with `// \"...\"`, or correct the path")),
                    };
                    inserted.map_err(|reason| placed(reason.into()).of("template"))?;
                }
            }
        }
        Ok(text)
    }
}

fn at(reason: Reason, source: &str) -> Reason {
    if reason.at.is_empty() { reason.at(format!("{{{{ {source} }}}}")) } else { reason }
}

fn insert(text: &mut String, value: &str, escape: Escape, source: &str) -> Result<(), Reason> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    match escape {
        Escape::Plain => {
            text.push_str(value);
            return Ok(());
        }
        Escape::Header => {
            if value.bytes().any(|byte| byte.is_ascii_control()) {
                return Err(Reason::new(
                    "template-unsafe",
                    format!("`{source}` has control characters in it"),
                ));
            }
            text.push_str(value);
            return Ok(());
        }
        Escape::PathSegment if matches!(value, "" | "." | "..") => {
            return Err(Reason::new("template-empty", format!("`{source}` gives no usable path segment")));
        }
        Escape::PathSegment | Escape::QueryValue => {}
    }
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 0xF)]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str, input: &str, escape: Escape) -> Result<String, String> {
        let template = Template::compile(template, &Environment::default()).map_err(|d| d[0].to_string())?;
        let input = Input::parse(input.as_bytes()).unwrap();
        template.render(&input, &Vars::default(), &Budget::DEFAULT, escape).map_err(|e| e.reason.code)
    }

    #[test]
    fn expressions_are_filled_in_and_escaped() {
        let input = r#"{"data":{"key":"PO/7 ä","n":0.10},"x":null}"#;
        assert_eq!(
            render("/o/{{ .data.key }}/{{.data.n}}", input, Escape::PathSegment).unwrap(),
            "/o/PO%2F7%20%C3%A4/0.10"
        );
        assert_eq!(render("{{ .data.key | ascii_downcase }}!", input, Escape::Plain).unwrap(), "po/7 ä!");
        assert_eq!(render("{{ .x // \"none\" }}", input, Escape::PathSegment).unwrap(), "none");
        assert_eq!(render("plain", input, Escape::PathSegment).unwrap(), "plain");
    }

    #[test]
    fn what_is_missing_or_unsafe_is_refused() {
        let input = r#"{"up":"..","lines":[1],"h":"a\r\nEvil: 1","e":""}"#;
        for template in ["{{ .x }}", "{{ .up }}", "{{ .lines }}", "{{ empty }}", "{{ 1, 2 }}", "{{ .e }}"] {
            assert_eq!(
                render(template, input, Escape::PathSegment).unwrap_err(),
                "template-empty",
                "{template}"
            );
        }
        assert_eq!(render("{{ .h }}", input, Escape::Header).unwrap_err(), "template-unsafe");
    }

    #[test]
    fn problems_have_their_place_in_the_template() {
        let problems = Template::compile("/a/{{ .b }}/{{ nope(1) }}", &Environment::default()).unwrap_err();
        let place = problems[0].place.as_ref().unwrap();
        assert_eq!((problems[0].code, place.column), ("mapping-unknown-function", 16));
        assert_eq!(
            Template::compile("/a/{{ .b", &Environment::default()).unwrap_err()[0].code,
            "template-not-closed"
        );
    }
}
