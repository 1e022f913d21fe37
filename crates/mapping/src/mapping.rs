//! A mapping: compiled once, run for each document.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jaq_json::Val;
use lineshaft_model::Reason;

use crate::budget::{Budget, Stop};
use crate::convert::{val_from_datum, write_val};
use crate::datum::Datum;
use crate::diagnostic::Diagnostic;
use crate::environment::{Environment, Vars};
use crate::functions::Context;
use crate::guard::{Program, Syntax, run};
use crate::input::Input;

/// A compiled mapping; threads share it through an `Arc`.
#[derive(Debug)]
pub struct Mapping {
    name: Arc<str>,
    program: Program,
    environment: Environment,
}

/// Why a run of a mapping gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingError {
    /// The mapping's name.
    pub mapping: Arc<str>,
    /// Code, message and hint; `at` is a JSON pointer into the input when it is known.
    pub reason: Reason,
    /// The line of the mapping, from 1, when it is known.
    pub line: Option<u32>,
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mapping {}", self.mapping)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for MappingError {}

impl From<MappingError> for Reason {
    fn from(error: MappingError) -> Self {
        let place = match error.line {
            Some(line) => format!("mappings/{}:{line}", error.mapping),
            None => format!("mappings/{}", error.mapping),
        };
        let at = if error.reason.at.is_empty() { place } else { format!("{}, {place}", error.reason.at) };
        Reason { at, ..error.reason }
    }
}

impl Mapping {
    /// Compiles a mapping, reporting every problem with its place.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn compile(name: &str, source: &str, environment: &Environment) -> Result<Self, Vec<Diagnostic>> {
        let program = Program::compile(Syntax::parse(source)?)?;
        Ok(Self { name: name.into(), program, environment: environment.clone() })
    }

    /// Its name, as given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs the mapping on a document and gives each output as JSON text.
    ///
    /// # Errors
    /// When the mapping refuses the input, fails on it, or does not end within its budget.
    pub fn run(
        &self,
        input: &Input<'_>,
        vars: &Vars<'_>,
        budget: &Budget,
    ) -> Result<Vec<Bytes>, MappingError> {
        let mut outputs = Vec::new();
        let mut room = budget.output_bytes;
        let result = run(
            &self.program,
            input.interpreted(),
            variables(vars),
            context(&self.environment, vars),
            budget,
            |value, account| {
                let mut out = Vec::with_capacity(256);
                write_val(&value, &mut out)?;
                account.pay(out.len() as u64).map_err(|stop| stop.reason(budget))?;
                room = room.checked_sub(out.len()).ok_or_else(|| Stop::Output.reason(budget))?;
                outputs.push(Bytes::from(out));
                Ok(())
            },
        );
        match result {
            Ok(_) => Ok(outputs),
            Err(reason) => Err(MappingError { mapping: Arc::clone(&self.name), reason, line: None }),
        }
    }

    /// Parses the text of a document and runs the mapping on it.
    ///
    /// # Errors
    /// As [`Mapping::run`], and when the text is not strict JSON.
    pub fn run_bytes(
        &self,
        bytes: &[u8],
        vars: &Vars<'_>,
        budget: &Budget,
    ) -> Result<Vec<Bytes>, MappingError> {
        let input = Input::parse(bytes).map_err(|reason| MappingError {
            mapping: Arc::clone(&self.name),
            reason,
            line: None,
        })?;
        self.run(&input, vars, budget)
    }
}

/// The three variables as the interpreter's values.
pub(crate) fn variables(vars: &Vars<'_>) -> [Val; 3] {
    let word = |text: &str| if text.is_empty() { Datum::Null } else { Datum::text(text.to_owned()) };
    let optional = |text: Option<&str>| text.map_or(Datum::Null, |text| Datum::text(text.to_owned()));
    let source = Datum::Fields(vec![
        ("system".into(), word(vars.system)),
        ("source".into(), word(vars.source)),
        ("tenant".into(), word(vars.tenant)),
        ("site".into(), optional(vars.site)),
        ("file".into(), optional(vars.file)),
        ("line".into(), vars.line.map_or(Datum::Null, |line| Datum::Number(line.to_string().into()))),
    ]);
    let headers = vars.headers.iter().map(|(k, v)| (k.as_str().into(), Datum::text(v.as_str()))).collect();
    [val_from_datum(&source), val_from_datum(&word(vars.now)), val_from_datum(&Datum::Fields(headers))]
}

pub(crate) fn context<'a>(environment: &'a Environment, vars: &Vars<'a>) -> Context<'a> {
    Context { environment, references: vars.references, today: vars.now.get(..10).unwrap_or_default() }
}
